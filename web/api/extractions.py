"""Fields of a document by a JSON Schema, with the words they rest on."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from docproc.document import Page
from docproc.errors import Conflict, Rejected, Usage
from docproc.fields import PRESETS, extract, preset
from docproc.ranges import page_numbers
from docproc.store import access
from docproc.store.current import shown_page
from docproc.store.tables import DocumentRow
from web import auth, context
from web.api import api
from web.api.models import DocumentPath, answer

blueprint = api("extractions", "Fields of documents by JSON Schema, with the words they rest on.")
MOST_PAGES = 100
"""Pages of one request."""


class Wanted(BaseModel):
    """What to find."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    wanted: dict[str, Any] | str = Field(
        alias="schema",
        description=f"A JSON Schema (draft 2020-12) with `properties`, or the name of one: {', '.join(PRESETS)}",
    )
    pages: str = Field("", max_length=200, description=f"Such as 1-3,7; empty: the first {MOST_PAGES}")


class EvidenceWords(BaseModel):
    """Words that a value rests on."""

    page: int
    text: str
    box: list[float] = Field(description="[left, top, right, bottom], in points")


class Extracted(BaseModel):
    """What was found."""

    values: dict[str, Any] = Field(description="As the schema has them; what the document does not say is null")
    evidence: dict[str, list[EvidenceWords]] = Field(description="JSON pointer of a value -> its words")
    confidence: dict[str, float] = Field(description="JSON pointer of a value -> 0-1")
    pages: list[int] = Field(description="The pages that were looked at")
    complete: bool = Field(description="False when pages were not read yet, had failed, or were too many")


@blueprint.post("/documents/<document_id>/extractions", responses={"200": Extracted})
@auth.needs("read")
def fill_in(path: DocumentPath, body: Wanted) -> Response:
    """Fill in a JSON Schema from the words of a document, as corrected: nothing is kept, nothing is invented."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        numbers = _numbers(body.pages, row)
        shown = (shown_page(session, row, number) for number in numbers[:MOST_PAGES])
        pages = [page for page in shown if page is not None and not page.failed]
    schema = _schema(body.wanted)
    _require_read(pages, row)
    found = extract(pages, schema).to_dict()
    complete = row.status == "done" and len(pages) == len(numbers)
    return answer(Extracted(**found, pages=[page.number for page in pages], complete=complete))


def _schema(wanted: dict[str, Any] | str) -> dict[str, Any]:
    try:
        return preset(wanted) if isinstance(wanted, str) else wanted
    except Usage as error:
        raise Rejected(error.message, hint=error.hint, code="bad-schema") from None


def _numbers(text: str, row: DocumentRow) -> list[int]:
    try:
        return page_numbers(text, row.page_count or 0) if text.strip() else list(range(1, (row.page_count or 0) + 1))
    except Usage as error:
        raise Rejected(error.message, hint=error.hint, code=error.code) from None


def _require_read(pages: list[Page], row: DocumentRow) -> None:
    if not pages:
        raise Conflict(
            f"No page of this document is read (it is {row.status}).",
            hint="Watch .../events until a page is read; POST .../retry tries again what failed.",
            code="not-read",
        )
