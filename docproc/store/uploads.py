"""What keeps uploads in bounds: a key makes sending again harmless, and nobody's queue grows without end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from docproc.errors import Rejected, Unavailable
from docproc.store import documents
from docproc.store.access import Principal
from docproc.store.documents import Incoming
from docproc.store.files import Stored
from docproc.store.tables import DocumentRow, IdempotencyKey, Job, utc_now

KEPT = timedelta(days=1)
"""How long a key is remembered."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was kept, with what the client says of it; `fingerprint` tells one upload from another."""

    stored: Stored
    incoming: Incoming
    labels: tuple[str, ...]
    fingerprint: str


def require_room(session: Session, owner_id: str, most: int) -> None:
    """Raise Unavailable (`too-many-requests`) when `owner_id` has `most` jobs or more in the queue."""
    some = select(Job.id).where(Job.owner_id == owner_id).limit(most + 1).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    if count >= most:
        raise Unavailable(
            f"You have {most:,} pages waiting to be read, which is the most that may.",
            hint="Wait until some are done, or cancel some; DOCPROC_MAX_QUEUED_PAGES raises the limit.",
            code="too-many-requests",
        )


def fingerprint(sha256: str, facts: Mapping[str, Any]) -> str:
    """Return what tells one upload from another: its file and how it is to be read."""
    text = json.dumps([sha256, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def add(
    session: Session, who: Principal, received: Received, *, key: str | None = None, duplicate: bool = False
) -> tuple[DocumentRow, bool]:
    """Make a document of what was received (see `documents.add`); return it and whether it is new.

    With a `key` that came with the same upload before, that one's document is returned. Whoever sends the same
    key at the same time waits for this transaction. Raises Rejected (`idempotency-key`) when the key came with
    something else.
    """
    claim = _claim(session, who.user_id, key, received.fingerprint) if key else None
    before = session.get(DocumentRow, claim.document_id) if claim else None
    if before is not None:
        return before, False
    row, created = documents.add(session, who.user_id, received.stored, received.incoming, duplicate=duplicate)
    if claim is not None:
        claim.document_id = row.id
    if created:
        for name in received.labels:
            documents.label(session, row, name)
    return row, created


def _claim(session: Session, user_id: str, key: str, fingerprint: str) -> IdempotencyKey:
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < utc_now() - KEPT))
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    fresh = {"user_id": user_id, "key": key, "fingerprint": fingerprint, "document_id": "", "created_at": utc_now()}
    session.execute(insert(IdempotencyKey).values(fresh).on_conflict_do_nothing())
    claim = session.get_one(IdempotencyKey, (user_id, key))
    if claim.fingerprint != fingerprint:
        raise Rejected(
            "This Idempotency-Key came with another upload before.",
            hint="Take a new key for every upload.",
            code="idempotency-key",
        )
    return claim
