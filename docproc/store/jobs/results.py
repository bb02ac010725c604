"""What came of a job. Each verb deletes the job and writes its outcome in one transaction.

Each returns False, and writes nothing, when the lease was lost: the job is another worker's now, or cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from docproc.document import Page
from docproc.store import events, readings, reviews, search
from docproc.store.database import Database
from docproc.store.jobs.claims import Claim
from docproc.store.jobs.finding import give_up_finding
from docproc.store.jobs.rows import add_jobs, locked, settle, tell
from docproc.store.tables import DocumentRow, Job, PageRow, Run, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """A page that was read, by what, in how many seconds; `timings` maps stages to seconds."""

    page: Page
    seconds: float
    engines: Mapping[str, str]
    version: str
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What intake found: the type of the file, its pages, and how many seconds it took to open."""

    media_type: str
    pages: int
    seconds: float = 0.0


def planned(database: Database, held: Claim, facts: Facts) -> bool:
    """End an intake: the file is good, and its pages are queued."""
    with database.write() as session:
        ours = _delete(session, held)
        if ours is None:
            return False
        document, run = ours
        numbers = range(1, facts.pages + 1)
        session.execute(insert(PageRow), [{"run_id": run.id, "number": number} for number in numbers])
        add_jobs(session, document, run, "page", numbers)
        document.media_type, document.page_count = facts.media_type, facts.pages
        run.page_count = run.remaining = facts.pages
        _begin(document, run)
        run.timings = _added(run.timings, {"open": facts.seconds})
        tell(session, document, run)
        return True


def read(database: Database, held: Claim, result: PageResult) -> bool:
    """End a page that was read."""
    page = result.page
    with database.write() as session:
        ours = _delete(session, held)
        if ours is None:
            return False
        document, run = ours
        readings.save(session, run.id, held.number, page)
        row = _page_row(session, held)
        row.status, row.problem, row.seconds = "done", None, result.seconds
        row.width, row.height = page.width, page.height
        if document.run_id == run.id:  # what another run reads is indexed when it comes to be shown
            search.index_page(session, document, held.number, page)
            reviews.measure(session, document, held.number, page)
        run.engines, run.version = dict(result.engines), result.version
        run.timings = _added(run.timings, result.timings)
        _page_ended(session, document, run, row)
        return True


def failed(database: Database, held: Claim, problem: Mapping[str, Any], page: Page | None = None) -> bool:
    """Give a job up: a page fails alone; without intake or finish the whole run fails.

    `page` is what stands for a page that could not be read, where its size is known.
    """
    with database.write() as session:
        return give_up(session, held, problem, page=page)


def rejected(database: Database, held: Claim, problem: Mapping[str, Any]) -> bool:
    """End an intake: the file cannot be read, and trying again would not help."""
    with database.write() as session:
        return give_up(session, held, problem, status="rejected")


def give_up(
    session: Session,
    held: Claim,
    problem: Mapping[str, Any],
    *,
    page: Page | None = None,
    status: Literal["failed", "rejected"] = "failed",
) -> bool:
    """Do what `failed` does within the caller's transaction."""
    if held.kind == "find":
        return give_up_finding(session, held, problem)
    ours = _delete(session, held)
    if ours is None:
        return False
    document, run = ours
    if held.kind != "page":
        run.status = status
        settle(session, document, run, dict(problem))
        return True
    row = _page_row(session, held)
    row.status, row.problem = "failed", dict(problem)
    if page is not None:
        row.width, row.height = page.width or None, page.height or None
    _page_ended(session, document, run, row)
    return True


def finished(database: Database, held: Claim, seconds: float = 0.0) -> bool:
    """End a run, after `show`: it is done, partial when some pages failed, failed when all did."""
    with database.write() as session:
        ours = _delete(session, held)
        if ours is None:
            return False
        document, run = ours
        query = select(PageRow.status, func.count()).where(PageRow.run_id == run.id).group_by(PageRow.status)
        counts = dict(session.execute(query).all())
        good = counts.get("done", 0)
        run.status = "done" if good == run.page_count else "partial" if good else "failed"
        run.timings = _added(run.timings, {"finish": seconds})
        settle(session, document, run, None if good else _first_problem(session, run))
        return True


def _delete(session: Session, held: Claim) -> tuple[DocumentRow, Run] | None:
    """Delete the job if it is still ours; return its document, locked, and its run."""
    document = locked(session, held.document_id)
    owned = Job.id == held.job_id, Job.token == held.token, Job.lease_until.is_not(None)
    ours = delete(Job).where(*owned).returning(Job.id).execution_options(synchronize_session=False)
    if session.execute(ours).scalar_one_or_none() is None:
        return None
    run = session.get(Run, held.run_id, with_for_update=True, populate_existing=True)
    return (document, run) if document is not None and run is not None else None


def _begin(document: DocumentRow, run: Run) -> None:
    document.status = run.status = "running"
    run.started_at = run.started_at or utc_now()


def _page_row(session: Session, held: Claim) -> PageRow:
    row = session.get_one(PageRow, (held.run_id, held.number))
    row.attempts, row.updated_at = held.attempt, utc_now()
    return row


def _page_ended(session: Session, document: DocumentRow, run: Run, row: PageRow) -> None:
    _begin(document, run)
    run.remaining -= 1
    if run.remaining == 0:
        add_jobs(session, document, run, "finish")
    session.flush()
    data = {"number": row.number, "status": row.status, "run": run.id, "width": row.width, "height": row.height}
    events.emit(session, document.id, "page", data | {"problem": row.problem, "remaining": run.remaining})


def _first_problem(session: Session, run: Run) -> dict[str, Any] | None:
    query = select(PageRow.problem).where(PageRow.run_id == run.id, PageRow.status == "failed")
    return session.scalars(query.order_by(PageRow.number).limit(1)).first()


def _added(timings: Mapping[str, float] | None, more: Mapping[str, float]) -> dict[str, Any]:
    old = timings or {}
    return {stage: round(old.get(stage, 0.0) + more.get(stage, 0.0), 3) for stage in [*old, *more]}
