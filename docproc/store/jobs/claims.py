"""Who works on what: claims under a lease, kept alive, handed back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from docproc.settings import Settings
from docproc.store.database import Database, now
from docproc.store.tables import Job, JobKind, PageRow, User

LONGEST_BACKOFF = 60.0
"""Seconds."""
MOST_POSTPONED = 30
"""Times that a job waits for what is unavailable before its attempts count."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker has; `token` proves it. `attempt` counts from 1; `number` is the page, 0 for none."""

    job_id: int
    token: int
    kind: JobKind
    queue: str
    document_id: str
    run_id: str
    number: int
    attempt: int


def claim(database: Database, queues: Sequence[str], worker_id: str, settings: Settings) -> Claim | None:
    """Take the best job that waits in `queues`, under a lease; None when there is none.

    Best is: highest priority, then of the owner for whom the fewest workers work (between equals, chance), then
    the lowest page number, then the oldest.
    """
    with database.write() as session:
        moment = now(session)
        for queue, priority, owner_id in _owners(session, queues, moment):
            job = _best(session, queue, priority, owner_id, moment)
            if job is not None:
                return _taken(session, job, worker_id, moment + timedelta(seconds=settings.lease_seconds))
    return None


def keep(database: Database, held: Claim, settings: Settings) -> bool:
    """Extend the lease; return False when it was lost, and with it the right to finish the job."""
    with database.write() as session:
        until = now(session) + timedelta(seconds=settings.lease_seconds)
        return _changed(session, held, lease_until=until)


def release(database: Database, held: Claim) -> bool:
    """Hand a job back undone, the attempt not counted; return False when the lease was lost."""
    with database.write() as session:
        return _waits(session, held, attempts=Job.attempts - 1, note=None)


def release_all(database: Database, worker_id: str) -> None:
    """Hand back, as `release` does, all that `worker_id` and its children (`worker_id.PID`) have."""
    with database.write() as session:
        for job in session.scalars(_leased_to(worker_id).with_for_update(skip_locked=True)):
            _waits(session, claim_of(job), attempts=Job.attempts - 1, note=None)


def forfeit(database: Database, worker_id: str, *, alive: Collection[int]) -> None:
    """End the leases of those children of `worker_id` that are not `alive` (process ids), for `sweep` to find."""
    with database.read() as session:
        dead = [job.id for job in session.scalars(_leased_to(worker_id)) if _pid(job.worker) not in alive]
    if dead:
        with database.write() as session:
            past = now(session) - timedelta(seconds=1)
            theirs = Job.id.in_(dead), Job.worker.startswith(f"{worker_id}.", autoescape=True)
            session.execute(update(Job).where(*theirs, Job.lease_until.is_not(None)).values(lease_until=past))


def is_held(session: Session, held: Claim) -> bool:
    """Whether the claim is still good, its job locked until the transaction ends."""
    return session.scalar(select(Job.id).where(*_owned(held)).with_for_update()) is not None


def busy(session: Session, worker_id: str) -> int:
    """Return how many jobs the children of `worker_id` have."""
    return len(session.scalars(_leased_to(worker_id)).all())


def put_back(database: Database, held: Claim, problem: dict[str, Any]) -> bool:
    """Have a job tried again later, longer later each time; return False when the lease was lost."""
    with database.write() as session:
        later = now(session) + timedelta(seconds=backoff(held.attempt))
        return _waits(session, held, not_before=later, note=problem)


def postpone(database: Database, held: Claim, problem: dict[str, Any]) -> bool:
    """Have a job tried again when what it needs may be back, the attempt not counted, for about half an hour.

    After that it is put back as `put_back` does. Returns False when the lease was lost.
    """
    with database.write() as session:
        job = session.get(Job, held.job_id, with_for_update=True)
        times = int((job.note or {}).get("times", 0)) + 1 if job is not None else 1
        counted = Job.attempts if times > MOST_POSTPONED else Job.attempts - 1
        later = now(session) + timedelta(seconds=backoff(times))
        return _waits(session, held, attempts=counted, not_before=later, note=problem | {"times": times})


def backoff(attempt: int) -> float:
    """Return how many seconds to wait after attempt number `attempt`."""
    return min(2.0**attempt, LONGEST_BACKOFF)


def waiting(session: Session) -> dict[str, int]:
    """Return how many jobs wait in each queue; queues in which none waits are left out."""
    query = select(Job.queue, func.count()).where(Job.lease_until.is_(None)).group_by(Job.queue)
    return dict(session.execute(query).all())


