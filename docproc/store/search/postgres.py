"""Search on PostgreSQL: tsvectors of ready-made tokens under a GIN index, ranked by ts_rank."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from docproc.store.search.filters import Candidate
from docproc.store.search.query import And, Node, Not, Or, Phrase
from docproc.store.search.tokenize import GAP
from docproc.store.tables import DocumentRow, SearchPage

FEW = 4_000
"""Pages that are looked through one by one sooner than through the index."""
LAST_POSITION = 16383
"""The highest position that a tsvector keeps."""
MOST_POSITIONS = 255
"""As many as a tsvector keeps of one lexeme."""
LARGEST = 1_000_000
"""Bytes of a tsvector, a little less than there may be; what comes after on such a page is not found."""
ENTRY = 8
"""Bytes that a lexeme and a position take at most, beside the text."""
WINDOW = 10_000
"""Rows whose tsvectors carry the same lexeme, by which the index finds matches among them alone."""
GROWTH = 4
SECONDS = 1.0
"""Time after which no further windows are searched."""


def stored(tokens: Sequence[str], row_id: int) -> ColumnElement[str]:
    """Return tokens as the column keeps them, with their positions and the window of their row."""
    return cast(literal(vector(tokens, row_id)), TSVECTOR)


def vector(tokens: Sequence[str], row_id: int) -> str:
    """Return what `stored` does as text. Tokens hold letters, digits and marks only, and stand in quotes."""
    places: dict[str, list[int]] = {}
    room = LARGEST
    for position, token in enumerate(tokens, start=1):
        at = places.setdefault(token, [])
        room -= ENTRY if at else ENTRY + len(token.encode())
        if room < 0:
            break
        if len(at) < MOST_POSITIONS:
            at.append(min(position, LAST_POSITION))
    lexemes = [f"'{token}':{','.join(map(str, at))}" for token, at in places.items() if at]
    return " ".join([*lexemes, _window(row_id // WINDOW)])


def next_id(session: Session) -> int:
    """Return the id of the next row."""
    found: int = session.execute(select(func.nextval("search_pages_id_seq"))).scalar_one()
    return found


def matches(node: Node) -> ColumnElement[bool]:
    """Return the condition that a page's tokens match."""
    return SearchPage.tokens.bool_op("@@")(cast(literal(expression(node)), TSQUERY))


def candidates(
    session: Session,
    node: Node,
    where: Sequence[ColumnElement[bool]],
    *,
    ceiling: int,
    limit: int,
    documents: Sequence[str] | None = None,
) -> list[Candidate]:
    """Return the newest pages that match `node` and `where`, at most about `limit`, unsorted.

    The newest window of rows is searched first, then ever larger ones: a common word fills the limit from a few
    windows, a rare one costs next to nothing in each. Few `documents` are searched at once.
    """
    if documents is not None:
        return list(_search(session, expression(node), [*where, SearchPage.document_id.in_(documents)], limit))
    found: list[Candidate] = []
    until = time.monotonic() + SECONDS
    for windows in _windows(ceiling):
        found += _search(session, f"({'|'.join(windows)}) & {expression(node)}", where, limit - len(found))
        if len(found) >= limit or time.monotonic() > until:
            break
    return found


def _search(session: Session, query: str, where: Sequence[ColumnElement[bool]], limit: int) -> Iterator[Candidate]:
    asked = cast(literal(query), TSQUERY)
    newest = (
        select(SearchPage.id)
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(SearchPage.tokens.bool_op("@@")(asked), *where)
        .order_by(SearchPage.id.desc())
        .limit(limit)
        .cte()
    )
    ranked = select(
        SearchPage.id, SearchPage.document_id, SearchPage.number, func.ts_rank(SearchPage.tokens, asked)
    ).join(newest, newest.c.id == SearchPage.id)
    return (Candidate(*row) for row in session.execute(ranked))


def _windows(ceiling: int) -> Iterator[list[str]]:
    """Yield the windows below `ceiling`, newest first, each time `GROWTH` times as many."""
    last, many = ceiling // WINDOW, 1
    while last >= 0:
        yield [_window(number) for number in range(last, max(-1, last - many), -1)]
        last, many = last - many, many * GROWTH


def _window(number: int) -> str:
    return f"'{GAP}{number}'"


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
