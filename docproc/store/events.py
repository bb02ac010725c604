"""What happened to a document, in order, for those who watch it (server-sent events)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from docproc.errors import NotFound
from docproc.store import webhooks
from docproc.store.tables import DocumentRow, Event


def emit(session: Session, document_id: str, kind: str, data: dict[str, Any]) -> int:
    """Record an event of `kind` `page`, `document` or `findings`; return its number, counted per document from 1.

    The document's row is locked until the transaction ends, so numbers become visible in order: whoever has
    seen number 7 will never find a 6 that comes later. Webhooks are told of a document's end. Raises NotFound when
    the document is gone.
    """
    sequence = session.execute(
        update(DocumentRow)
        .where(DocumentRow.id == document_id)
        .values(sequence=DocumentRow.sequence + 1)
        .returning(DocumentRow.sequence)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if sequence is None:
        raise NotFound(f"There is no document {document_id}.")
    session.add(Event(document_id=document_id, sequence=sequence, kind=kind, data=data))
    if kind == "document":
        webhooks.queue(session, document_id, data)
    return sequence


def since(session: Session, document_id: str, sequence: int = 0, limit: int = 500) -> list[Event]:
    """Return what happened after event number `sequence`, oldest first, at most `limit`."""
    query = select(Event).where(Event.document_id == document_id, Event.sequence > sequence)
    return list(session.scalars(query.order_by(Event.sequence).limit(limit)))


def newest(session: Session, owner_id: str, first: str, limit: int) -> dict[str, int]:
    """Return id -> number of the newest event of somebody's documents from the id `first` on, the oldest `limit`."""
    query = (
        select(DocumentRow.id, DocumentRow.sequence)
        .where(DocumentRow.owner_id == owner_id, DocumentRow.id >= first, DocumentRow.deleted_at.is_(None))
        .order_by(DocumentRow.id)
        .limit(limit)
    )
    return {document_id: sequence for document_id, sequence in session.execute(query)}  # noqa: C416  (rows)
