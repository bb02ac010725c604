"""Who else may see a document: single users, or everyone."""

from __future__ import annotations

from flask import Blueprint, flash, request
from werkzeug.wrappers import Response

from docproc.errors import NotFound, Rejected
from docproc.store import shares
from web.pages.frame import back, changing, told

blueprint = Blueprint("share_page", __name__)


@blueprint.post("/documents/<document_id>/share")
def give(document_id: str) -> Response:
    """Share with a user."""
    name, may_write = request.form.get("name", "").strip(), "may_write" in request.form
    with told(), changing(document_id, "own", "document.share") as (session, row):
        try:
            reader = shares.give(session, row, name, may_write=may_write)
        except NotFound:
            raise Rejected(f"There is no user {name}.", hint="Ask them for the name they sign in with.") from None
        flash(f"{reader.name} may {'change' if reader.may_write else 'read'} it now.")
    return back("document_page.show", document_id=document_id)


@blueprint.post("/documents/<document_id>/unshare")
def take(document_id: str) -> Response:
    """Stop sharing with a user."""
    name = request.form.get("name", "")
    with told(), changing(document_id, "own", "document.unshare") as (session, row):
        try:
            shares.take(session, row, name)
        except NotFound:
            raise Rejected(f"It was not shared with {name}.") from None
        flash(f"It is no longer shared with {name}.")
    return back("document_page.show", document_id=document_id)


@blueprint.post("/documents/<document_id>/publish")
def publish(document_id: str) -> Response:
    """Let every user read it (`public` is 1), or take that back."""
    public = request.form.get("public") == "1"
    what = "document.publish" if public else "document.unpublish"
    with told(), changing(document_id, "own", what) as (_, row):
        row.public = public
        flash("Every user may read it now." if public else "It is private again.")
    return back("document_page.show", document_id=document_id)
