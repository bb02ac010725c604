"""The whole index made again from what is kept, a few pages at a time, while searching and reading go on."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from docproc.store import search
from docproc.store.database import Database
from docproc.store.tables import DocumentRow, Reading

AT_ONCE = 20
"""Pages in one transaction: on SQLite nobody else can write meanwhile."""


def count(session: Session) -> int:
    """Return how many pages there are to index."""
    query = select(func.count()).select_from(Reading).join(DocumentRow, DocumentRow.run_id == Reading.run_id)
    return session.scalar(query) or 0


def rebuild(database: Database) -> Iterator[int]:
    """Index every page that is shown; yield how many were done, batch by batch."""
    with database.read() as session:
        documents = list(session.scalars(select(DocumentRow.id).order_by(DocumentRow.id)))
    for document_id in documents:
        with database.write() as session:
            numbers = search.forget_gone(session, document_id)
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            with database.write() as session:
                search.index_document(session, document_id, some)
            yield len(some)
