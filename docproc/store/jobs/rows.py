"""What the verbs of the queue share: locked rows, new jobs, and telling what happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from docproc.errors import DocprocError
from docproc.store import events
from docproc.store.tables import DocumentRow, Job, JobKind, Run, utc_now

QUEUES = ("cpu", "gpu")
GPU_ENGINES = frozenset({"paligemma"})
"""Engines that only workers of the queue gpu can load."""
ACTIVE = ("queued", "running")
"""Status of documents, runs and pages on which work is still to be done."""


def locked(session: Session, document_id: str) -> DocumentRow | None:
    """Return a document, locked until the transaction ends, as it is now; None when it is gone."""
    return session.get(DocumentRow, document_id, with_for_update=True, populate_existing=True)


def add_jobs(session: Session, document: DocumentRow, run: Run, kind: JobKind, numbers: Iterable[int] = (0,)) -> None:
    """Queue a job for each of `numbers` (pages), or one for the whole document."""
    shared = {
        "kind": kind,
        "queue": queue_of(run),
        "priority": run.priority,
        "owner_id": document.owner_id,
        "document_id": document.id,
        "run_id": run.id,
    }
    session.flush()
    session.execute(insert(Job), [{**shared, "number": number} for number in numbers])


def queue_of(run: Run) -> str:
    """Return the queue whose workers can read with the options of `run`."""
    return "gpu" if run.options.get("engine") in GPU_ENGINES else "cpu"


def newest_run(session: Session, document_id: str) -> Run | None:
    """Return the run of a document that began last."""
    query = select(Run).where(Run.document_id == document_id).order_by(Run.id.desc()).limit(1)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def settle(session: Session, document: DocumentRow, run: Run, problem: dict[str, Any] | None = None) -> None:
    """Bring the document to where its `run`, just ended, leaves it, and tell.

    A run that failed or was cancelled does not hide the reading of an earlier one that is shown.
    """
    run.finished_at = utc_now()
    shown = session.get(Run, document.run_id) if document.run_id else None
    if shown is None or shown.id == run.id or run.status in {"done", "partial"}:
        document.run_id, document.status, document.problem = run.id, run.status, problem
    else:
        document.status = shown.status
    tell(session, document, run)


def tell(session: Session, document: DocumentRow, run: Run) -> None:
    """Record an event about the whole document."""
    document.updated_at = utc_now()
    session.flush()
    data = {"status": document.status, "run": run.id, "run_status": run.status, "problem": document.problem}
    events.emit(session, document.id, "document", data | {"pages": run.page_count, "remaining": run.remaining})


def problem_of(error: DocprocError) -> dict[str, Any]:
    """Return an error as rows keep it."""
    return {"code": error.code, "message": error.message, "hint": error.hint}
