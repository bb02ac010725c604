"""Which pages of one document match a search: what somebody turns who follows its hits from page to page."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.store.search import filters, postgres, sqlite
from docproc.store.search.query import parse
from docproc.store.tables import DocumentRow, SearchPage

MOST = 5_000
"""Pages returned, at most."""


def pages_in(session: Session, document: DocumentRow, query: str) -> Sequence[int]:
    """Return the numbers of the pages that match the words of a query, in order; raise Rejected as `find` does.

    Fields of the query (name, label, owner, times) are left out: the document is chosen already.
    """
    node = parse(query)
    text = filters.split(node)[0] if node else None
    if text is None:
        return ()
    backend = sqlite if session.get_bind().dialect.name == "sqlite" else postgres
    found = select(SearchPage.number).where(SearchPage.document_id == document.id, backend.matches(text))
    return session.scalars(found.order_by(SearchPage.number).limit(MOST)).all()
