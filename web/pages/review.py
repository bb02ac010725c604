"""Reviewing: the queue, and the bench where a page's doubtful words are looked at one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from flask import Blueprint, render_template, request

from docproc.document import Label
from docproc.errors import Conflict
from docproc.store import access, review_figures, reviews, runs
from docproc.store.reviews import Show
from web import auth, context
from web.grid import Grid
from web.plots import trend

blueprint = Blueprint("review_page", __name__)

PER_PAGE = 50
SHOWN: Mapping[Show, str] = {
    "open": "To review",
    "mine": "Given to me",
    "second": "Second look",
    "disagreements": "Disagreements",
    "approved": "Approved",
    "rejected": "Rejected",
}
"""What the queue shows, as it is called."""


@blueprint.get("/review")
def queue() -> str:
    """Show the pages to look at, best first."""
    who = auth.current()
    show: Show = next((one for one in SHOWN if one == request.args.get("show")), "open")
    start = max(request.args.get("from", 0, type=int), 0)
    with context().database.write() as session:
        measured = reviews.measure_missing(session, access.writable(who))
        tasks = reviews.queue(session, who, show=show, offset=min(start, 1_000_000), limit=PER_PAGE + 1)
        counts = {one: reviews.count(session, who, one) for one in SHOWN}
    return render_template(
        "queue.html",
        tasks=tasks[:PER_PAGE],
        more=start + PER_PAGE if len(tasks) > PER_PAGE else None,
        show=show,
        shown=SHOWN,
        counts=counts,
        measuring=measured >= reviews.MOST_MEASURED,
    )


@blueprint.get("/review/figures")
def figures() -> str:
    """Show what reviewing came to: each day, and by engine and type of document."""
    who = auth.current()
    with context().database.read() as session:
        days = review_figures.by_day(session, who)
        engines, types = review_figures.rates(session, who)
    calendar = [one.day for one in days]
    return render_template(
        "review_figures.html",
        days=days,
        rates=(("By engine", "by-engine", "Read by", engines), ("By type of document", "by-type", "Type", types)),
        trends={name: trend(rows, calendar) for name, rows in (("by-engine", engines), ("by-type", types))},
    )


@blueprint.get("/documents/<document_id>/pages/<int:number>/review")
def bench(document_id: str, number: int) -> str:
    """Show the page with what to do about its words."""
    who, here = auth.current(), context()
    with here.database.read() as session:
        row = access.document(session, who, document_id, "write")
        state = runs.page(session, row, number)
        opinions = reviews.opinions_on(session, row, number)
        following = reviews.following(session, who, row, number)
    if state.status != "done" or not state.width or not state.height:
        failed = state.status == "failed"
        raise Conflict(
            "This page could not be read." if failed else "This page is not read yet.",
            hint="Read it again first." if failed else "The document's page tells when it is.",
            code="not-read",
        )
    return render_template(
        "bench.html",
        row=row,
        number=number,
        count=row.page_count or number,
        run_id=state.run_id,
        width=state.width,
        height=state.height,
        grid=Grid.of(state.width, state.height, here.settings.max_pixels),
        opinions=opinions,
        following=following,
        labels=get_args(Label),
    )
