"""`docproc caption|detect|segment|refer`: ask a vision model about the pages of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from docproc.cli import show
from docproc.errors import DocprocError, EngineFailed, Unavailable
from docproc.exports.json_findings import finding_to_dict
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.intake import open_upload
from docproc.ranges import page_numbers
from docproc.raster import rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.tasks import TASKS, Ask
from docproc.tasks.pages import Found, Model, find, task_called
from docproc.vision import MASKS, open_model


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
    """Return the command of a task; with none given, the command that takes its name."""
    needs = task_called(task).needs if task else "thing"
    language = click.Option(["--language"], default="en", show_default=True, help="Of a caption or a question.")
    masks = f"The decoder of masks [default: {MASKS} in the model's folder or beside it, or the one added]."
    options: list[click.Parameter] = [
        *([] if task else [click.Argument(["task"], type=click.Choice(list(TASKS)))]),
        click.Argument(["file"], type=click.Path(path_type=Path)),
        *(
            [click.Argument(["thing"], metavar=needs.upper() if task else "[THING]", required=bool(task), default="")]
            if needs
            else []
        ),
        click.Option(["--engine"], default="", help="What computes [default: DOCPROC_VISION_ENGINE]."),
        click.Option(
            ["--model"], help="A registered model, or a checkpoint's folder [default: DOCPROC_VISION_MODEL]."
        ),
        *([language] if task in ("", "caption") else []),
        *([click.Option(["--masks"], type=click.Path(path_type=Path), help=masks)] if task != "caption" else []),
        click.Option(["--pages"], default="", help="Page numbers, like 1,3-5 [default: all]."),
        click.Option(["--dpi"], type=click.IntRange(36, 1200), help="Resolution [default: chosen per page]."),
        click.Option(["--password"], help="Password of an encrypted PDF."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object."),
        click.Option(["--json-errors"], is_flag=True, help="Tell errors as JSON on stderr."),
        click.Option(["--debug"], is_flag=True, help="Show tracebacks."),
    ]
    name = task or "prompt"
    return click.Command(
        name, params=options, callback=lambda **flags: _run(task or flags["task"], flags), help=about
    )


def _run(task: str, flags: dict[str, Any]) -> int:
    settings = Settings.from_environment()
    ask = Ask(task=task, thing=flags.get("thing", ""), language=flags.get("language", "en"))
    model = open_model(
        settings, engine=flags["engine"], model=flags["model"] or "", masks=flags.get("masks"), task=task
    )
    engine = model.engine
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
        for number in page_numbers(flags["pages"], upload.pages):
            try:
                drawn = rasterize(upload, number, sandbox, dpi=flags["dpi"], settings=settings)
                page = Box(0, 0, round(drawn.width, 2), round(drawn.height, 2))
                yield number, find(model, ask, drawn.image, number=number, page=page)
            except EngineFailed as error:
                yield number, error


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
prompt = _command("", "Ask a vision model about the pages of FILE; what THING is depends on the task.")
