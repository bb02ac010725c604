"""Who may do what, and who did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from docproc.store.tables.base import (
    Role,
    Scope,
    Table,
    new_id,
    utc_now,
)


class User(Table):
    """A person or a program that signs in. Disabled, never deleted: the audit log names them."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[Role]
    password_hash: Mapped[str | None]
    """argon2id, None for who signs in by link or token alone."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    disabled_at: Mapped[datetime | None]


class Token(Table):
    """A bearer token of a program, kept as its SHA-256 only."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[Scope]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class WebSession(Table):
    """A person signed in with a browser (`kind` session), or a link that signs in once (`kind` link)."""

    __tablename__ = "web_sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of the cookie or of the link's secret."""
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]


class IdempotencyKey(Table):
    """A key that a client sent with an upload, so that sending it again does nothing twice."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """SHA-256 of what was sent; the same key with something else is refused."""
    document_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class AuditRow(Table):
    """Who did what to what. Never changed."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
    user_id: Mapped[str | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(index=True)
    """What was done, as `noun.verb`: document.upload, user.sign-in-failed."""
    target: Mapped[str | None]
    address: Mapped[str | None]
    details: Mapped[dict[str, Any] | None]
