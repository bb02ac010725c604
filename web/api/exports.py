"""Downloads: the document in every format, and the file as it was handed in."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from flask import Response, request, send_file
from pydantic import BaseModel, Field

from docproc.errors import Conflict, NotFound, Unavailable
from docproc.exports import EXPORTS, Export
from docproc.store import access, current, documents, secret
from docproc.store.documents import Status
from web import auth, context
from web.api import api
from web.api.models import DocumentPath

blueprint = api("exports", "The whole document, in other formats.")

AT_ONCE = 4
"""Exports that are written at a time, as a large one takes memory and time."""
PATIENCE = 20.0
ENDED = frozenset({"done", "partial"})

_turns = threading.BoundedSemaphore(AT_ONCE)


class ExportPath(DocumentPath):
    """A format of a document."""

    format: str = Field(max_length=20, description=", ".join(EXPORTS))


class ExportQuery(BaseModel):
    """What to do with a document that is not read to its end."""

    partial: bool = Field(False, description="Export the pages that are read so far")


ANY_FILE = {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


@blueprint.get("/documents/<document_id>/exports/<format>", responses={"200": ANY_FILE})
def export(path: ExportPath, query: ExportQuery) -> Response:
    """Return the document, with its corrections, in a format.

    Until it is read to the end that is refused (409), unless `partial` asks for the pages there are.
    """
    if path.format not in EXPORTS:
        raise NotFound(f"There is no format {path.format}.", hint=f"There are {', '.join(EXPORTS)}.")
    chosen = EXPORTS[path.format]
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        status = documents.status_of(session, row)
    _require_read(status, partial=query.partial)
    tag = _tag(status, chosen)
    data = b"" if tag in request.if_none_match else _written(status, chosen)
    name = PurePath(status.row.filename).stem + chosen.suffix
    response = send_file(io.BytesIO(data), chosen.media_type, as_attachment=True, download_name=name)
    response.headers["Content-Type"] = chosen.media_type  # send_file adds a second charset
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


@blueprint.get("/documents/<document_id>/original", responses={"200": ANY_FILE})
def original(path: DocumentPath) -> Response:
    """Return the file as it was handed in; parts of it by `Range`."""
    here = context()
    with here.database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
    with here.files.local(row.sha256) as file:
        response = send_file(file, row.media_type, as_attachment=True, download_name=row.filename, etag=row.sha256)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _require_read(status: Status, *, partial: bool) -> None:
    run, row = status.run, status.row
    if run is not None and run.status in ENDED:
        return
    done = sum(page.status == "done" for page in status.pages)
    if partial and done:
        return
    if row.status in {"rejected", "failed"}:
        trouble = row.problem or {}
        raise Conflict(trouble.get("message", "It could not be read."), hint=trouble.get("hint", ""), code=row.status)
    count = f"{done} of {len(status.pages)} pages are read" if status.pages else "no page is read yet"
    hint = "Watch .../events; ?partial=true exports what there is."
    if row.status == "cancelled":
        hint = "POST .../retry reads the rest; ?partial=true exports what there is."
    raise Conflict(f"The document is {row.status}: {count}.", hint=hint, code="not-finished")


def _tag(status: Status, chosen: Export) -> str:
    """Return what changes whenever the export does."""
    facts = [chosen.name, status.run.id if status.run else "", status.row.filename]
    facts += [f"{page.number}:{page.status}:{page.revision}:{page.found}" for page in status.pages]
    return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _written(status: Status, chosen: Export) -> bytes:
    here, row = context(), status.row
    with _turn():
        with here.database.read() as session:
            document = current.current_document(session, row)
        password = secret.unseal(here.settings, row.sealed_password) if row.sealed_password else None
        with here.files.local(row.sha256) as file:
            return chosen.write(document, file, password=password, settings=here.settings)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=PATIENCE):
        raise Unavailable("Too many downloads are being made just now.", hint="Ask again in a few seconds.")
    try:
        yield
    finally:
        _turns.release()
