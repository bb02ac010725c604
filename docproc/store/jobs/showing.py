"""The change from the reading that was shown so far to a newer one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from docproc.store import corrections, current, reviews, search
from docproc.store.database import Database
from docproc.store.jobs.claims import Claim, is_held
from docproc.store.jobs.rows import locked
from docproc.store.tables import PageRow

AT_ONCE = 20
"""Pages indexed in one transaction: on SQLite nobody else can write meanwhile."""


def show(database: Database, held: Claim) -> bool:
    """Show the run of a finish job, if it read any page: corrections find their places, search finds its words.

    Takes several transactions and may be done twice. Returns False when the lease was lost.
    """
    with database.write() as session:
        document = locked(session, held.document_id)
        if document is None or not is_held(session, held):
            return False
        is_new = document.run_id != held.run_id
        if is_new and not _any_read(session, held.run_id):
            return True
        document.run_id = held.run_id
        reviews.add_up(session, document)
        corrections.carry_over(session, document)
        numbers = search.forget_gone(session, document.id)
        if not is_new:  # its pages were indexed as they were read, but for their corrections
            numbers = sorted({one.number for one in corrections.history(session, document)}.intersection(numbers))
    for start in range(0, len(numbers), AT_ONCE):
        with database.write() as session:
            some = numbers[start : start + AT_ONCE]
            search.index_document(session, held.document_id, some)
            _measure(session, held.document_id, some)
    return True


def _measure(session: Session, document_id: str, numbers: Sequence[int]) -> None:
    document = locked(session, document_id)
    if document is None:
        return
    for number in numbers:
        page = current.shown_page(session, document, number)
        if page is not None:
            reviews.measure(session, document, number, page)


def _any_read(session: Session, run_id: str) -> bool:
    done = exists().where(PageRow.run_id == run_id, PageRow.status == "done")
    return bool(session.scalar(select(done)))
