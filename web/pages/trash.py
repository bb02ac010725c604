"""What was deleted and can still come back."""

from __future__ import annotations

from flask import Blueprint, flash, render_template, request
from werkzeug.wrappers import Response

from docproc.store import access, audit, documents
from docproc.store.documents import Filter
from web import auth, context
from web.pages.frame import back, told

blueprint = Blueprint("trash_page", __name__)

PER_PAGE = 50


@blueprint.get("/trash")
def index() -> str:
    """Show what is in the trash, newest first."""
    who, here = auth.current(), context()
    ways = access.ways(who, trash=True)
    with here.database.read() as session:
        listing = documents.page_of(
            session, ways, Filter(trash=True), after=request.args.get("after") or None, limit=PER_PAGE
        )
    return render_template("trash.html", listing=listing, days=here.settings.trash_days)


@blueprint.post("/trash/<document_id>/restore")
def restore(document_id: str) -> Response:
    """Take a document out of the trash."""
    who, here = auth.current(), context()
    with told(), here.database.write() as session:
        row = access.document(session, who, document_id, "own", trash=True)
        documents.restore(session, row)
        audit.note(session, who, "document.restore", row.id, address=auth.address())
        flash(f"{row.filename} is back.")
    return back("trash_page.index")


@blueprint.post("/trash/<document_id>/purge")
def purge(document_id: str) -> Response:
    """Delete a document for good; its file goes with the next sweep, where no other document has it."""
    who, here = auth.current(), context()
    with told(), here.database.write() as session:
        row = access.document(session, who, document_id, "own", trash=True)
        documents.purge(session, row)
        audit.note(session, who, "document.purge", document_id, address=auth.address())
        flash(f"{row.filename} is deleted.")
    return back("trash_page.index")
