"""`docproc extract`: fields of a file by a JSON Schema, with the words they rest on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from docproc.commands.process import read_options, reading_options
from docproc.document import Page
from docproc.errors import Rejected, Usage
from docproc.fields import PRESETS, Extraction, extract, preset
from docproc.fields.schema import checked
from docproc.pipeline import Reader
from docproc.ranges import page_numbers
from docproc.settings import Settings


@click.command("extract")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--schema", required=True, metavar="FILE|NAME", help=f"A JSON Schema, or one of {', '.join(PRESETS)}.")
@click.option("--json", "as_json", is_flag=True, help="Print values, evidence and confidence as one JSON object.")
@click.option("--pages", default="", help="Page numbers, like 1,3-5 [default: all].")
@reading_options
@click.option("--json-errors", is_flag=True, help="Tell errors as JSON on stderr.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def command(file: Path, schema: str, *, as_json: bool, pages: str, **flags: Any) -> int:
    """Fill in a JSON Schema from the words of FILE; what it does not say is null.

    Titles and descriptions in the schema are hints. Dates come as 2024-04-03, amounts as numbers.
    """
    wanted = _schema(schema)
    found = extract(_read(file, pages, flags), wanted)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        for line in _told(found.values, "", found):
            click.echo(line)
    return 0


def _schema(named: str) -> dict[str, Any]:
    """Return the schema in a file, or the preset of that name, checked before anything is read."""
    path = Path(named)
    if named in PRESETS and not path.is_file():
        return preset(named)
    if not path.is_file():
        raise Usage(f"There is no schema {named}.", hint=f"Name a JSON file, or one of {', '.join(PRESETS)}.")
    try:
        schema = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Rejected(
            f"{named} is no JSON: {error}.", hint="Write a JSON Schema into it.", code="bad-schema"
        ) from None
    return checked(schema)


def _read(file: Path, pages: str, flags: dict[str, Any]) -> list[Page]:
    with Reader(read_options(flags), Settings.from_environment()) as reader:
        upload = reader.open(file)
        numbers = page_numbers(pages, upload.pages) if pages else range(1, upload.pages + 1)
        bar = tqdm(numbers, file.name, unit="page", leave=False, disable=None, file=sys.stderr)
        read = reader.pages(upload) if not pages else (reader.page(upload, number) for number in numbers)
        found = [page for page, _ in zip(read, bar, strict=True)]
        return list(reader.document(upload, found).pages)


def _told(value: Any, pointer: str, found: Extraction) -> list[str]:
    """Return a line for each value: where it belongs, what it is, how sure that is, and on which page."""
    if isinstance(value, dict):
        return [line for key, one in value.items() for line in _told(one, f"{pointer}/{key}", found)]
    if isinstance(value, list):
        return [line for place, one in enumerate(value) for line in _told(one, f"{pointer}/{place}", found)]
    name = pointer.lstrip("/")
    if value is None:
        return [f"{name}: null"]
    said = json.dumps(value, ensure_ascii=False)
    pages = sorted({one.page for one in found.evidence.get(pointer, ())})
    where = f", page {', '.join(map(str, pages))}" if pages else ""
    return [f"{name}: {said}  ({found.confidence.get(pointer, 0.0):.0%}{where})"]
