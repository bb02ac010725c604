"""Pages: what was read on one, and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, request
from pydantic import BaseModel, Field, field_validator

from docproc.errors import Conflict, NotFound
from docproc.geometry import Box
from docproc.intake import Upload
from docproc.store import access, corrections, current, readings, runs, secret
from docproc.store.tables import DocumentRow, PageRow
from web import auth, context
from web.api import api
from web.api.models import PagePath
from web.grid import SIDE, Grid
from web.images import Wanted

blueprint = api("pages", "What was read on a page, and how it looks.")
READING: dict[str, Any] = {
    "description": "The page as it stands in the published JSON schema of readings, with corrections",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
NUMBER = r"[0-9]{1,5}(\.[0-9]{1,4})?"
PICTURE = {"description": "The upright page", "content": {"image/jpeg": {}}}


class ImageQuery(BaseModel):
    """What of the page, and how large."""

    width: int = Field(1240, ge=16, le=4000, description="Pixels; less where the page has no more to show")
    box: str | None = Field(
        None,
        max_length=100,
        pattern=rf"^{NUMBER}(,{NUMBER}){{3}}$",
        description="left,top,right,bottom in points of the upright page: show this part alone",
    )

    @field_validator("box")
    @classmethod
    def _has_area(cls, text: str | None) -> str | None:
        if text is not None and not _box(text).area:
            raise ValueError("the box has no area")
        return text

    @property
    def name(self) -> str:
        """What tells this picture of a page from others."""
        return f"{self.width}" + (f"-{self.box}" if self.box else "")


class TilePath(PagePath):
    """A square of a page."""

    level: int = Field(ge=0, le=20)
    column: int = Field(ge=0, le=10_000)
    row: int = Field(ge=0, le=10_000)


class TileQuery(BaseModel):
    """Which reading the sender knows."""

    v: str | None = Field(None, max_length=64, description="The run; with the one shown, the answer never changes")


@blueprint.get("/documents/<document_id>/pages/<int:number>", responses={"200": READING})
def reading(path: PagePath) -> Response:
    """Return what was read on a page, with its corrections. The ETag is what a correction says in If-Match."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        state = runs.page(session, row, path.number)
        tag = corrections.tag(session, row, path.number)
        page = b"" if tag in request.if_none_match else current.shown_json(session, row, path.number)
    if page is None:
        raise _not_read(state)
    response = Response(page, mimetype="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


@blueprint.get("/documents/<document_id>/pages/<int:number>/image", responses={"200": PICTURE})
def image(path: PagePath, query: ImageQuery) -> Response:
    """Return the picture of a page, upright as its reading says; boxes of the reading lie on it."""
    here = context()
    with here.database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        state = runs.page(session, row, path.number)
        read = state.status == "done"
        name = "-".join([row.sha256, str(path.number), query.name, state.run_id if read else "unread"])
        page = readings.load(session, state.run_id, path.number) if read and not here.images.has(name) else None
    data = here.images.known(name)
    if data is None:
        data = _drawn(row, state, name, query, page.rotation if page else 0)
    response = Response(data, mimetype="image/jpeg")
    response.set_etag(name)
    response.headers["Cache-Control"] = "private, max-age=3600" if read else "private, no-cache"
    response.make_conditional(request)
    return response


@blueprint.get(
    "/documents/<document_id>/pages/<int:number>/tiles/<int:level>/<int:column>/<int:row>", responses={"200": PICTURE}
)
def tile(path: TilePath, query: TileQuery) -> Response:
    """Return a square of 896 pixels of the upright page; each level has twice the resolution of the one before.

    Level 0 has `floor(64512 / longest side in points)` dots per inch, 600 at most.
    """
    here = context()
    with here.database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        state = runs.page(session, row, path.number)
        if state.status != "done":
            raise _not_read(state)
        grid = Grid.of(state.width or 1.0, state.height or 1.0, here.settings.max_pixels)
        if not grid.has(path.level, path.column, path.row):
            raise NotFound("The page has no such square.", hint=f"It has {grid.levels} levels.")

        def named(column: int, row_: int) -> str:
            return f"{row.sha256}-{path.number}-{state.run_id}-tile-{path.level}-{column}-{row_}"

        name = named(path.column, path.row)
        is_known = name in request.if_none_match or here.images.has(name)
        page = None if is_known else readings.load(session, state.run_id, path.number)
    data = b"" if name in request.if_none_match else here.images.known(name)
    if data is None:
        with _uploaded(row, state) as upload:
            wanted = Wanted(upload, state.number, SIDE, page.rotation if page else 0)
            data = here.images.cut(wanted, grid.dpi_at(path.level), (path.column, path.row), named)
    if data is None:
        raise NotFound("The page has no such square.", hint="It ends within the one before.")
    response = Response(data, mimetype="image/jpeg")
    response.set_etag(name)
    kept = "max-age=31536000, immutable" if query.v == state.run_id else "max-age=3600"
    response.headers["Cache-Control"] = f"private, {kept}"
    response.make_conditional(request)
    return response


def _drawn(row: DocumentRow, state: PageRow, name: str, query: ImageQuery, rotation: int) -> bytes:
    with _uploaded(row, state) as upload:
        points = state.width if state.status == "done" else None
        box = _box(query.box) if query.box else None
        wanted = Wanted(upload, state.number, query.width, rotation, points, box)
        return context().images.draw(name, wanted)


@contextmanager
def _uploaded(row: DocumentRow, state: PageRow) -> Iterator[Upload]:
    here = context()
    password = secret.unseal(here.settings, row.sealed_password) if row.sealed_password else None
    with here.files.local(row.sha256) as file:
        pages = row.page_count or state.number
        yield Upload(file, row.filename, row.sha256, row.media_type, row.size, pages, password)


def _box(text: str) -> Box:
    return Box.from_list([float(side) for side in text.split(",")])


def _not_read(state: PageRow) -> Conflict:
    if state.status == "cancelled":
        return Conflict(
            f"Page {state.number} was not read: reading was cancelled.",
            hint="POST .../retry reads it.",
            code="not-read",
        )
    return Conflict(
        f"Page {state.number} is not read yet.", hint="Watch .../events, or ask again in a moment.", code="not-read"
    )
