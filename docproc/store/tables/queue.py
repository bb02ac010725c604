"""Work to do, who does it, and who is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from docproc.store.tables.base import (
    INTERACTIVE,
    JobKind,
    Table,
    new_id,
    utc_now,
)


class Job(Table):
    """Work to do. The row exists exactly as long as the work does: done or given up, it is deleted.

    A worker that claims it gets the next `token`; only who holds the newest token may finish it, so that a
    worker that was taken for dead can do no harm when it comes back.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("run_id", "kind", "number"),
        Index("ix_jobs_claim", "queue", "priority", "owner_id", "lease_until", "number", "id"),
        Index("ix_jobs_lease_until", "lease_until"),
        {"sqlite_autoincrement": True},  # an id used again would let a worker finish a job that is not its own
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    kind: Mapped[JobKind]
    queue: Mapped[str] = mapped_column(String(16), default="cpu")
    priority: Mapped[int] = mapped_column(default=INTERACTIVE)
    owner_id: Mapped[str]
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(default=0)
    """Page number; 0 for jobs of a whole document."""
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=utc_now)
    lease_until: Mapped[datetime | None]
    """None while it waits; until then the work of `worker`."""
    worker: Mapped[str | None]
    note: Mapped[dict[str, Any] | None]
    """What the last attempt died of, where that is known: code, message, hint."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Worker(Table):
    """A worker process that has been heard of."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    memory: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes of RSS, with its children."""


class Event(Table):
    """Something that happened to a document, for those who watch it. `sequence` counts per document, without gaps."""

    __tablename__ = "events"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`page`, `document` or `findings`."""
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class Webhook(Table):
    """An address that is told of events. `sealed_secret` signs; it is encrypted like passwords of PDFs."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    url: Mapped[str]
    sealed_secret: Mapped[bytes]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Delivery(Table):
    """One message to one webhook, kept with what came of it."""

    __tablename__ = "deliveries"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(String(16), default="waiting")
    """waiting, delivered or failed."""
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(default=utc_now, index=True)
    response: Mapped[int | None]
    """HTTP status of the last answer."""
    problem: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    delivered_at: Mapped[datetime | None]
