"""The list of documents, newest first: upload on top, filters, progress of each."""

from __future__ import annotations

from typing import cast, get_args

from flask import Blueprint, render_template, request

from docproc.store import access, documents, overview
from docproc.store.documents import Filter
from docproc.store.tables import DocumentStatus
from web import auth, context

blueprint = Blueprint("documents_page", __name__)

PER_PAGE = 25
STATUSES = cast("tuple[DocumentStatus, ...]", get_args(DocumentStatus))
ACTIVE = frozenset({"queued", "running"})
"""Statuses of documents on which work goes on."""


@blueprint.get("/")
def index() -> str:
    """Show the documents that fit the filters."""
    who, here = auth.current(), context()
    wanted, after = _wanted(), request.args.get("after") or None
    visible = access.visible(who)
    with here.database.read() as session:
        listing = documents.page_of(session, visible, wanted, after=after, limit=PER_PAGE)
        labels = documents.labels(session, visible)
        owners = overview.user_names(session, {item.row.owner_id for item in listing.items})
    kept = {name: getattr(wanted, name) for name in ("name", "status", "label") if getattr(wanted, name)}
    return render_template(
        "documents.html",
        listing=listing,
        labels=labels,
        owners=owners,
        wanted=wanted,
        kept=kept,
        filtered=bool(kept),
        after=after,
        statuses=STATUSES,
        active=any(item.row.status in ACTIVE for item in listing.items),
        largest=here.settings.max_bytes,
        may_upload=who.may("write"),
    )


def _wanted() -> Filter:
    given = request.args.get("status", "")
    return Filter(
        status=next((status for status in STATUSES if status == given), None),
        label=request.args.get("label", "")[:100],
        name=request.args.get("name", "")[:255].strip(),
    )
