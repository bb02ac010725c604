"""The orders in which documents are listed, and where a list goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from docproc.errors import NotFound
from docproc.store.tables import DocumentRow, PageDoubt, User

Sort = Literal["added", "name", "pages", "doubt", "owner", "size"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order; `doubt` is the errors to be expected on all pages together. Those alike in it come newest first.

    By time and by name it is read from an index; else all documents that fit are sorted.
    """

    by: Sort = "added"
    descending: bool = True

    @property
    def keys(self) -> tuple[ColumnElement[Any], ...]:
        """What to sort by."""
        if self.by == "added":
            return (DocumentRow.id.desc() if self.descending else DocumentRow.id.asc(),)
        key = _KEYS[self.by]
        return key.desc() if self.descending else key.asc(), DocumentRow.id.desc()

    def behind(self, session: Session, document_id: str) -> ColumnElement[bool]:
        """Return the condition that a document comes after this one; raise NotFound where it is gone for good."""
        if self.by == "added":
            return DocumentRow.id < document_id if self.descending else DocumentRow.id > document_id
        key = _KEYS[self.by]
        last = session.scalar(select(key).where(DocumentRow.id == document_id))
        if last is None:
            raise NotFound("The document to go on from is gone.", hint="Begin the list again.")
        further = key < last if self.descending else key > last
        return or_(further, and_(key == last, DocumentRow.id < document_id))


NEWEST_FIRST = Order()

_KEYS: Mapping[Sort, ColumnElement[Any]] = {
    "name": DocumentRow.folded_name.expression,
    "pages": func.coalesce(DocumentRow.page_count, 0),
    "size": DocumentRow.size.expression,
    "owner": select(func.lower(User.name)).where(User.id == DocumentRow.owner_id).scalar_subquery(),
    "doubt": select(func.coalesce(func.sum(PageDoubt.errors), 0.0))
    .where(PageDoubt.document_id == DocumentRow.id, PageDoubt.run_id == DocumentRow.run_id)
    .scalar_subquery(),
}
