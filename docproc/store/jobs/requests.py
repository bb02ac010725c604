"""What people ask of the queue: read this, stop, try again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from docproc.errors import Conflict
from docproc.store.jobs.rows import ACTIVE, add_jobs, locked, newest_run, settle, tell
from docproc.store.tables import DocumentRow, Job, PageRow, Run, utc_now


def start(session: Session, document: DocumentRow, user_id: str, options: dict[str, Any], priority: int) -> Run:
    """Begin a new reading of a document; the one that is shown stays until this one is finished.

    `options` are those of `pipeline.ReadOptions` without the password. Raises Conflict while it is being read.
    """
    if document.run_id is not None:
        _lock_idle(session, document)
    run = Run(document_id=document.id, user_id=user_id, options=options, priority=priority)
    session.add(run)
    session.flush()
    document.run_id = document.run_id or run.id
    document.status, document.problem = "queued", None
    add_jobs(session, document, run, "intake")
    tell(session, document, run)
    return run


def retry(session: Session, document: DocumentRow, user_id: str, *, failed_only: bool = True) -> Run:
    """Try again: the pages that failed or were cancelled in the newest run, or everything in a new run.

    Raises Conflict while it is being read, and when no page failed.
    """
    _lock_idle(session, document)
    run = newest_run(session, document.id)
    if run is None or not failed_only:
        options, priority = (run.options, run.priority) if run else ({}, 0)
        return start(session, document, user_id, options, priority)
    lost = PageRow.run_id == run.id, PageRow.status.in_(("failed", "cancelled"))
    numbers = session.scalars(select(PageRow.number).where(*lost).order_by(PageRow.number)).all()
    if not numbers and run.page_count:
        raise Conflict("No page of it failed.", hint="Read it all again with a new run.")
    session.execute(update(PageRow).where(*lost).values(status="queued", problem=None, attempts=0))
    run.remaining = len(numbers)
    run.status, run.finished_at = "queued", None
    document.status, document.problem = "queued", None
    add_jobs(session, document, run, *(("page", numbers) if numbers else ("intake",)))
    tell(session, document, run)
    return run


def cancel(session: Session, document: DocumentRow) -> bool:
    """Stop reading a document: what waits is dropped, what a worker reads just now is thrown away.

    Pages that are read stay. Returns False when there was nothing to stop.
    """
    if locked(session, document.id) is None or document.status not in ACTIVE:
        return False
    session.execute(delete(Job).where(Job.document_id == document.id, Job.kind != "find"))
    run = newest_run(session, document.id)
    if run is None:
        return False
    left = PageRow.run_id == run.id, PageRow.status.in_(ACTIVE)
    session.execute(update(PageRow).where(*left).values(status="cancelled", updated_at=utc_now()))
    run.status, run.remaining = "cancelled", 0
    settle(session, document, run)
    return True


def _lock_idle(session: Session, document: DocumentRow) -> None:
    locked(session, document.id)
    if document.status in ACTIVE:
        raise Conflict("The document is being read.", hint="Wait until it is finished, or cancel it first.")
