"""Jobs of the kind `find`: on one page, whatever vision models are asked of it. One per page, however many ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from docproc.store import findings
from docproc.store.database import Database
from docproc.store.findings import Outcome, Wanted
from docproc.store.jobs.claims import Claim, is_held
from docproc.store.jobs.rows import locked
from docproc.store.tables import INTERACTIVE, DocumentRow, FindingRequest, Job

VISION_QUEUE = "gpu"
"""Where pages wait that a vision model is asked about."""


def find(
    session: Session, document: DocumentRow, user_id: str, wanted: Wanted, priority: int = INTERACTIVE
) -> FindingRequest:
    """Keep a request, and queue its pages; a page that has a job already is done by that.

    The document is locked: a job that ends just now looks under the same lock for what else is asked. Raises what
    `findings.add` does.
    """
    session.refresh(document, with_for_update=True)
    request = findings.add(session, document, user_id, wanted)
    theirs = Job.document_id == document.id, Job.run_id == document.run_id, Job.kind == "find"
    queued = set(session.scalars(select(Job.number).where(*theirs)))
    numbers = [number for number in request.state["waiting"] if number not in queued]
    _add(session, document, document.run_id or "", numbers, priority)
    return request


def asked(database: Database, held: Claim) -> list[FindingRequest]:
    """Return what is asked of the page of a job, oldest first."""
    with database.read() as session:
        return findings.active(session, held.document_id, held.number)


def found(database: Database, held: Claim, outcomes: Sequence[Outcome], engine: str) -> bool:
    """End a job; what was asked of the page meanwhile gets another one. Returns False when the lease was lost."""
    with database.write() as session:
        document = locked(session, held.document_id)
        if document is None or not is_held(session, held):
            return False
        priority = session.get_one(Job, held.job_id).priority
        _drop(session, held)
        findings.keep(session, document, held.run_id, held.number, outcomes, engine)
        if findings.active(session, document.id, held.number):
            _add(session, document, held.run_id, [held.number], priority)
        return True


def give_up_finding(session: Session, held: Claim, problem: Mapping[str, Any]) -> bool:
    """End a job that failed: so does everything that is asked of its page. The lease was checked by the caller."""
    document = locked(session, held.document_id)
    if document is None or not is_held(session, held):
        return False
    _drop(session, held)
    waiting = findings.active(session, document.id, held.number)
    outcomes = [Outcome(request.id, problem=problem) for request in waiting]
    findings.keep(session, document, held.run_id, held.number, outcomes, "")
    return True


def cancel_finding(session: Session, document: DocumentRow, request: FindingRequest) -> bool:
    """Stop a request, and the jobs that nobody else waits for; returns False when there was nothing to stop."""
    locked(session, document.id)
    if not findings.cancel(session, request):
        return False
    wanted = {number for one in findings.active(session, document.id) for number in one.state["waiting"]}
    idle = [number for number in request.options["pages"] if number not in wanted]
    theirs = Job.document_id == document.id, Job.kind == "find", Job.number.in_(idle)
    session.execute(delete(Job).where(*theirs).execution_options(synchronize_session=False))
    return True


def _add(session: Session, document: DocumentRow, run_id: str, numbers: Sequence[int], priority: int) -> None:
    shared = {
        "kind": "find",
        "queue": VISION_QUEUE,
        "priority": priority,
        "owner_id": document.owner_id,
        "document_id": document.id,
        "run_id": run_id,
    }
    session.flush()
    if numbers:
        session.execute(insert(Job), [{**shared, "number": number} for number in numbers])


def _drop(session: Session, held: Claim) -> None:
    session.execute(delete(Job).where(Job.id == held.job_id).execution_options(synchronize_session=False))
    session.expire_all()
