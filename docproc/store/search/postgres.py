"""Search on PostgreSQL: tsvectors of ready-made tokens under a GIN index, ranked by ts_rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from docproc.store.search.filters import Candidate
from docproc.store.search.query import And, Node, Not, Or, Phrase
from docproc.store.tables import DocumentRow, SearchPage

LAST_POSITION = 16383
"""The highest position that a tsvector keeps."""


def stored(tokens: Sequence[str], _: int) -> ColumnElement[str]:
    """Return tokens as the column keeps them, with their positions."""
    places: dict[str, list[str]] = defaultdict(list)
    for position, token in enumerate(tokens[:LAST_POSITION], start=1):
        places[token].append(str(position))
    return cast(literal(" ".join(f"'{token}':{','.join(at)}" for token, at in places.items())), TSVECTOR)


def next_id(session: Session) -> int | None:
    """Return the id of the next row."""
    found: int = session.execute(select(func.nextval("search_pages_id_seq"))).scalar_one()
    return found


def matches(node: Node) -> ColumnElement[bool]:
    """Return the condition that a page's tokens match."""
    return SearchPage.tokens.op("@@")(cast(literal(expression(node)), TSQUERY))


def candidates(session: Session, node: Node, where: Sequence[ColumnElement[bool]], *, limit: int) -> list[Candidate]:
    """Return the newest pages that match `node` and `where`, at most `limit`, unsorted."""
    query = cast(literal(expression(node)), TSQUERY)
    statement = (
        select(SearchPage.id, SearchPage.document_id, SearchPage.number, func.ts_rank(SearchPage.tokens, query))
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(matches(node), *where)
        .order_by(SearchPage.id.desc())
        .limit(limit)
    )
    return [Candidate(*row) for row in session.execute(statement)]


def expression(node: Node) -> str:
    """Return the tree in PostgreSQL's language. Tokens hold letters, digits and marks only, and stand in quotes."""
    if isinstance(node, Phrase):
        *first, last = (f"'{token}'" for token in node.tokens)
        return "(" + " <-> ".join([*first, last + (":*" if node.prefix else "")]) + ")"
    if isinstance(node, Not):
        return f"!{expression(node.child)}"
    if isinstance(node, And | Or):
        return "(" + (" & " if isinstance(node, And) else " | ").join(map(expression, node.children)) + ")"
    raise TypeError(f"{node} is not asked of tokens")
