"""`docproc evaluate`: read labelled sets and say how good it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import click
import numpy as np

from docproc.document import Document
from docproc.errors import Usage
from docproc.evaluate import html, report
from docproc.evaluate.dataset import LabelledSet, load
from docproc.evaluate.metrics import FOOTER, definitions
from docproc.evaluate.score import DocumentResult, SetResult, evaluate_set
from docproc.findings import Answer
from docproc.pipeline import Reader, ReadOptions, TextLayerMode
from docproc.qa import Index
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings

PICTURE_DPI = 110
"""Enough to read a line on the screen."""

# "\b" keeps click from filling the definitions into one paragraph.
EPILOG = "\b\n" + definitions().replace("\n", "\n\n\b\n") + f"\n\n{FOOTER}"


@click.command("evaluate", epilog=EPILOG)
@click.argument("sets", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
@click.option(
    "--html", "html_path", type=click.Path(dir_okay=False, path_type=Path), help="Write a report with pictures."
)
@click.option("--engine", default=ReadOptions().engine, show_default=True, help="Engine that reads the text.")
@click.option("--limit", type=click.IntRange(1), help="Read only the first so many documents of each set.")
@click.option(
    "--text-layer",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Whether a PDF's own text is used.",
)
def command(
    sets: tuple[Path, ...],
    json_path: Path | None,
    html_path: Path | None,
    engine: str,
    limit: int | None,
    text_layer: str,
) -> None:
    """Measure on labelled SETs: folders with dev/labels.jsonl or labels.jsonl, or folders of such folders."""
    for path in (json_path, html_path):
        if path and not path.absolute().parent.is_dir():
            raise Usage(f"There is no folder {path.parent}.", hint="Make it first.")
    labelled = [_limited(one, limit) for folder in sets for one in load(folder)]
    options = ReadOptions(engine=engine, text_layer=cast("TextLayerMode", text_layer))
    settings = Settings.from_environment()
    with Reader(options, settings) as reader:
        results = [
            evaluate_set(one, lambda path: reader.document(reader.open(path)), ask=_ask, done=_say(one))
            for one in labelled
        ]
        click.echo(report.table(results))
        if json_path:
            json_path.write_text(report.to_json(results), "utf-8")
        if html_path:
            html_path.write_text(_html(results, reader, settings), "utf-8")


def _ask(document: Document, questions: Sequence[str]) -> list[Answer]:
    index = Index.of(document.pages)
    return [index.ask(question) for question in questions]


def _limited(labelled: LabelledSet, limit: int | None) -> LabelledSet:
    return replace(labelled, truths=labelled.truths[:limit])


def _say(labelled: LabelledSet) -> Callable[[DocumentResult], None]:
    def done(result: DocumentResult) -> None:
        why = f": {result.problem}" if result.problem else ""
        click.echo(f"{labelled.name} {result.truth.path.name} {result.seconds:.1f} s{why}", err=True)

    return done


def _html(results: list[SetResult], reader: Reader, settings: Settings) -> str:
    with Sandbox(settings) as sandbox:

        def draw(path: Path, document: Document, number: int) -> PageImage:
            drawn = rasterize(reader.open(path), number, sandbox, dpi=PICTURE_DPI, settings=settings)
            page = next((one for one in document.pages if one.number == number), None)
            turns = page.rotation // 90 if page else 0
            pixels = np.ascontiguousarray(np.rot90(drawn.image.pixels, -turns))
            return PageImage(pixels, drawn.image.dpi)

        return html.report(results, draw)
