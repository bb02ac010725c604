"""Search on PostgreSQL: tsvectors of ready-made tokens under a GIN index, ranked by ts_rank."""

from __future__ import annotations

import time
from collections.abc import Sequence

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
FIRST, GROWTH = 2, 4
"""Windows searched at first (the newest is not full), and how many times as many each time after it."""
ENOUGH = 100
"""Matches that one does not wait long for more than."""
QUICK, SECONDS = 0.1, 1.0
"""Time after which no further windows are searched, with enough found and with less, in seconds."""


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
) -> tuple[list[Candidate], bool]:
    """Return the newest pages that match `node` and `where`, at most `limit`, unsorted, and whether time sufficed.

    The newest window of rows is searched first, then ever more at once: a common word fills the limit from a few
    windows, a rare one costs next to nothing in each. Few `documents` are searched at once.
    """
    asked = expression(node)
    if documents is not None:
        return _search(session, asked, [*where, SearchPage.document_id.in_(documents)], limit), True
    found: list[Candidate] = []
    begin, spent, many = time.monotonic(), 0.0, FIRST
    newest = last = ceiling // WINDOW
    while last >= 0 and len(found) < limit:
        left = (QUICK if len(found) >= ENOUGH else SECONDS) - spent
        if left < 0:
            return found, False
        windows = range(last, max(-1, last - many), -1)
        here = [SearchPage.id.between(windows[-1] * WINDOW, min(ceiling, last * WINDOW + WINDOW - 1)), *where]
        query = f"({'|'.join(map(_window, windows))}) & {asked}"
        found += _search(session, query, here, limit - len(found), may_walk=last == newest)
        last -= many
        took, spent = time.monotonic() - begin - spent, time.monotonic() - begin
        needed = (limit - len(found)) * (newest - last) // max(1, len(found)) + 1
        many = max(1, min(many * GROWTH, int(many * left / took), needed))
    return found, True


def _search(
    session: Session, query: str, where: Sequence[ColumnElement[bool]], limit: int, *, may_walk: bool = False
) -> list[Candidate]:
    """Return the newest matches, ranked.

    Where it may, PostgreSQL walks over the ids from the newest on; else it has to use the index of tokens. Walking is
    best where most pages match, and it is what PostgreSQL chooses far too often.
    """
    asked = cast(literal(query), TSQUERY)
    newest = (
        select(SearchPage.id)
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(SearchPage.tokens.bool_op("@@")(asked), *where)
        .order_by((SearchPage.id if may_walk else SearchPage.id + 0).desc())  # no index is sorted by the sum
        .limit(limit)
        .cte()
    )
    ranked = select(
        SearchPage.id, SearchPage.document_id, SearchPage.number, func.ts_rank(SearchPage.tokens, asked)
    ).join(newest, newest.c.id == SearchPage.id)
    return [Candidate(*row) for row in session.execute(ranked)]


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
