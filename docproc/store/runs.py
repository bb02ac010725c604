"""Runs: the readings of a document, each with its options, engines and times."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.store.tables import DocumentRow, Run


def of_document(session: Session, row: DocumentRow) -> Sequence[Run]:
    """Return the runs of a document, newest first."""
    return session.scalars(select(Run).where(Run.document_id == row.id).order_by(Run.id.desc())).all()
