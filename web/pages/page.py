"""One page: its image beside its text, what was read drawn over the image, search hits outlined."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from docproc.document import Page
from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.store import access, current, runs, search
from web import auth, context
from web.pages.documents import ACTIVE
from web.pages.reading import doubts, shown

blueprint = Blueprint("page_page", __name__)


@blueprint.get("/documents/<document_id>/pages/<int:number>")
def show(document_id: str, number: int) -> str:
    """Show the page; `q` is a search whose hits are outlined."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), document_id, "read")
        state = runs.page(session, row, number)
        page = current.shown_page(session, row, number)
    wanted = request.args.get("q", "").strip()
    hits = _hits(page, wanted) if page else ()
    return render_template(
        "page.html",
        row=row,
        number=number,
        count=row.page_count or number,
        status=state.status,
        width=state.width,
        height=state.height,
        page=page,
        problems=[state.problem] if state.problem else page.problems if page else (),
        blocks=shown(page, hits) if page else (),
        doubts=doubts(page) if page else (),
        hits=hits,
        q=wanted,
        waiting=state.status in ACTIVE,
    )


def _hits(page: Page, wanted: str) -> tuple[Box, ...]:
    """Return the boxes of the words of `page` that the search `wanted` means; none where it means nothing."""
    try:
        return search.boxes_on(page, wanted)
    except Rejected:
        return ()
