"""The reading as JSON: everything that was read, in the published schema; it reads back equal.

Boxes are `[left, top, right, bottom]` and polygons `[[x, y], ...]` in points, origin at the top-left of the
upright page. Floats are written so that the same float comes back (Python's repr).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from docproc.document import Document, KeyValue, Line, Page, Region, Table, Word
from docproc.errors import Rejected
from docproc.exports.json_findings import finding_to_dict
from docproc.exports.json_reader import Node, read_document, read_page

name = "json"
suffix = ".json"
media_type = "application/json"

SCHEMA_VERSION = "1.3"
"""Grows in its second part when a key is added, in its first when a reader of the old one would break."""


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as UTF-8 JSON on one line. A lone surrogate is written as its JSON escape."""
    head = _encoded(_head(document))
    pages = b",".join(_encoded(page_to_dict(page)) for page in document.pages)  # one page of values at a time
    return head[:-1] + b',"pages":[' + pages + b"]}\n"


def _encoded(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def read(data: bytes | str) -> Document:
    """Return the document that `write` wrote.

    Raises Rejected, with the place, when it is not JSON, lacks a key, or a value is of the wrong kind or
    range.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"This is no JSON: {error}.", code="bad-reading") from None
    root = Node(value)
    version = root.key("schema_version").text()
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise Rejected(
            f"This reading has schema version {version}; this docproc reads {SCHEMA_VERSION}.",
            hint="Read the document again, or install the version of docproc that wrote it.",
            code="bad-reading",
        )
    return read_document(root)


def schema() -> dict[str, Any]:
    """Return the published JSON Schema (draft 2020-12) of what `write` writes."""
    found: dict[str, Any] = json.loads(files("docproc.exports").joinpath("reading.schema.json").read_bytes())
    return found


def document_to_dict(document: Document) -> dict[str, Any]:
    """Return the document as the JSON object of the published schema."""
    return {**_head(document), "pages": [page_to_dict(page) for page in document.pages]}


def _head(document: Document) -> dict[str, Any]:
    source = document.source
    return {
        "schema_version": SCHEMA_VERSION,
        "source": {
            "filename": source.filename,
            "sha256": source.sha256,
            "media_type": source.media_type,
            "bytes": source.bytes,
        },
        "engines": dict(document.engines),
    }


def page_to_dict(page: Page) -> dict[str, Any]:
    """Return one page as it stands in `pages`; `page_from_dict` brings it back."""
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "rotation": page.rotation,
        "skew": page.skew,
        "dpi": page.dpi,
        "dpi_assumed": page.dpi_assumed,
        "drawn_by": page.drawn_by,
        "text_source": page.text_source,
        "agreement": page.agreement,
        "text": page.text,
        "tiles": [{"box": tile.box.as_list(), "scale": tile.scale} for tile in page.tiles],
        "lines": [_line(line) for line in page.lines],
        "regions": [_region(region) for region in page.regions],
        "tables": [_table(table) for table in page.tables],
        "key_values": [_pair(pair) for pair in page.key_values],
        "findings": [finding_to_dict(finding) for finding in page.findings],
        "problems": [
            {"code": problem.code, "message": problem.message, "hint": problem.hint} for problem in page.problems
        ],
    }


def page_from_dict(value: Any) -> Page:
    """Return the page that `page_to_dict` gave; raise Rejected, with the place, when it is malformed."""
    return read_page(Node(value))


def _word(word: Word | Line) -> dict[str, Any]:
    return {
        "id": word.id,
        "text": word.text,
        "box": word.box.as_list(),
        "polygon": [list(corner) for corner in word.polygon],
        "confidence": word.confidence,
    }


def _line(line: Line) -> dict[str, Any]:
    return {**_word(line), "words": [_with_alternatives(word) for word in line.words]}


def _with_alternatives(word: Word) -> dict[str, Any]:
    """Return a word; what else it may say is left out where nothing is known, as with nearly all words."""
    return {**_word(word), "alternatives": list(word.alternatives)} if word.alternatives else _word(word)


def _region(region: Region) -> dict[str, Any]:
    return {
        "id": region.id,
        "label": region.label,
        "box": region.box.as_list(),
        "order": region.order,
        "confidence": region.confidence,
        "line_ids": list(region.line_ids),
        "alt_text": region.alt_text,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "id": table.id,
        "region_id": table.region_id,
        "box": table.box.as_list(),
        "rows": table.rows,
        "columns": table.columns,
        "cells": [
            {
                "id": cell.id,
                "row": cell.row,
                "column": cell.column,
                "row_span": cell.row_span,
                "column_span": cell.column_span,
                "header": cell.header,
                "text": cell.text,
                "box": cell.box.as_list(),
            }
            for cell in table.cells
        ],
    }


def _pair(pair: KeyValue) -> dict[str, Any]:
    return {
        "id": pair.id,
        "key": pair.key,
        "value": pair.value,
        "key_box": pair.key_box.as_list(),
        "value_box": None if pair.value_box is None else pair.value_box.as_list(),
        "checked": pair.checked,
        "confidence": pair.confidence,
        "key_word_ids": list(pair.key_word_ids),
        "value_word_ids": list(pair.value_word_ids),
    }
