"""What reviewers work through: how doubtful each page is, and what they decided about it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from docproc.store.tables.base import Table, utc_now

Verdict = Literal["approved", "rejected"]


class PageDoubt(Table):
    """How doubtful a page is in one of its states (run and revision); measured again when it is in another."""

    __tablename__ = "page_doubts"
    __table_args__ = (Index("ix_page_doubts_gain", "gain"),)

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    revision: Mapped[int]
    words: Mapped[int]
    doubtful: Mapped[int]
    """Words that a person should look at."""
    errors: Mapped[float]
    """Errors to be expected: the sum of 1 - confidence."""
    gain: Mapped[float]
    """Errors to be expected among the doubtful words, per minute of looking at them."""


class Review(Table):
    """One reviewer of a page: given to them, or decided by them. `run_id` and `revision` are the state they saw."""

    __tablename__ = "reviews"
    __table_args__ = (Index("ix_reviews_user_id", "user_id"),)

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    verdict: Mapped[str | None] = mapped_column(String(16))
    """approved or rejected; None while it is only assigned."""
    note: Mapped[str] = mapped_column(default="")
    run_id: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=0)
    assigned_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
