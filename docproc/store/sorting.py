"""The orders in which documents are listed, and where a list goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import Session

from docproc.errors import NotFound
from docproc.store.tables import DocumentRow, User

Sort = Literal["added", "name", "pages", "doubt", "owner", "size"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order; `doubt` is the errors to be expected on all pages together.

    Those alike in it come as they were added, the last first where it descends.
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
        return tuple(key.desc() if self.descending else key.asc() for key in self._columns)

    def behind(self, session: Session, document_id: str) -> ColumnElement[bool]:
        """Return the condition that a document comes after this one; raise NotFound where it is gone for good."""
        if self.by == "added":
            return DocumentRow.id < document_id if self.descending else DocumentRow.id > document_id
        last = session.execute(
            self.joined(select(*self._columns).select_from(DocumentRow)).where(DocumentRow.id == document_id)
        ).one_or_none()
        if last is None:
            raise NotFound("The document to go on from is gone.", hint="Begin the list again.")
        here = tuple_(*self._columns)
        return here < tuple(last) if self.descending else here > tuple(last)

    @property
    def _columns(self) -> tuple[ColumnElement[Any], ...]:
        own = DocumentRow.id.expression  # ids grow with time
        return (own,) if self.by == "added" else (_KEYS[self.by], own)


NEWEST_FIRST = Order()

_KEYS: Mapping[Sort, ColumnElement[Any]] = {
    "name": DocumentRow.folded_name.expression,
    "pages": func.coalesce(DocumentRow.page_count, 0),
    "size": DocumentRow.size.expression,
    "owner": func.lower(User.name),
    "doubt": DocumentRow.errors.expression,
}
