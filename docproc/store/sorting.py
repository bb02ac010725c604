"""The orders in which documents are listed, and where a list goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from docproc.errors import NotFound
from docproc.store.tables import DocumentRow, User

Sort = Literal["added", "name", "pages", "doubt", "owner", "size"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order; `doubt` is the errors to be expected on all pages together. Those alike in it come newest first.

    By time, name, size and doubt it is read from an index, from where the list goes on; by pages and owner all
    documents that fit are sorted.
    """

    by: Sort = "added"
    descending: bool = True

    def joined(self, query: Select[Any]) -> Select[Any]:
        """Return a query of documents with what `keys` needs beside them."""
        return query.join(User, User.id == DocumentRow.owner_id) if self.by == "owner" else query

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
        last = session.scalar(self.joined(select(key).select_from(DocumentRow)).where(DocumentRow.id == document_id))
        if last is None:
            raise NotFound("The document to go on from is gone.", hint="Begin the list again.")
        further = key < last if self.descending else key > last
        begin = (
            key <= last if self.descending else key >= last
        )  # says the same again, so that an index can start there
        return and_(begin, or_(further, DocumentRow.id < document_id))


NEWEST_FIRST = Order()

_KEYS: Mapping[Sort, ColumnElement[Any]] = {
    "name": DocumentRow.folded_name.expression,
    "pages": func.coalesce(DocumentRow.page_count, 0),
    "size": DocumentRow.size.expression,
    "owner": func.lower(User.name),
    "doubt": DocumentRow.errors.expression,
}
