"""`docproc caption|detect|segment|refer`: ask a vision model about the pages of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from docproc.cli import show
from docproc.engines import load_masks, load_vision
from docproc.errors import DocprocError, EngineFailed, Unavailable, Usage
from docproc.exports.json_findings import finding_to_dict
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.intake import open_upload
from docproc.raster import rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.tasks import Ask
from docproc.tasks.pages import Found, Model, find, task_called

MASKS = "vae-oid.npz"


@dataclass(slots=True)
class _Told:
    """What is told of a file at the end."""

    findings: list[Finding] = field(default_factory=list)
    invalid: int = 0
    unfinished: int = 0
    problems: list[tuple[int, DocprocError]] = field(default_factory=list)

    def add(self, found: Found) -> None:
        """Count what a page gave."""
        self.findings.extend(found.findings)
        self.invalid += found.invalid
        self.unfinished += found.unfinished


def _command(task: str, about: str) -> click.Command:
    """Return the command of a task."""
    needs = task_called(task).needs
    options: list[click.Parameter] = [
        click.Argument(["file"], type=click.Path(path_type=Path)),
        *([click.Argument(["thing"], metavar=needs.upper())] if needs else []),
        click.Option(["--engine"], default="paligemma", show_default=True, help="What computes."),
        click.Option(["--model"], required=True, help="The folder of a checkpoint."),
        click.Option(["--pages"], default="", help="Page numbers, like 1,3-5 [default: all]."),
        click.Option(["--dpi"], type=click.IntRange(36, 1200), help="Resolution [default: chosen per page]."),
        click.Option(["--password"], help="Password of an encrypted PDF."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        click.Option(["--json-errors"], is_flag=True, help="Tell errors as JSON on stderr."),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks."),
    ]
    if task == "caption":
        options.insert(-3, click.Option(["--language"], default="en", show_default=True, help="Of the caption."))
    else:
        masks = f"The decoder of masks [default: {MASKS} in the model's folder or beside it]."
        options.insert(-3, click.Option(["--masks"], type=click.Path(path_type=Path), help=masks))
    return click.Command(task, params=options, callback=lambda **flags: _run(task, flags), help=about)


def _run(task: str, flags: dict[str, Any]) -> int:
    settings = Settings.from_environment()
    ask = Ask(task=task, thing=flags.get("thing", ""), language=flags.get("language", "en"))
    engine = load_vision(flags["engine"], settings, flags["model"])
    model = Model(engine, decoder=_decoder(task, flags))
    told = _Told()
    for number, found in _pages(model, ask, flags, settings):
        if isinstance(found, DocprocError):
            told.problems.append((number, found))
            code = show(
                found, as_json=flags["json_errors"], debug=flags["debug"], file=str(flags["file"]), page=number
            )
            continue
        told.add(found)
        if not flags["as_json"]:
            for finding in found.findings:
                click.echo(_line(finding))
    if flags["as_json"]:
        click.echo(json.dumps(_object(told, task, f"{engine.name} {engine.version}"), ensure_ascii=False))
    elif told.invalid or told.unfinished:
        click.echo(f"{told.invalid} objects made no sense, {told.unfinished} answers were cut short.", err=True)
    return code if told.problems else 0


def _pages(
    model: Model, ask: Ask, flags: dict[str, Any], settings: Settings
) -> Iterator[tuple[int, Found | EngineFailed | Unavailable]]:
    """Yield each page asked for with what was found, or why it could not be looked at."""
    with Sandbox(settings) as sandbox:
        upload = open_upload(flags["file"], sandbox, password=flags["password"], settings=settings)
        for number in _numbers(flags["pages"], upload.pages):
            try:
                drawn = rasterize(upload, number, sandbox, dpi=flags["dpi"], settings=settings)
                page = Box(0, 0, round(drawn.width, 2), round(drawn.height, 2))
                yield number, find(model, ask, drawn.image, number=number, page=page)
            except EngineFailed as error:
                yield number, error


def _decoder(task: str, flags: dict[str, Any]) -> Any:
    """Return the decoder of masks: for `segment` it must be there, `refer` does without."""
    if task not in ("segment", "refer"):
        return None
    folder = Path(flags["model"])
    given = flags["masks"]
    found = given or next((path for path in (folder / MASKS, folder.parent / MASKS) if path.is_file()), None)
    return load_masks(found) if found else None


def _numbers(text: str, pages: int) -> list[int]:
    """Return the page numbers of "1,3-5"; raise Usage for what is none, or no page of the file."""
    numbers: list[int] = []
    for part in text.split(",") if text else [f"1-{pages}"]:
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise Usage(f"{part!r} is no page number.", hint="Give them like 1,3-5.")
        wanted = range(int(first), int(last or first) + 1)
        if not wanted or wanted[0] < 1 or wanted[-1] > pages:
            raise Usage(f"There are no pages {part.strip()}: the file has {pages}.", hint="Give them like 1,3-5.")
        numbers.extend(wanted)
    return list(dict.fromkeys(numbers))


def _line(finding: Finding) -> str:
    box = "[" + ", ".join(f"{side:g}" for side in finding.box.as_list()) + "]" if finding.box else ""
    sure = "" if finding.confidence is None or not box else f"{finding.confidence:.2f}"
    parts = (f"page {finding.page}:", finding.label, box, sure, finding.text)
    return " ".join(part for part in parts if part)


def _object(told: _Told, task: str, engine: str) -> dict[str, Any]:
    return {
        "task": task,
        "engine": engine,
        "findings": [finding_to_dict(finding) for finding in told.findings],
        "invalid": told.invalid,
        "unfinished": told.unfinished,
        "problems": [
            {"page": number, "code": error.code, "message": error.message, "hint": error.hint}
            for number, error in told.problems
        ],
    }


caption = _command("caption", "Say in a sentence what the pages of FILE show.")
detect = _command("detect", "Find things on the pages of FILE; several are divided by `;`. Boxes are in points.")
segment = _command("segment", "Find things on the pages of FILE, with masks; several are divided by `;`.")
refer = _command("refer", "Find the one thing that a description means on each page of FILE.")
