"""The whole index made again from what is kept, a few pages at a time, while searching and reading go on."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from docproc.store import search
from docproc.store.database import Database
from docproc.store.tables import DocumentRow, Reading, SearchPage

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
            numbers = _numbers(session, document_id)
            gone = set(_indexed(session, document_id)) - set(numbers)
            for number in gone:
                search.remove(session, document_id, number)
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            with database.write() as session:
                for number in some:
                    _again(session, document_id, number)
            yield len(some)


def _numbers(session: Session, document_id: str) -> list[int]:
    query = select(Reading.number).join(DocumentRow, DocumentRow.run_id == Reading.run_id)
    return list(session.scalars(query.where(DocumentRow.id == document_id).order_by(Reading.number)))


def _indexed(session: Session, document_id: str) -> list[int]:
    return list(session.scalars(select(SearchPage.number).where(SearchPage.document_id == document_id)))


def _again(session: Session, document_id: str, number: int) -> None:
    row = session.get(DocumentRow, document_id, with_for_update=True)
    page = search.shown_page(session, row, number) if row else None
    if row and page:
        search.index_page(session, row, number, page)
