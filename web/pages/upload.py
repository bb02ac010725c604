"""Several files at once from the form of the list; with scripts each goes to the API instead, with its progress."""

from __future__ import annotations

from typing import BinaryIO, cast

from flask import Blueprint, flash, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from docproc.errors import Rejected
from docproc.intake import ACCEPTED, HEAD, media_type_of
from docproc.store import audit, documents, uploads
from docproc.store.access import Principal
from docproc.store.documents import Incoming
from web import auth, context
from web.pages.frame import back, told
from worker.queue import announce

blueprint = Blueprint("upload_page", __name__)


@blueprint.post("/documents")
def upload() -> Response:
    """Take in every file of the form; what is refused costs only itself."""
    who = auth.current()
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        flash("Choose at least one file.", "error")
    for file in files:
        with told():
            _take_in(who, file)
    return back("documents_page.index")


def _take_in(who: Principal, file: FileStorage) -> None:
    here = context()
    name = documents.clean_name(file.filename or "")
    media_type = media_type_of(file.stream.read(HEAD))
    if media_type is None:
        raise Rejected(f"{name} is not a PDF or an image that we read.", hint=ACCEPTED, code="media-type")
    file.stream.seek(0)
    stored = here.files.put(cast("BinaryIO", file.stream), limit=here.settings.max_bytes)
    with here.database.write() as session:
        uploads.require_room(session, who.user_id, here.settings.max_queued_pages)
        row, created = documents.add(session, who.user_id, stored, Incoming(filename=name, media_type=media_type))
        if created:
            audit.note(session, who, "document.upload", row.id, address=auth.address())
    if not created:
        flash(f"You have {name} already, as {row.filename}.", "note")
        return
    flash(f"{name} is in the queue.")
    announce(here.settings)