def waiting_of(session: Session, owner_id: str) -> int:
    """Return how many jobs of one owner wait."""
    query = select(func.count()).select_from(Job).where(Job.owner_id == owner_id, Job.lease_until.is_(None))
    return session.scalar(query) or 0


def ready(session: Session, queues: Sequence[str]) -> list[str]:
    """Return those of `queues` in which a job could be claimed now."""
    moment = now(session)
    return [queue for queue in queues if session.scalar(select(Job.id).where(*_claimable(queue, moment)).limit(1))]


def _owners(session: Session, queues: Sequence[str], moment: datetime) -> Iterator[tuple[str, int, str]]:
    """Yield (queue, priority, owner) with something to claim, best first, each found by a look into the index."""
    priority: int | None = None
    while (priority := _next_priority(session, queues, moment, priority)) is not None:
        found = [(queue, owner) for queue in queues for owner in _owners_at(session, queue, priority, moment)]
        for queue, (_, _, owner_id) in sorted(found, key=lambda one: one[1]):
            yield queue, priority, owner_id


def _next_priority(session: Session, queues: Sequence[str], moment: datetime, after: int | None) -> int | None:
    found: list[int] = []
    for queue in queues:
        query = select(Job.priority).where(*_claimable(queue, moment)).order_by(Job.priority).limit(1)
        if after is not None:
            query = query.where(Job.priority > after)
        found.extend(session.scalars(query))
    return min(found, default=None)


def _owners_at(session: Session, queue: str, priority: int, moment: datetime) -> list[tuple[int, float, str]]:
    """Return (workers at it, chance, owner) of all owners with a job of this priority."""
    # As a scalar, not EXISTS: PostgreSQL would turn that into a join over all jobs.
    first = (
        select(Job.id)
        .where(*_claimable(queue, moment), Job.priority == priority, Job.owner_id == User.id)
        .limit(1)
        .scalar_subquery()
    )
    busy = select(Job.owner_id, func.count().label("count")).where(Job.lease_until.is_not(None))
    counts = busy.group_by(Job.owner_id).subquery()
    query = (
        select(func.coalesce(counts.c.count, 0), func.random(), User.id)
        .outerjoin(counts, counts.c.owner_id == User.id)
        .where(first.is_not(None))
    )
    return [(count, chance, owner) for count, chance, owner in session.execute(query)]


def _best(session: Session, queue: str, priority: int, owner_id: str, moment: datetime) -> Job | None:
    query = (
        select(Job)
        .where(*_claimable(queue, moment), Job.priority == priority, Job.owner_id == owner_id)
        .order_by(Job.lease_until, Job.number, Job.id)  # lease_until is NULL; as the index has it
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalars(query).first()


def _claimable(queue: str, moment: datetime) -> tuple[Any, ...]:
    return Job.queue == queue, Job.lease_until.is_(None), Job.not_before <= moment


def _taken(session: Session, job: Job, worker_id: str, until: datetime) -> Claim:
    job.token += 1
    job.attempts += 1
    job.lease_until, job.worker = until, worker_id
    if job.kind == "page":
        page = PageRow.run_id == job.run_id, PageRow.number == job.number
        session.execute(update(PageRow).where(*page).values(status="running", attempts=job.attempts))
    return claim_of(job)


def claim_of(job: Job) -> Claim:
    """Return the claim that whoever leases `job` holds."""
    return Claim(
        job.id, job.token, job.kind, job.queue, job.document_id, job.run_id, job.number, attempt=job.attempts
    )


def _leased_to(worker_id: str) -> Select[Job]:
    return select(Job).where(Job.lease_until.is_not(None), Job.worker.startswith(f"{worker_id}.", autoescape=True))


def _pid(worker: str | None) -> int:
    last = (worker or "").rpartition(".")[2]
    return int(last) if last.isdecimal() else 0


def _waits(session: Session, held: Claim, **values: Any) -> bool:
    kept = _changed(session, held, lease_until=None, worker=None, **values)
    if kept and held.kind == "page":
        page = PageRow.run_id == held.run_id, PageRow.number == held.number
        session.execute(update(PageRow).where(*page).values(status="queued"))
    return kept


def _changed(session: Session, held: Claim, **values: Any) -> bool:
    """Change the job if it is still ours."""
    ours = (
        update(Job)
        .where(*_owned(held))
        .values(**values)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(ours).scalar_one_or_none() is not None


def _owned(held: Claim) -> tuple[Any, ...]:
    return Job.id == held.job_id, Job.token == held.token, Job.lease_until.is_not(None)
