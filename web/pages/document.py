"""One document: how far it is, its pages, its downloads, its labels, and what can be done with it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, render_template, request
from werkzeug.wrappers import Response

from docproc.errors import Forbidden, NotFound, Rejected
from docproc.exports import EXPORTS
from docproc.fields import PRESETS
from docproc.store import access, documents, jobs, overview, reviews, secret, shares
from docproc.store.access import Action
from docproc.store.documents import Status
from docproc.store.tables import Verdict
from web import auth, context
from web.pages.documents import ACTIVE
from web.pages.frame import back, changing, told
from web.pages.words import EXPORT_TITLES, counted
from worker.queue import announce

blueprint = Blueprint("document_page", __name__)

PAGES_SHOWN = 60
"""Pages shown at once as small pictures."""
ME = "document_page.show"
VERDICTS: tuple[Verdict, ...] = ("approved", "rejected")


@blueprint.get("/documents/<document_id>")
def show(document_id: str) -> str:
    """Show the document; `first` is the first page to show of a long one."""
    who = auth.current()
    with context().database.read() as session:
        row = access.document(session, who, document_id, "read")
        status = documents.status_of(session, row)
        known_labels = documents.labels(session, access.visible(who))
        may_write, may_own = (_may(session, document_id, action) for action in ("write", "own"))
        readers = shares.listing(session, row)
        tally = reviews.tally(session, row)
        [owner] = overview.user_names(session, {row.owner_id}).values()
    return render_template(
        "document.html",
        row=row,
        labels=status.labels,
        known_labels=known_labels,
        may_write=may_write,
        may_own=may_own,
        shares=readers,
        owner=owner,
        tally=tally,
        presets=list(PRESETS),
        exports=[(name, EXPORT_TITLES.get(name, name), one.suffix) for name, one in EXPORTS.items()],
        **_pages(status),
        **_receipt(status),
    )


def _may(session: Any, document_id: str, action: Action) -> bool:
    try:
        access.document(session, auth.current(), document_id, action)
    except Forbidden:
        return False
    return True


def _pages(status: Status) -> dict[str, Any]:
    pages = status.pages
    given = request.args.get("first", 1, type=int)
    first = min(max(given, 1), max(len(pages), 1))
    states = [page.status for page in pages]
    return {
        "pages": pages,
        "shown": pages[first - 1 : first - 1 + PAGES_SHOWN],
        "first": first,
        "step": PAGES_SHOWN,
        "finished": sum(state not in ACTIVE for state in states),
        "done": states.count("done"),
        "failed": states.count("failed"),
        "active": status.row.status in ACTIVE,
    }


def _receipt(status: Status) -> dict[str, Any]:
    run = status.run
    timings = run.timings if run else None
    return {
        "engines": (run.engines if run else None) or {},
        "seconds": sum(timings.values()) if timings else None,
        "needs_password": (status.row.problem or {}).get("code") == "password",
    }


@blueprint.post("/documents/<document_id>/cancel")
def cancel(document_id: str) -> Response:
    """Stop reading; pages that are read stay."""
    with told(), changing(document_id, "write", "document.cancel") as (session, row):
        stopped = jobs.cancel(session, row)
        flash("Reading is cancelled; the pages that were read stay." if stopped else "There was nothing to cancel.")
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/retry")
def retry(document_id: str) -> Response:
    """Read again what failed or was cancelled."""
    with told(), changing(document_id, "write", "document.retry") as (session, row):
        jobs.retry(session, row, auth.current().user_id)
        flash("It is in the queue again.")
    announce(context().settings)
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/unlock")
def unlock(document_id: str) -> Response:
    """Try again with the password that a locked PDF needs."""
    here, password = context(), request.form.get("password", "")[:1000]
    with told(), changing(document_id, "write", "document.unlock") as (session, row):
        row.sealed_password = secret.seal(here.settings, password)
        jobs.retry(session, row, auth.current().user_id)
        flash("It is tried with this password.")
    announce(here.settings)
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/discard")
def discard(document_id: str) -> Response:
    """Put the document into the trash; what is still to be read of it is cancelled."""
    with told(), changing(document_id, "own", "document.trash") as (session, row):
        jobs.cancel(session, row)
        documents.trash(session, row)
        flash(f"{row.filename} is in the trash.")
    return back("documents_page.index")


@blueprint.post("/documents/<document_id>/review")
def review(document_id: str) -> Response:
    """Approve or reject all pages as they are now, take that back, or give them to somebody."""
    given = request.form.get("verdict", "")
    with told(), changing(document_id, "write", "document.review") as (session, row):
        numbers = range(1, (row.page_count or 0) + 1)
        if given == "give":
            name = request.form.get("reviewer", "").strip()
            try:
                reviews.assign(session, row, numbers, name)
            except NotFound:
                raise Rejected(f"There is no user {name}.", hint="Ask them for the name they sign in with.") from None
            flash(f"All pages are given to {name}.")
        else:
            verdict = next((one for one in VERDICTS if one == given), None)
            note = request.form.get("note", "")
            done = reviews.decide(session, row, numbers, auth.current().user_id, verdict, note)
            flash(f"{done} {counted(done, 'page')} {verdict or 'open again'}.")
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/label")
def label(document_id: str) -> Response:
    """Put a label on."""
    with told(), changing(document_id, "write", "document.label") as (session, row):
        documents.label(session, row, request.form.get("label", ""))
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/unlabel")
def unlabel(document_id: str) -> Response:
    """Take a label off."""
    with told(), changing(document_id, "write", "document.unlabel") as (session, row):
        documents.unlabel(session, row, request.form.get("label", ""))
    return back(ME, document_id=document_id)
