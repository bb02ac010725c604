"""A query tree as a condition on pages and their documents; fields become plain comparisons."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select

from docproc.errors import Rejected
from docproc.store.search.query import And, Field, Node, Not, Or, Phrase
from docproc.store.tables import DocumentLabel, DocumentRow, User
from docproc.store.tables.documents import fold

Matches = Callable[[Node], ColumnElement[bool]]
"""Makes the condition that a page's tokens match a tree without fields."""


class Candidate(NamedTuple):
    """A page that matches: its search row, document and number, and how well (higher is better)."""

    id: int
    document: str
    page: int
    score: float


class AskedOf(NamedTuple):
    """What else is asked: of documents alone, and of documents and the words of their pages in one."""

    documents: Sequence[ColumnElement[bool]]
    pages: Sequence[ColumnElement[bool]]


_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def split(node: Node) -> tuple[Node | None, list[Node]]:
    """Return what is asked of the words of a page, and the rest, which asks something of its document as well."""
    parts = node.children if isinstance(node, And) else (node,)
    if not any(map(plain, parts)):
        return None, list(parts)
    text = tuple(part for part in parts if plain(part) or (isinstance(part, Not) and plain(part.child)))
    return (And(text) if len(text) > 1 else text[0]), [part for part in parts if part not in text]


def plain(node: Node) -> bool:
    """Say whether the words of a page alone decide, and NOT only takes away from what is found."""
    if isinstance(node, And):
        rest = (child for child in node.children if not plain(child))
        return any(map(plain, node.children)) and all(isinstance(one, Not) and plain(one.child) for one in rest)
    if isinstance(node, Or):
        return all(map(plain, node.children))
    return isinstance(node, Phrase)


def condition(node: Node, matches: Matches, user_id: str) -> ColumnElement[bool]:
    """Return the tree as a condition; raise Rejected for a date that is none."""
    if plain(node):
        return matches(node)
    if isinstance(node, Field):
        return _FIELDS[node.name](node.value, user_id)
    if isinstance(node, Not):
        return not_(condition(node.child, matches, user_id))
    children = [condition(child, matches, user_id) for child in node.children]  # type: ignore[union-attr]
    return and_(*children) if isinstance(node, And) else or_(*children)


def period(value: str) -> tuple[datetime, datetime]:
    """Return the first moment of a day, month or year (2024-03-05, 2024-03, 2024; UTC), and of the next one."""
    found = _DATE.fullmatch(value)
    try:
        if not found:
            raise ValueError(value)
        year, month, day = (int(part) if part else None for part in found.groups())
        start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        days = 1 if day else monthrange(start.year, start.month)[1] if month else 366 if _leap(start.year) else 365
        return start, start + timedelta(days=days)
    except (ValueError, OverflowError):
        raise Rejected(
            f"{value[:40]!r} is no date.", hint="Write 2024, 2024-03 or 2024-03-05.", code="bad-query"
        ) from None


def _leap(year: int) -> bool:
    return monthrange(year, 2)[1] == 29


def _date(value: str, _: str) -> ColumnElement[bool]:
    start, end = period(value)
    return and_(DocumentRow.created_at >= start, DocumentRow.created_at < end)


def _owner(value: str, user_id: str) -> ColumnElement[bool]:
    if value == "me":
        return DocumentRow.owner_id == user_id
    return DocumentRow.owner_id.in_(select(User.id).where(User.name == value))


def _label(value: str, _: str) -> ColumnElement[bool]:
    return exists().where(DocumentLabel.document_id == DocumentRow.id, DocumentLabel.name == value)


_FIELDS: dict[str, Callable[[str, str], ColumnElement[bool]]] = {
    "name": lambda value, _: DocumentRow.folded_name.contains(fold(value.rstrip("*")), autoescape=True),
    "date": _date,
    "after": lambda value, _: DocumentRow.created_at >= period(value)[1],
    "before": lambda value, _: DocumentRow.created_at < period(value)[0],
    "owner": _owner,
    "label": _label,
    "in": lambda value, _: DocumentRow.id == value,
}
