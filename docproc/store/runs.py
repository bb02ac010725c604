"""Runs: the readings of a document, each with its options, engines, times and pages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.errors import Conflict, NotFound
from docproc.store.tables import DocumentRow, PageRow, Run


def of_document(session: Session, row: DocumentRow) -> Sequence[Run]:
    """Return the runs of a document, newest first."""
    return session.scalars(select(Run).where(Run.document_id == row.id).order_by(Run.id.desc())).all()


def page(session: Session, row: DocumentRow, number: int) -> PageRow:
    """Return how far a page of the shown run is.

    Raises NotFound when the document has no such page, Conflict (`not-counted`) while nobody knows yet.
    """
    found = session.get(PageRow, (row.run_id or "", number))
    if found is not None:
        return found
    if row.page_count is None:
        hint = row.problem["message"] if row.problem else "Ask again in a moment."
        raise Conflict("The pages of this document are not counted.", hint=hint, code="not-counted")
    raise NotFound(f"There is no page {number}.", hint=f"The document has {row.page_count}.")
