"""`docproc ask`: questions about files and documents, answered with the words they rest on."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from docproc.commands import ask_stored
from docproc.commands.process import read_options, reading_options
from docproc.errors import NotFound, Usage
from docproc.exports.json_findings import answer_to_dict
from docproc.findings import Answer
from docproc.intake import open_upload
from docproc.pipeline import Reader
from docproc.qa import Index
from docproc.qa.confidence import is_sure, only_sure
from docproc.qa.kept import KeptReadings, name_of
from docproc.ranges import page_numbers
from docproc.sandbox import Sandbox
from docproc.settings import Settings

EMBEDDED = "embedded"
_DOCUMENT = re.compile(r"[0-9a-f]{28}")


@click.command("ask")
@click.argument("target", metavar="FILE|DOCUMENT")
@click.argument("questions", nargs=-1, metavar="QUESTION...")
@click.option("--all", "everything", is_flag=True, help="Ask all documents that are kept; then no FILE is given.")
@click.option("--pages", default="", help="Page numbers, like 1,3-5 [default: all].")
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, max_open=True),
    help="Say not found unless answers so sure are right in this share, like 0.9 [default: as set, or best guess].",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: an object, or a list for several answers.")
@click.option("--server", metavar="URL", help="Where the DOCUMENT is kept; DOCPROC_TOKEN says who you are.")
@click.option("--engine", default=EMBEDDED, show_default=True, help="What answers; a vision engine needs --model.")
@click.option("--model", default="", help="The vision model that answers [default: DOCPROC_VISION_MODEL].")
@partial(reading_options, engine=False)
@click.option("--json-errors", is_flag=True, help="Tell errors as JSON on stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(target: str, questions: tuple[str, ...], *, everything: bool, as_json: bool, **flags: Any) -> int:
    """Answer each QUESTION from the words of a file, or of a document that is kept; or say "not found".

    What is read of a FILE is kept, so that the next question is quick. Exit code: 0 answered, 3 not found (one of
    several), 4 the file was rejected.
    """
    if everything:
        return _ask_all((target, *questions), flags["server"], flags["precision"], as_json=as_json)
    if not questions:
        raise Usage("There is no question.", hint='docproc ask FILE "What is the total?"')
    said, settings = flags.pop("precision"), Settings.from_environment()
    precision = settings.answer_precision if said is None else said
    answers = [only_sure(one, precision) for one in _answers(target, questions, flags)]
    if as_json:
        _print([_dict(answer) for answer in answers])
    else:
        for answer in answers:
            click.echo(told(answer))
    return NotFound.exit_code if any(answer.not_found for answer in answers) else 0


def _answers(target: str, questions: Sequence[str], flags: dict[str, Any]) -> list[Answer]:
    server, pages = flags["server"], flags["pages"]
    engine, model, password = flags.pop("engine"), flags.pop("model"), flags["password"]
    stored = bool(server) or (_DOCUMENT.fullmatch(target) is not None and not Path(target).exists())
    sees = engine != EMBEDDED or bool(model)
    if stored and sees:
        hint = "POST /api/v1/documents/ID/findings asks the service's model with the task `answer`."
        raise Usage("Documents that are kept are answered by the embedded engine.", hint=hint)
    if server:
        return ask_stored.ask_there(server, target, questions, pages)
    if stored:
        return ask_stored.ask_document(Settings.from_environment(), target, questions, pages)
    index = _index(Path(target), flags)
    numbers = page_numbers(pages, len(index.texts)) if pages else []
    if sees:
        from docproc.commands.ask_model import ask_model  # noqa: PLC0415  (OpenCV: only those who need it wait)
        from docproc.vision import open_model  # noqa: PLC0415

        chosen = "" if engine == EMBEDDED else engine
        opened = open_model(Settings.from_environment(), engine=chosen, model=model, task="answer")
        asked = [(question, index.about(question, pages=numbers)) for question in questions]
        return ask_model(Path(target), password, opened, asked)
    return [index.ask(question, pages=numbers) for question in questions]


def _ask_all(questions: Sequence[str], server: str | None, said: float | None, *, as_json: bool) -> int:
    if len(questions) != 1:
        raise Usage("All documents are asked one question at a time.", hint='docproc ask --all "What is the total?"')
    settings = Settings.from_environment()
    found = ask_stored.ask_all_there(server, questions[0]) if server else ask_stored.ask_all(settings, questions[0])
    precision = settings.answer_precision if said is None else said
    found = [one for one in found if not only_sure(one[2], precision).not_found]
    if as_json:
        _print([{"document": key, "filename": name, **_dict(answer)} for key, name, answer in found], many=True)
    for key, name, answer in () if as_json else found:
        click.echo(f"{name} ({key})\n{told(answer)}")
    if not found and not as_json:
        click.echo("not found")
    return 0 if found else NotFound.exit_code


def _print(values: Sequence[dict[str, Any]], *, many: bool = False) -> None:
    click.echo(json.dumps(values[0] if len(values) == 1 and not many else values, ensure_ascii=False))


def _dict(answer: Answer) -> dict[str, Any]:
    return {**answer_to_dict(answer), "sure": is_sure(answer)}


def told(answer: Answer) -> str:
    """Return an answer in words: what it says, how sure it is, and where it stands."""
    if answer.not_found:
        return "not found"
    sure = "" if answer.confidence is None else f"  ({answer.confidence:.0%}{', sure' if is_sure(answer) else ''})"
    places = [f"  page {one.page} {one.box.rounded().as_list()}: {one.text or '(box)'}" for one in answer.evidence]
    note = ["  No words on the pages say this: it may be invented."] if answer.ungrounded else []
    return "\n".join([f"{answer.text}{sure}", *note, *places])


def _index(file: Path, flags: dict[str, Any]) -> Index:
    """Return the index of a file: as kept, or read now with progress on stderr."""
    settings, options = Settings.from_environment(), read_options(flags)
    kept = KeptReadings(settings.data_dir.expanduser() / "asked")
    with Sandbox(settings) as sandbox:
        upload = open_upload(file, sandbox, password=options.password, settings=settings)
    name = name_of(upload.sha256, options, version("docproc"))
    index = kept.load(name)
    if index is None:
        with Reader(options, settings) as reader:
            bar = tqdm(
                reader.pages(upload), file.name, upload.pages, unit="page", leave=False, disable=None, file=sys.stderr
            )
            document = reader.document(upload, tuple(bar))
        index = Index.of(document.pages)
        kept.keep(name, index)
    return index
