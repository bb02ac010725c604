"""What all pages share: where people can go, how things are said, how a form that was sent goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from flask import Blueprint, current_app, flash, redirect, url_for
from werkzeug.wrappers import Response

from docproc.errors import Conflict, Rejected, Unavailable
from docproc.geometry import Box
from docproc.store import access, audit
from docproc.store.access import Action, Principal
from docproc.store.tables import DocumentRow
from web import auth, context
from web.pages.words import FILTERS

blueprint = Blueprint("frame", __name__)

VERSION = version("docproc")
NAVIGATION: tuple[tuple[str, str], ...] = (
    ("documents_page.index", "Documents"),
    ("trash_page.index", "Trash"),
    ("signin.account", "Account"),
)
"""Endpoint -> what the link says."""
FOR_REVIEWERS: tuple[tuple[str, str], ...] = (("review_page.queue", "Review"),)
FOR_ADMINS: tuple[tuple[str, str], ...] = (
    ("status_page.index", "Status"),
    ("hooks_page.index", "Webhooks"),
    ("people_page.index", "Users"),
)


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    who = auth.known()
    return {"navigation": _navigation(who) if who else (), "version": VERSION, "can_ask": can_ask()}


def can_ask() -> bool:
    """Tell whether who is here may ask questions."""
    who = auth.known()
    return who is not None and who.may("write") and "questions.ask" in current_app.view_functions


def _navigation(who: Principal) -> tuple[tuple[str, str], ...]:
    reviewing = FOR_REVIEWERS if who.may("write") else ()
    wanted = (NAVIGATION[0], *reviewing, *NAVIGATION[1:], *(FOR_ADMINS if who.may("admin") else ()))
    return tuple(one for one in wanted if one[0] in current_app.view_functions)


@blueprint.app_template_filter("page_image")
def page_image(document_id: str, number: int, width: int, box: Box | None = None) -> str:
    """Return the address of the picture of a page, or of the part in `box`, so many pixels wide or less."""
    part = "&box=" + ",".join(f"{side:.2f}" for side in box.as_list()) if box else ""
    return f"/api/v1/documents/{document_id}/pages/{number}/image?width={width}{part}"


for _one in FILTERS:
    blueprint.add_app_template_filter(_one, _one.__name__)


def back(endpoint: str, **values: Any) -> Response:
    """Go on to a page after a form was sent (303, so that a reload sends nothing twice)."""
    return redirect(url_for(endpoint, **values), code=303)


@contextmanager
def told() -> Iterator[None]:
    """Show what was refused as a message on the next page, not as an error; what is forbidden stays an error."""
    try:
        yield
    except (Rejected, Conflict, Unavailable) as error:
        flash(str(error), "error")


@contextmanager
def changing(document_id: str, action: Action, what: str) -> Iterator[tuple[Any, DocumentRow]]:
    """Give a transaction and the document in it, if `action` is allowed; `what` goes into the audit log."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, document_id, action)
        yield session, row
        audit.note(session, who, what, row.id, address=auth.address())
