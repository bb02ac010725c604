"""Documents: listed, looked at, read again, thrown away."""

from __future__ import annotations

from typing import Literal

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import access, audit, documents, jobs, runs
from docproc.store.documents import Filter
from docproc.store.sorting import Order, Sort
from docproc.store.tables import DocumentStatus
from web import auth, context
from web.api import api
from web.api.models import (
    Detail,
    DocumentPath,
    Entries,
    Entry,
    ReadingOptions,
    RunEntry,
    Runs,
    answer,
)
from worker.queue import announce

blueprint = api("documents", "Documents and how far they are.")


class ListQuery(BaseModel):
    """What to list."""

    after: str | None = Field(None, max_length=64, description="The `next` of the list before")
    limit: int = Field(50, ge=1, le=200)
    status: DocumentStatus | None = None
    label: str = Field("", max_length=100)
    name: str = Field("", max_length=255, description="A part of the file name")
    owner: str = Field("", max_length=64, description="Id of the owner")
    trash: bool = Field(False, description="What is in the trash instead")
    sort: Sort = Field("added", description="doubt: the errors to be expected on all pages together")
    descending: bool | None = Field(None, description="Left out: names and owners from A, all else the most first")

    @property
    def order(self) -> Order:
        """The order that is asked for."""
        natural = self.sort not in ("name", "owner")
        return Order(self.sort, natural if self.descending is None else self.descending)


class DeleteQuery(BaseModel):
    """How far to go."""

    forever: bool = Field(False, description="Delete what is in the trash for good")


class RetryQuery(BaseModel):
    """What to read again."""

    pages: Literal["failed", "all"] = "failed"


class LabelPath(DocumentPath):
    """A label on a document."""

    name: str = Field(max_length=100)


@blueprint.get("/documents", responses={"200": Entries})
def listing(query: ListQuery) -> Response:
    """List documents, newest first unless another order is asked for."""
    who = auth.current()
    wanted = Filter(status=query.status, label=query.label, name=query.name, owner_id=query.owner, trash=query.trash)
    with context().database.read() as session:
        ways = access.ways(who, trash=query.trash)
        found = documents.page_of(session, ways, wanted, order=query.order, after=query.after, limit=query.limit)
        return answer(Entries(items=[Entry.of(item) for item in found.items], next=found.next))


@blueprint.get("/documents/<document_id>", responses={"200": Detail})
def detail(path: DocumentPath) -> Response:
    """Say how far a document is, page by page."""
    return answer(_detail(path.document_id))


@blueprint.delete("/documents/<document_id>", responses={"204": None})
def delete(path: DocumentPath, query: DeleteQuery) -> Response:
    """Put a document into the trash; with `forever`, delete one that is there for good.

    What is still to be read of it is cancelled.
    """
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "own", trash=query.forever)
        if query.forever:
            documents.purge(session, row)
        else:
            if row.status in ("queued", "running"):
                jobs.cancel(session, row)
            documents.trash(session, row)
        action = "document.delete" if query.forever else "document.trash"
        audit.note(session, who, action, row.id, address=auth.address(), details={"filename": row.filename})
    return Response(status=204)


@blueprint.post("/documents/<document_id>/restore", responses={"200": Detail})
def restore(path: DocumentPath) -> Response:
    """Take a document out of the trash."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "own", trash=True)
        documents.restore(session, row)
        audit.note(session, who, "document.restore", row.id, address=auth.address())
    return answer(_detail(path.document_id))


@blueprint.post("/documents/<document_id>/cancel", responses={"200": Detail})
def cancel(path: DocumentPath) -> Response:
    """Stop reading a document; pages that are read stay."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        jobs.cancel(session, row)
        audit.note(session, who, "document.cancel", row.id, address=auth.address())
    return answer(_detail(path.document_id))


@blueprint.post("/documents/<document_id>/retry", responses={"200": Detail})
def retry(path: DocumentPath, query: RetryQuery) -> Response:
    """Read the failed pages again, or all."""
    who, here = auth.current(), context()
    with here.database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        run = jobs.retry(session, row, who.user_id, failed_only=query.pages == "failed")
        audit.note(session, who, "document.retry", row.id, address=auth.address(), details={"pages": query.pages})
    announce(here.settings, jobs.queue_of(run))
    return answer(_detail(path.document_id))


@blueprint.get("/documents/<document_id>/runs", responses={"200": Runs})
def runs_of(path: DocumentPath) -> Response:
    """List the readings of a document: with what, how and when, newest first."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        return answer(Runs(items=[RunEntry.of(run, row) for run in runs.of_document(session, row)]))


@blueprint.post("/documents/<document_id>/runs", responses={"202": RunEntry})
def start(path: DocumentPath, body: ReadingOptions) -> Response:
    """Read a document again, with other options. What was read before is shown until that is done."""
    who, here = auth.current(), context()
    with here.database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        run = jobs.start(session, row, who.user_id, body.of_run(), body.rank)
        session.flush()
        audit.note(session, who, "document.read", row.id, address=auth.address(), details=body.of_run())
        entry = RunEntry.of(run, row)
    announce(here.settings, jobs.queue_of(run))
    return answer(entry, 202)


@blueprint.put("/documents/<document_id>/labels/<name>", responses={"204": None})
def label(path: LabelPath) -> Response:
    """Put a label on a document."""
    with context().database.write() as session:
        row = access.document(session, auth.current(), path.document_id, "write")
        documents.label(session, row, path.name)
    return Response(status=204)


@blueprint.delete("/documents/<document_id>/labels/<name>", responses={"204": None})
def unlabel(path: LabelPath) -> Response:
    """Take a label off a document."""
    with context().database.write() as session:
        row = access.document(session, auth.current(), path.document_id, "write")
        documents.unlabel(session, row, path.name)
    return Response(status=204)


def _detail(document_id: str) -> Detail:
    with context().database.read() as session:
        row = access.document(session, auth.current(), document_id, "read")
        return Detail.of_status(documents.status_of(session, row))
