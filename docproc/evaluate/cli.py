"""`docproc evaluate`: read labelled sets and say how good it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import click
import numpy as np

from docproc.document import Document
from docproc.errors import Usage
from docproc.evaluate import compare_report, html, report
from docproc.evaluate.dataset import LabelledSet, load
from docproc.evaluate.metrics import FOOTER, definitions
from docproc.evaluate.models import ALL, measure_models, open_dataset, to_json
from docproc.evaluate.score import DocumentResult, SetResult, evaluate_set
from docproc.findings import Answer
from docproc.learn.dataset import SPLITS
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
@click.option(
    "--engine", default="", help=f"What reads the text [default: {ReadOptions().engine}], or runs what --model names."
)
@click.option(
    "--model", "models", multiple=True, help="A vision model that is asked what a dataset asks; a second is compared."
)
@click.option(
    "--split",
    type=click.Choice([*SPLITS, ALL]),
    default="test",
    show_default=True,
    help="With --model: of a dataset.",
)
@click.option(
    "--limit", type=click.IntRange(1), help="Take only the first so many documents, or examples, of each set."
)
@click.option(
    "--text-layer",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Whether a PDF's own text is used.",
)
def command(  # noqa: PLR0913, PLR0917  (one argument per option)
    sets: tuple[Path, ...],
    json_path: Path | None,
    html_path: Path | None,
    engine: str,
    models: tuple[str, ...],
    split: str,
    limit: int | None,
    text_layer: str,
) -> None:
    """Measure on labelled SETs: folders with dev/labels.jsonl or labels.jsonl, or folders of such folders.

    With --model A, or --model A --model B, on a dataset (a folder with test.jsonl): how good A is, or what is better
    and worse with B.
    """
    for path in (json_path, html_path):
        if path and not path.absolute().parent.is_dir():
            raise Usage(f"There is no folder {path.parent}.", hint="Make it first.")
    if models:
        _models(sets, models, _Wanted(engine, split, limit, json_path, html_path))
        return
    labelled = [_limited(one, limit) for folder in sets for one in load(folder)]
    options = ReadOptions(engine=engine or ReadOptions().engine, text_layer=cast("TextLayerMode", text_layer))
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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a comparison is to be made with, and where it goes."""

    engine: str
    split: str
    limit: int | None
    json_path: Path | None
    html_path: Path | None


def _models(sets: Sequence[Path], models: Sequence[str], wanted: _Wanted) -> None:
    if len(models) > 2 or len(sets) > 1:
        raise Usage("One or two models are measured on one dataset.", hint="Run the command once for each.")
    settings = Settings.from_environment()
    data = open_dataset(sets[0], wanted.split, wanted.limit)
    click.echo(data.about, err=True)

    def done(name: str, count: int, of: int) -> None:
        click.echo(f"{name} {count}/{of}", err=True)

    found = measure_models(settings, models, data, engine=wanted.engine, done=done)
    click.echo(compare_report.table(found))
    if wanted.json_path:
        wanted.json_path.write_text(json.dumps(to_json(found, data), ensure_ascii=False, indent=1) + "\n", "utf-8")
    if wanted.html_path:
        wanted.html_path.write_text(compare_report.html(found, data.about), "utf-8")


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
