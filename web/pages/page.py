"""One page: its image beside its text, what was read drawn over the image, search hits outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, request, url_for

from docproc.document import Page
from docproc.errors import Rejected
from docproc.exports import EXPORTS
from docproc.geometry import Box
from docproc.store import access, current, overview, reviews, runs, search
from docproc.store.search.within import pages_in
from docproc.store.tables import DocumentRow
from web import auth, context
from web.grid import Grid
from web.pages.documents import ACTIVE
from web.pages.reading import doubts, shown
from web.pages.words import EXPORT_TITLES

blueprint = Blueprint("page_page", __name__)


LAYERS = (
    ("words", "Words", "coloured by how doubtful they are"),
    ("lines", "Lines", "as they were found"),
    ("regions", "Regions", "in the order they are read"),
    ("tables", "Tables", "with their cells"),
    ("tiles", "Views", "what the model saw, with the seams"),
    ("findings", "Findings", "what was asked for and found"),
)
"""What can be drawn over the picture, how it is called, and what it is."""
STRIP = 40
"""Pages shown as small pictures before and after the one that is open."""


@blueprint.get("/documents/<document_id>/pages/<int:number>")
def show(document_id: str, number: int) -> str:
    """Show the page; `q` is a search whose hits are outlined."""
    here, wanted = context(), request.args.get("q", "").strip()
    with here.database.read() as session:
        row = access.document(session, auth.current(), document_id, "read")
        state = runs.page(session, row, number)
        page = current.shown_page(session, row, number)
        strip = overview.strip(session, row, number - STRIP, number + STRIP)
        hits = _hits(page, wanted) if page else ()
        may_write = access.allows(session, auth.current(), row, "write")
        errors = reviews.errors_of(session, row)
        others = _pages_with_hits(session, row, wanted)
    grid = None
    if state.width and state.height and page and not page.failed:
        grid = Grid.of(state.width, state.height, here.settings.max_pixels)
    return render_template(
        "page.html",
        row=row,
        number=number,
        count=row.page_count or number,
        status=state.status,
        width=state.width,
        height=state.height,
        run_id=state.run_id,
        grid=grid,
        page=page,
        problems=[state.problem] if state.problem else page.problems if page else (),
        blocks=shown(page, hits) if page else (),
        doubts=doubts(page) if page else (),
        hits=hits,
        hit_boxes=[hit.as_list() for hit in hits],
        before_hit=max((one for one in others if one < number), default=None),
        after_hit=min((one for one in others if one > number), default=None),
        q=wanted,
        strip=[replace(one, errors=errors.get(one.number)) for one in strip],
        layers=LAYERS,
        exports=[(name, EXPORT_TITLES.get(name, name)) for name in EXPORTS],
        review_url=url_for("review_page.bench", document_id=row.id, number=number) if may_write and grid else "",
        waiting=state.status in ACTIVE,
    )


def _hits(page: Page, wanted: str) -> tuple[Box, ...]:
    """Return the boxes of the words of `page` that the search `wanted` means; none where it means nothing."""
    try:
        return search.boxes_on(page, wanted)
    except Rejected:
        return ()


def _pages_with_hits(session: Any, row: DocumentRow, wanted: str) -> Sequence[int]:
    try:
        return pages_in(session, row, wanted) if wanted else ()
    except Rejected:
        return ()
