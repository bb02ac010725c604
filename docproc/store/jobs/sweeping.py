"""The one recovery: work whose worker died is given to another, or given up after enough attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from docproc.settings import Settings
from docproc.store.database import Database, now
from docproc.store.jobs.claims import backoff, claim_of, ready
from docproc.store.jobs.results import give_up
from docproc.store.jobs.rows import QUEUES, locked
from docproc.store.tables import Job, PageRow, Worker


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: jobs queued again and given up; `ready` are queues in which a job can be claimed."""

    requeued: int
    failed: int
    ready: frozenset[str]


def sweep(database: Database, settings: Settings) -> Swept:
    """Requeue jobs whose lease ran out, or give them up after `settings.page_attempts` attempts."""
    with database.read() as session:
        expired = session.scalars(select(Job).where(Job.lease_until < now(session))).all()
    outcomes = [_recover(database, job, settings) for job in expired]
    with database.read() as session:
        waiting = ready(session, QUEUES)
    return Swept(outcomes.count("requeued"), outcomes.count("failed"), frozenset(waiting))


def heard_of(session: Session, worker_id: str, queues: Sequence[str], memory: int) -> None:
    """Note that a worker lives, and its memory in bytes; forget those not heard of for an hour."""
    moment = now(session)
    row = session.get(Worker, worker_id) or Worker(id=worker_id, queues=",".join(queues))
    row.seen_at, row.memory = moment, memory
    session.add(row)
    session.execute(delete(Worker).where(Worker.seen_at < moment - timedelta(hours=1)))


def _recover(database: Database, job: Job, settings: Settings) -> str:
    with database.write() as session:
        locked(session, job.document_id)
        moment = now(session)
        still = Job.id == job.id, Job.token == job.token, Job.lease_until < moment
        if session.scalar(select(Job.id).where(*still).with_for_update()) is None:
            return "kept"
        if job.attempts >= settings.page_attempts:
            give_up(session, claim_of(job), _died(job))
            return "failed"
        later = moment + timedelta(seconds=backoff(job.attempts))
        values = {"lease_until": None, "worker": None, "not_before": later}
        session.execute(update(Job).where(*still).values(**values).execution_options(synchronize_session=False))
        if job.kind == "page":
            page = PageRow.run_id == job.run_id, PageRow.number == job.number
            session.execute(update(PageRow).where(*page).values(status="queued"))
        return "requeued"


def _died(job: Job) -> dict[str, Any]:
    what = "document" if job.number == 0 else "page"
    died = "the worker died without a word (killed, or out of memory)."
    tried = f"was tried {job.attempts} times; the last time" if job.attempts > 1 else "was tried once;"
    before = f" An attempt before ended so: {job.note['message']}" if job.note else ""
    return {
        "code": "worker-died",
        "message": f"The {what} {tried} {died}{before}",
        "hint": "Try again, or look into the log of the workers.",
    }
