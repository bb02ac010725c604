"""What all tables share: identifiers, times, names of constraints, and the few words that columns hold."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    MetaData,
    String,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

DocumentStatus = Literal["queued", "running", "done", "partial", "rejected", "failed", "cancelled"]
PageStatus = Literal["queued", "running", "done", "failed", "cancelled"]
JobKind = Literal["intake", "page", "finish", "find"]
Role = Literal["viewer", "reviewer", "admin"]
Scope = Literal["read", "write", "admin"]

INTERACTIVE, BULK = 0, 10
"""Priorities; lower is claimed first, and anything between may be asked for."""


def new_id() -> str:
    """Return a new identifier: milliseconds since 1970 in 12 hex digits, then 64 random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


class Utc(TypeDecorator[datetime]):
    """A time with its zone, UTC, on databases that keep none (SQLite) as well."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; a time without zone is a bug of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times are kept with their zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return UTC."""
        return (
            value if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        )


def utc_now() -> datetime:
    """Return the time of this machine. Leases use `Database.now`, the database's, instead."""
    return datetime.now(UTC)


class Table(DeclarativeBase):
    """What all tables share: naming of constraints (so that migrations can drop them) and column types."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own way)
        dict[str, Any]: JSON(none_as_null=True),
        datetime: Utc,
        DocumentStatus: String(16),
        PageStatus: String(16),
        JobKind: String(16),
        Role: String(16),
        Scope: String(16),
    }
