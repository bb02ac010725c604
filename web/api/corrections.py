"""Corrections of a page: sent in batches, undone batch by batch, refused when the page has changed in between."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import BaseModel, Field, RootModel
from werkzeug.http import parse_etags

from docproc.corrections.ask import MOST_COLUMNS, MOST_ROWS
from docproc.document import Label, Page
from docproc.errors import Conflict
from docproc.exports.json import page_to_dict
from docproc.store import access, audit, corrections, overview, reviews
from docproc.store.tables import CorrectionRow
from web import auth, context
from web.api import api
from web.api.models import DocumentPath, PagePath, answer

blueprint = api("corrections", "What people correct on pages. It reaches page, search and exports at once.")

Id = Annotated[str, Field(max_length=100, description="An id of the page as it is shown")]
Text = Annotated[str, Field(max_length=10_000)]
Sides = Annotated[list[float], Field(min_length=4, max_length=4, description="[left, top, right, bottom] in points")]
PAGE: dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None] = {
    "200": {
        "description": "The page as it is now, as in the reading (see GET of the page); its ETag is the new one.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class Seen(BaseModel):
    """Which state of the page was seen."""

    if_match: str | None = Field(
        None, alias="If-Match", max_length=1_000, description="The ETag of the page as you saw it, or *; required"
    )

    def tags(self) -> Collection[str] | None:
        """Return the tags that were sent, None for `*`; raise Conflict (428) when there are none."""
        if not self.if_match:
            hint = "Send the ETag that came with the page you corrected."
            raise Conflict("If-Match is missing.", hint=hint, code="if-match")
        found = parse_etags(self.if_match)
        return None if found.star_tag else found.as_set(include_weak=True)


class Replace(BaseModel):
    """Say what a word or a line really says; the same text confirms it."""

    op: Literal["replace"]
    id: Id
    text: Text


class Split(BaseModel):
    """Make two words of a word, after `at` characters, or two lines of a line, after `at` words."""

    op: Literal["split"]
    id: Id
    at: int = Field(ge=1, le=10_000)


class Merge(BaseModel):
    """Make one word of neighbouring words, or one line of lines."""

    op: Literal["merge"]
    ids: list[Id] = Field(min_length=2, max_length=1_000, description="In the order they are to be read")


class Add(BaseModel):
    """Add a word to a `line`, or a line to a `region` (or to one of its own, when none is named)."""

    op: Literal["add"]
    text: Text
    box: Sides
    line: Id | None = None
    region: Id | None = None
    after: Id | None = Field(None, description="What it comes after; null: first; left out: where its box says")


class Delete(BaseModel):
    """Take away a word, a line, or a region whose lines lie in other regions too."""

    op: Literal["delete"]
    id: Id


class Relabel(BaseModel):
    """Say what a region is."""

    op: Literal["label"]
    id: Id
    label: Label


class Order(BaseModel):
    """Read a region after another one."""

    op: Literal["order"]
    id: Id
    after: Id | None = Field(description="The region before it; null makes it the first")


class CellText(BaseModel):
    """Say what a cell of a table says; its words stay as they are."""

    op: Literal["cell"]
    id: Id
    text: Text


class DrawnRegion(BaseModel):
    """Add a region; the lines inside its box are its own from then on."""

    op: Literal["region"]
    label: Label
    box: Sides
    after: Id | None = Field(None, description="The region before it; null: first; left out: where its box says")


class Resize(BaseModel):
    """Give a region another box; the lines inside it are its own, those outside go to other regions."""

    op: Literal["resize"]
    id: Id
    box: Sides


class GridCell(BaseModel):
    """A cell that spans several places of the grid, or says something else than its words."""

    row: int = Field(ge=0, description="Counted from 0")
    column: int = Field(ge=0, description="Counted from 0")
    row_span: int = Field(1, ge=1)
    column_span: int = Field(1, ge=1)
    text: Text | None = Field(None, description="Left out: what its words say")
    header: bool | None = Field(None, description="Left out: as it was")


class TableGrid(BaseModel):
    """Say where the rows and columns of a table run; makes the table of a region that has none."""

    op: Literal["grid"]
    id: Id = Field(description="The table's region")
    rows: list[float] = Field(
        min_length=2, max_length=MOST_ROWS + 1, description="Upper edges, and the last lower one"
    )
    columns: list[float] = Field(
        min_length=2, max_length=MOST_COLUMNS + 1, description="Left edges, and the last right one"
    )
    cells: list[GridCell] = Field([], description="All other places become cells of their own")


class Operations(
    RootModel[
        Annotated[
            list[
                Annotated[
                    Replace
                    | Split
                    | Merge
                    | Add
                    | Delete
                    | Relabel
                    | Order
                    | CellText
                    | DrawnRegion
                    | Resize
                    | TableGrid,
                    Field(discriminator="op"),
                ]
            ],
            Field(min_length=1, max_length=corrections.MOST_OPERATIONS),
        ]
    ]
):
    """Operations, done one after the other, all or none."""


class CorrectionEntry(BaseModel):
    """One operation that was sent."""

    id: str
    page: int
    batch: int = Field(description="What was sent together, and is undone together; counted per page")
    operation: dict[str, Any] = Field(description="With the ids of the run that is shown, where it was placed")
    anchor: dict[str, Any] = Field(description="Id to kind, text and box of what it was done to")
    placed: bool = Field(description="False when a newer reading has nothing like it in its place")
    user_id: str
    user: str = Field(description="Their name")
    created_at: datetime
    undone_at: datetime | None

    @classmethod
    def of(cls, row: CorrectionRow, user: str) -> CorrectionEntry:
        """Return the entry of a row of the store."""
        return cls(
            id=row.id,
            page=row.number,
            batch=int(row.batch),
            operation=row.operation,
            anchor=row.anchor or {},
            placed=row.placed,
            user_id=row.user_id,
            user=user,
            created_at=row.created_at,
            undone_at=row.undone_at,
        )


class History(BaseModel):
    """Corrections, oldest first, with those undone and those that found no place any more."""

    items: list[CorrectionEntry]


@blueprint.post("/documents/<document_id>/pages/<number>/corrections", responses=PAGE)
def correct(path: PagePath, header: Seen, body: Operations) -> Response:
    """Correct a page; 412 when somebody has changed it since, 428 without If-Match."""
    operations = [one.model_dump(exclude_unset=True) for one in body.root]

    who, expected = auth.current(), header.tags()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        page = corrections.add(session, row, path.number, operations, user_id=who.user_id, expected=expected)
        reviews.measure(session, row, path.number, page)
        tag = corrections.tag(session, row, path.number)
        details = {"operations": len(operations)}
        audit.note(session, who, "page.correct", f"{row.id}/{path.number}", address=auth.address(), details=details)
    return _page(page, tag)


@blueprint.post("/documents/<document_id>/pages/<number>/corrections/undo", responses=PAGE)
def undo(path: PagePath, header: Seen) -> Response:
    """Undo the newest batch on a page, whoever sent it."""
    who, expected = auth.current(), header.tags()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        page = corrections.undo(session, row, path.number, expected=expected)
        reviews.measure(session, row, path.number, page)
        tag = corrections.tag(session, row, path.number)
        audit.note(session, who, "page.undo", f"{row.id}/{path.number}", address=auth.address())
    return _page(page, tag)


@blueprint.get("/documents/<document_id>/pages/<number>/corrections", responses={"200": History})
def of_page(path: PagePath) -> Response:
    """List the corrections of a page."""
    return _history(path.document_id, path.number)


@blueprint.get("/documents/<document_id>/corrections", responses={"200": History})
def of_document(path: DocumentPath) -> Response:
    """List the corrections of all pages."""
    return _history(path.document_id)


def _page(page: Page, tag: str) -> Response:
    response = jsonify(page_to_dict(page))
    response.set_etag(tag)
    return response


def _history(document_id: str, number: int | None = None) -> Response:
    with context().database.read() as session:
        row = access.document(session, auth.current(), document_id, "read")
        found = corrections.history(session, row, number)
        names = overview.user_names(session, {one.user_id for one in found})
    return answer(History(items=[CorrectionEntry.of(one, names[one.user_id]) for one in found]))
