"""How the service is doing, in numbers: what waits, what was read, who works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from docproc.store.database import now
from docproc.store.tables import DocumentRow, Job, PageRow, Worker


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of everything at one moment; `page_seconds` is over `pages_timed` pages that were read."""

    waiting: dict[str, int]
    """Queue -> jobs that nobody works on."""
    leased: dict[str, int]
    """Queue -> jobs that a worker has."""
    oldest_seconds: float
    """How long the oldest waiting job has been waiting; 0 when none waits."""
    documents: dict[str, int]
    """Status -> documents, without the trash."""
    pages: dict[str, int]
    """Status -> pages of all runs."""
    page_seconds: float
    pages_timed: int
    workers: Sequence[Worker]


def workers(session: Session, silence: timedelta) -> list[Worker]:
    """Return the workers that were heard of within `silence`."""
    since = now(session) - silence
    return list(session.scalars(select(Worker).where(Worker.seen_at > since).order_by(Worker.id)))


def look(session: Session, silence: timedelta) -> Health:
    """Count everything."""
    taken = Job.lease_until.is_not(None)
    jobs = session.execute(select(Job.queue, taken, func.count()).group_by(Job.queue, taken)).all()
    oldest = session.scalar(select(func.min(Job.created_at)).where(~taken))
    seconds, timed = session.execute(select(func.sum(PageRow.seconds), func.count(PageRow.seconds))).one()
    return Health(
        waiting={queue: count for queue, is_taken, count in jobs if not is_taken},
        leased={queue: count for queue, is_taken, count in jobs if is_taken},
        oldest_seconds=max((now(session) - oldest).total_seconds(), 0.0) if oldest else 0.0,
        documents=_counts(session, DocumentRow),
        pages=_counts(session, PageRow),
        page_seconds=float(seconds or 0),
        pages_timed=timed,
        workers=workers(session, silence),
    )


def _counts(session: Session, table: type[DocumentRow] | type[PageRow]) -> dict[str, int]:
    query = select(table.status, func.count()).group_by(table.status)
    if table is DocumentRow:
        query = query.where(DocumentRow.deleted_at.is_(None))
    return {status: count for status, count in session.execute(query)}  # noqa: C416  (dict() does not take rows)
