"""The list of documents: upload on top, filters, progress of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from flask import Blueprint, flash, render_template, request
from werkzeug.wrappers import Response

from docproc.errors import DocprocError, NotFound
from docproc.store import access, audit, documents, jobs, overview, users
from docproc.store.access import Action
from docproc.store.documents import Filter
from docproc.store.sorting import NEWEST_FIRST, Order, Sort
from docproc.store.tables import DocumentRow, DocumentStatus
from web import auth, context
from web.pages.frame import back
from web.pages.words import counted
from worker.queue import announce

blueprint = Blueprint("documents_page", __name__)

PER_PAGE, GRID_PAGE = 25, 48
MOST_AT_ONCE = 200
"""Documents that one bulk action is done to, at most."""
STATUSES = cast("tuple[DocumentStatus, ...]", get_args(DocumentStatus))
FIRST: Mapping[Sort, bool] = {
    "added": True, "name": False, "doubt": True, "pages": True, "size": True, "owner": False,
}  # fmt: skip
"""What the list can be sorted by, and whether it begins with the most."""
ORDERS = (
    ("-added", "Newest first"),
    ("added", "Oldest first"),
    ("name", "Name, A to Z"),
    ("-name", "Name, Z to A"),
    ("-doubt", "Most errors expected"),
    ("doubt", "Fewest errors expected"),
    ("-pages", "Most pages"),
    ("pages", "Fewest pages"),
    ("-size", "Largest"),
    ("size", "Smallest"),
    ("owner", "Owner, A to Z"),
    ("-owner", "Owner, Z to A"),
)
"""The same as the address says it, and how it is called."""
ACTIVE = frozenset({"queued", "running"})
"""Statuses of documents on which work goes on."""


@blueprint.get("/")
def index() -> str:
    """Show the documents that fit the filters."""
    who, here = auth.current(), context()
    grid = request.args.get("view") == "grid"
    order, after, owner = _order(), request.args.get("after") or None, request.args.get("owner", "")[:64]
    visible = access.visible(who)
    with here.database.read() as session:
        wanted = replace(_wanted(), owner_id=_owner_id(session, owner))
        listing = documents.page_of(
            session, access.ways(who), wanted, order=order, after=after, limit=GRID_PAGE if grid else PER_PAGE
        )
        labels = documents.labels(session, visible)
        owners = overview.user_names(session, {item.row.owner_id for item in listing.items})
        has_password = users.get(session, who.user_id).password_hash is not None
    given = {"name": wanted.name, "status": wanted.status, "label": wanted.label, "owner": owner}
    kept = {name: value for name, value in given.items() if value}
    name = _order_name(order)
    sorted_by = {"sort": name} if order != NEWEST_FIRST else {}
    return render_template(
        "documents.html",
        sort=name,
        listing=listing,
        labels=labels,
        owners=owners,
        owner=owner,
        wanted=wanted,
        kept=kept | sorted_by | ({"view": "grid"} if grid else {}),
        filters=kept | sorted_by,
        order=order,
        orders=ORDERS,
        turned={
            by: _order_name(Order(by, not order.descending if order.by == by else first))
            for by, first in FIRST.items()
        },
        grid=grid,
        filtered=bool(kept),
        after=after,
        statuses=STATUSES,
        active=any(item.row.status in ACTIVE for item in listing.items),
        largest=here.settings.max_bytes,
        may_upload=who.may("write"),
        has_password=has_password,
    )


@blueprint.post("/documents/bulk")
def bulk() -> Response:
    """Do one thing to several documents; what is refused costs only itself."""
    what = request.form.get("what", "")
    chosen = request.form.getlist("id")[:MOST_AT_ONCE]
    if what not in BULK or not chosen:
        flash("Choose documents, and what to do with them.", "error")
        return back("documents_page.index")
    action, words = BULK[what]
    done = 0
    for document_id in chosen:
        try:
            with context().database.write() as session:
                row = access.document(session, auth.current(), document_id, action)
                _do(session, row, what)
                audit.note(session, auth.current(), f"document.{what}", row.id, address=auth.address())
            done += 1
        except DocprocError as error:
            flash(str(error), "error")
    if what == "retry":
        announce(context().settings)
    if done:
        flash(f"{done} {counted(done, 'document')} {words}.")
    view = {name: value for name in ("view", "sort") if (value := request.form.get(name, "")[:20])}
    return back("documents_page.index", **view)


BULK: Mapping[str, tuple[Action, str]] = {
    "trash": ("own", "put into the trash"),
    "label": ("write", "labelled"),
    "retry": ("write", "in the queue again"),
    "cancel": ("write", "cancelled"),
}
"""What can be done to several documents: what one must be allowed to do, and how it is told."""


def _do(session: Any, row: DocumentRow, what: str) -> None:
    if what == "trash":
        documents.trash(session, row)
    elif what == "label":
        documents.label(session, row, request.form.get("label", ""))
    elif what == "retry":
        jobs.retry(session, row, auth.current().user_id)
    else:
        jobs.cancel(session, row)


def _order() -> Order:
    """Return the order that the address asks for: `sort=name`, and with a minus the other way round."""
    given = request.args.get("sort", "")
    return next(
        (Order(by, down) for by in FIRST for down in (True, False) if _order_name(Order(by, down)) == given),
        NEWEST_FIRST,
    )


def _order_name(order: Order) -> str:
    return ("-" if order.descending else "") + order.by


def _owner_id(session: Any, owner: str) -> str:
    """Return the id of the user of this name, of who asks for "me"; of nobody where there is no such user."""
    if owner in {"", "me"}:
        return auth.current().user_id if owner else ""
    try:
        return users.named(session, owner).id
    except NotFound:
        return "nobody"


def _wanted() -> Filter:
    given = request.args.get("status", "")
    return Filter(
        status=next((status for status in STATUSES if status == given), None),
        label=request.args.get("label", "")[:100],
        name=request.args.get("name", "")[:255].strip(),
    )
