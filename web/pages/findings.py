"""What vision models are asked about a document: a form, and what came of it; the page's viewer draws it."""

from __future__ import annotations

from flask import Blueprint, flash, render_template, request
from pydantic import ValidationError
from werkzeug.wrappers import Response

from docproc.errors import Forbidden, Rejected
from docproc.store import access, findings, jobs, uploads
from web import auth, context
from web.api.findings import Task, require_model
from web.pages.documents import ACTIVE
from web.pages.frame import back, changing, told
from worker.queue import announce

blueprint = Blueprint("findings_page", __name__)

ME = "findings_page.show"
TASKS = (
    ("detect", "Find things", "stamp ; signature"),
    ("segment", "Find things, with their outlines", "stamp ; signature"),
    ("refer", "Find the one thing that is meant", "the round stamp beside the signature"),
    ("answer", "Answer on each page", "What is the total?"),
    ("caption", "Caption the pages", ""),
    ("describe", "Describe the pages", ""),
)
"""Task, what it is called, and what may be asked; the API has a few more."""


@blueprint.get("/documents/<document_id>/findings")
def show(document_id: str) -> str:
    """Show the newest requests with what they found, and a form for the next."""
    here = context()
    with here.database.read() as session:
        row = access.document(session, auth.current(), document_id, "read")
        asked, _ = findings.listing(session, row)
        try:
            may_write = bool(access.document(session, auth.current(), document_id, "write"))
        except Forbidden:
            may_write = False
    return render_template(
        "findings.html",
        row=row,
        asked=asked,
        tasks=TASKS,
        names={name: words for name, words, _ in TASKS},
        may_ask=may_write and bool(here.settings.vision_model),
        may_write=may_write,
        waits=any(one.row.status in ACTIVE for one in asked),
    )


@blueprint.post("/documents/<document_id>/findings")
def ask(document_id: str) -> Response:
    """Ask what the form says, of all pages that are read."""
    here = context()
    with told(), changing(document_id, "write", "document.find") as (session, row):
        try:
            task = Task.model_validate({name: request.form.get(name, "") for name in ("task", "prompt")})
        except ValidationError as error:
            raise Rejected(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None
        require_model(here.settings)
        uploads.require_room(session, auth.current().user_id, here.settings.max_queued_pages)
        jobs.find(session, row, auth.current().user_id, task.wanted())
        flash("It is asked; what is found appears here and on the pages.")
    announce(here.settings, jobs.VISION_QUEUE)
    return back(ME, document_id=document_id)


@blueprint.post("/documents/<document_id>/findings/<request_id>/forget")
def forget(document_id: str, request_id: str) -> Response:
    """Stop a request, and forget what it found."""
    with told(), changing(document_id, "write", "document.find-delete") as (session, row):
        asked = findings.get(session, row, request_id)
        jobs.cancel_finding(session, row, asked.row)
        findings.delete(session, row, asked.row)
    return back(ME, document_id=document_id)
