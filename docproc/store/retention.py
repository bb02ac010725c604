"""What is not kept: documents long in the trash, files nothing refers to, events nobody waits for any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select, tuple_
from sqlalchemy.orm import Session

from docproc.settings import Settings
from docproc.store import audit, documents
from docproc.store.database import Database, now
from docproc.store.files import GRACE, Files
from docproc.store.tables import DocumentRow, Event, UnusedFile

EVENTS_KEPT = timedelta(days=30)
BATCH = 100
"""Rows per transaction, so that others get their turn in between."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many documents, files and events were deleted for good."""

    documents: int
    files: int
    events: int


def sweep(database: Database, files: Files, settings: Settings) -> Removed:
    """Delete for good what its time is up for. May run at any time, in several processes at once."""
    with database.read() as session:
        moment = now(session)
    return Removed(
        empty_trash(database, moment - timedelta(days=settings.trash_days)),
        delete_unused(database, files),
        _forget_events(database, moment - EVENTS_KEPT),
    )


def empty_trash(database: Database, before: datetime) -> int:
    """Delete for good what was put into the trash before a time; return how many documents that were."""
    total = 0
    while True:
        with database.write() as session:
            done = _purge_some(session, before)
        total += done
        if done < BATCH:
            return total


def delete_unused(database: Database, files: Files, *, older_than: float = GRACE) -> int:
    """Delete the files of purged documents that no other document refers to; return how many.

    A file that was put less than `older_than` seconds ago waits: an upload of the same bytes may be about to add
    the row that refers to it.
    """
    with database.read() as session:
        waiting = session.scalars(select(UnusedFile.sha256).order_by(UnusedFile.created_at)).all()
    deleted = 0
    for sha256 in waiting:
        with database.read() as session:
            used = session.scalar(select(exists().where(DocumentRow.sha256 == sha256)))
        gone = not used and files.delete(sha256, older_than=older_than)
        if used or gone or not files.exists(sha256):
            with database.write() as session:
                session.execute(delete(UnusedFile).where(UnusedFile.sha256 == sha256))
        deleted += gone
    return deleted


def _purge_some(session: Session, before: datetime) -> int:
    query = (
        select(DocumentRow)
        .where(DocumentRow.deleted_at < before)
        .order_by(DocumentRow.deleted_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(query).all()
    for row in rows:
        documents.purge(session, row)
        audit.note(session, None, "document.delete", row.id, details={"filename": row.filename})
    return len(rows)


def _forget_events(database: Database, before: datetime) -> int:
    key = tuple_(Event.document_id, Event.sequence)
    old = select(Event.document_id, Event.sequence).where(Event.created_at < before).limit(100 * BATCH)
    with database.write() as session:
        gone = session.execute(delete(Event).where(key.in_(old)).returning(Event.sequence))
        return len(gone.all())
