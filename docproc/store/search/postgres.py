"""Search on PostgreSQL: tsvectors of ready-made tokens under a GIN index, ranked by ts_rank."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Select, String, any_, cast, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from docproc.store.search.filters import AskedOf, Candidate
from docproc.store.search.query import And, Node, Not, Or, Phrase
from docproc.store.search.tokenize import GAP
from docproc.store.tables import DocumentRow, SearchPage

FEW, FEW_DOCUMENTS = 20_000, 5_000
"""Pages, and documents, that are looked through one by one sooner than all: 2 us for a page, 4 for a phrase."""
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
FIRST, GROWTH = 3, 4
"""Windows searched at first, the newest of which is not full (each costs every match again, so more would be slower),
and how many times as many rows as before are searched after them at most."""
NEAR = 200_000
"""Rows of which the index of ids is worth asking for: 8 ms for 100,000."""
ENOUGH = 100
"""Matches that one does not wait long for more than."""
QUICK, SECONDS = 0.06, 1.0
"""Time after which no further rows are searched, with enough found and with less, in seconds."""
PLANNER = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "on",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "work_mem": "'32MB'",
}
"""Settings of PostgreSQL while it searches."""


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
    asked_of: AskedOf,
    *,
    ceiling: int,
    limit: int,
    documents: Sequence[str] | None = None,
) -> tuple[list[Candidate], bool]:
    """Return the newest pages that match `node` and `asked_of`, at most `limit`, unsorted, and whether time sufficed.

    The newest rows are searched first, then ever more at once: a common word fills the limit from few of them, a rare
    one costs next to nothing in all. Few `documents`, of which `asked_of` holds, are searched at once.
    """
    asked = expression(node)
    with by_index(session):
        if documents is not None:
            return _in_documents(session, asked, documents, asked_of, ceiling, limit), True
        begin, low = time.monotonic(), max(0, ceiling // WINDOW + 1 - FIRST) * WINDOW
        found = _search(session, asked, range(low, ceiling + 1), asked_of, limit, by_window=True)
        while low > 0 and len(found) < limit:
            rows = _further(ceiling + 1 - low, len(found), limit, time.monotonic() - begin)
            if rows <= 0:
                return found, False
            further = range(max(0, low - rows), low)
            found += _search(session, asked, further, asked_of, limit - len(found))
            low = further.start
        return found, True


def _further(searched: int, found: int, limit: int, seconds: float) -> int:
    """Return how many more rows to search, after so many rows, with so many matches, in so much time."""
    rows_per_match, rows_per_second = searched / max(found, 1), searched / seconds
    filling, enough = (rows_per_match * (wanted - found) for wanted in (limit, ENOUGH))
    quick, patient = (rows_per_second * (time_for - seconds) for time_for in (QUICK, SECONDS))
    rows = max(min(filling, quick), min(enough, patient))
    return 0 if rows <= 0 else min(max(int(rows), WINDOW), searched * GROWTH)


def _search(
    session: Session, query: str, rows: range, asked_of: AskedOf, limit: int, *, by_window: bool = False
) -> list[Candidate]:
    """Return the newest matches among some rows, ranked.

    All that match are sorted before their documents are looked up, one after the other until there are enough.
    """
    asked = cast(literal(f"({_windows(rows)}) & {query}" if by_window else query), TSQUERY)
    # A long way from the newest the index of ids would only be read through in vain: the sum is in no index.
    number = SearchPage.id if len(rows) <= NEAR else SearchPage.id + 0
    found = (
        select(SearchPage.id, SearchPage.document_id)
        .where(SearchPage.tokens.bool_op("@@")(asked), number.between(rows.start, rows.stop - 1))
        .order_by(SearchPage.id.desc())
        .offset(0)  # keeps PostgreSQL from joining first
        .subquery()
    )
    newest = select(found.c.id).join(DocumentRow, DocumentRow.id == found.c.document_id).where(*asked_of.documents)
    if asked_of.pages:
        newest = newest.join(SearchPage, SearchPage.id == found.c.id).where(*asked_of.pages)
    return _ranked(session, newest.order_by(found.c.id.desc()).limit(limit), query)


def _in_documents(
    session: Session, query: str, documents: Sequence[str], asked_of: AskedOf, ceiling: int, limit: int
) -> list[Candidate]:
    """Return the newest matches in some documents, ranked: their pages are looked through one by one."""
    asked = cast(literal(query), TSQUERY)
    here = SearchPage.document_id == any_(cast(literal(list(documents), ARRAY(String)), ARRAY(String)))
    newest = select(SearchPage.id).where(here, SearchPage.tokens.bool_op("@@")(asked), SearchPage.id + 0 <= ceiling)
    if asked_of.pages:
        newest = newest.join(DocumentRow, DocumentRow.id == SearchPage.document_id).where(*asked_of.pages)
    session.execute(text("SET LOCAL enable_bitmapscan = off"))  # the index of tokens can be read in no other way
    return _ranked(session, newest.order_by((SearchPage.id + 0).desc()).limit(limit), query)


def _ranked(session: Session, newest: Select[int], query: str) -> list[Candidate]:
    chosen = newest.cte()
    rank = func.ts_rank(SearchPage.tokens, cast(literal(query), TSQUERY))  # windows would count as words
    ranked = select(SearchPage.id, SearchPage.document_id, SearchPage.number, rank)
    return [Candidate(*row) for row in session.execute(ranked.join(chosen, chosen.c.id == SearchPage.id))]


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Have everything looked up by indexes, one after the other, as few rows are wanted of many.

    PostgreSQL knows little of how many pages a query matches, and would rather read through all documents.
    """
    session.execute(text("; ".join(f"SET LOCAL {name} = {value}" for name, value in PLANNER.items())))
    yield
    session.execute(text("; ".join(f"RESET {name}" for name in PLANNER)))  # an error would have ended the transaction


def _windows(rows: range) -> str:
    return "|".join(map(_window, range(rows.start // WINDOW, (rows.stop - 1) // WINDOW + 1)))


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
