"""What the portal shows beside documents: sizes of pages, what failed lately, how much is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from docproc.store.tables import DocumentRow, Job, PageRow, Run, User


@dataclass(frozen=True, slots=True)
class Failure:
    """A page that could not be read, or a whole document: where it is, why, and how often it was tried."""

    document_id: str
    filename: str
    number: int
    """0: the file itself could not be opened."""
    message: str
    attempts: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Storage:
    """What is kept: how many different files, and their bytes together."""

    files: int
    size: int


def user_names(session: Session, user_ids: Iterable[str]) -> dict[str, str]:
    """Return user id -> name."""
    rows = session.execute(select(User.id, User.name).where(User.id.in_(list(user_ids))))
    return {user_id: name for user_id, name in rows}  # noqa: C416  (dict() does not take rows)


@dataclass(frozen=True, slots=True)
class Small:
    """A page as a small picture: how far it is, and how many errors are to be expected on it (None: not known)."""

    number: int
    status: str
    errors: float | None = None


def strip(session: Session, document: DocumentRow, first: int, last: int) -> list[Small]:
    """Return the pages of the shown run from `first` to `last`, both included."""
    query = select(PageRow.number, PageRow.status).where(
        PageRow.run_id == (document.run_id or ""), PageRow.number.between(first, last)
    )
    return [Small(number, status) for number, status in session.execute(query.order_by(PageRow.number))]


def page_sizes(session: Session, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[float, float]]:
    """Return (document id, page) -> (width, height) in points of the pages named that have been read."""
    query = (
        select(DocumentRow.id, PageRow.number, PageRow.width, PageRow.height)
        .join(PageRow, PageRow.run_id == DocumentRow.run_id)
        .where(tuple_(DocumentRow.id, PageRow.number).in_(list(places)))
    )
    return {
        (one, number): (width, height) for one, number, width, height in session.execute(query) if width and height
    }


@dataclass(frozen=True, slots=True)
class Work:
    """A job that somebody works on, or jobs of one document that wait: `worker` is None then."""

    document_id: str
    filename: str
    kind: str
    first: int
    last: int
    """Numbers of the pages; 0 where it is about no page."""
    queue: str
    attempts: int
    worker: str | None
    why: str
    """What went wrong before, where it was tried before."""


@dataclass(frozen=True, slots=True)
class Used:
    """An engine as it was used lately: runs, pages, and seconds per page over all stages."""

    name: str
    runs: int
    pages: int
    seconds: float


def work(session: Session, limit: int = 500) -> list[Work]:
    """Return what runs, then what waits, best first; of `limit` jobs. Pages of one document that wait are one."""
    query = (
        select(Job, DocumentRow.filename)
        .join(DocumentRow, DocumentRow.id == Job.document_id)
        .order_by(Job.lease_until.is_(None), Job.priority, Job.number, Job.id)
        .limit(limit)
    )
    found: dict[tuple[object, ...], Work] = {}
    for job, name in session.execute(query):
        one = Work(
            job.document_id, name, job.kind, job.number, job.number, job.queue, job.attempts,
            job.worker if job.lease_until else None, str((job.note or {}).get("message", "")),
        )  # fmt: skip
        same = (job.document_id, job.kind, job.queue, job.attempts, one.why, one.worker and job.id)
        known = found.get(same, one)
        found[same] = replace(known, first=min(known.first, one.first), last=max(known.last, one.last))
    return list(found.values())


def engines(session: Session, runs: int = 200) -> list[Used]:
    """Return the engines of the newest runs that ended, those that read most first."""
    found: dict[str, Used] = {}
    newest = select(Run).where(Run.finished_at.is_not(None)).order_by(Run.id.desc()).limit(runs)
    for run in session.scalars(newest):
        for role, name in (run.engines or {}).items():
            seconds = sum((run.timings or {}).values())
            known = found.get(f"{role}: {name}", Used(f"{role}: {name}", 0, 0, 0.0))
            found[known.name] = Used(
                known.name, known.runs + 1, known.pages + run.page_count, known.seconds + seconds
            )
    return sorted(found.values(), key=lambda one: -one.pages)


def failures(session: Session, limit: int = 20) -> list[Failure]:
    """Return the pages of shown runs that failed, and the documents that could not be opened, newest first."""
    found = _pages_failed(session, limit) + _documents_failed(session, limit)
    return sorted(found, key=lambda one: one.updated_at, reverse=True)[:limit]


def _documents_failed(session: Session, limit: int) -> list[Failure]:
    query = (
        select(DocumentRow)
        .where(DocumentRow.status.in_(("rejected", "failed")), DocumentRow.deleted_at.is_(None))
        .where(DocumentRow.problem.is_not(None))
        .order_by(DocumentRow.id.desc())
        .limit(limit)
    )
    return [
        Failure(
            row.id, row.filename, 0, (row.problem or {}).get("message", "It could not be read."), 1, row.updated_at
        )
        for row in session.scalars(query)
    ]


def _pages_failed(session: Session, limit: int) -> list[Failure]:
    query = (
        select(DocumentRow, PageRow)
        .join(PageRow, PageRow.run_id == DocumentRow.run_id)
        .where(PageRow.status == "failed", DocumentRow.deleted_at.is_(None))
        .order_by(PageRow.updated_at.desc())
        .limit(limit)
    )
    return [
        Failure(
            row.id,
            row.filename,
            page.number,
            (page.problem or {}).get("message", "It could not be read."),
            page.attempts,
            page.updated_at,
        )
        for row, page in session.execute(query)
    ]


def storage(session: Session) -> Storage:
    """Count the originals; the same bytes handed in twice count once."""
    different = select(DocumentRow.sha256, func.max(DocumentRow.size).label("size")).group_by(DocumentRow.sha256)
    found = different.subquery()
    files, size = session.execute(select(func.count(), func.sum(found.c.size)).select_from(found)).one()
    return Storage(files, int(size or 0))
