"""Search on SQLite: FTS5 over ready-made tokens, newest pages first, ranked by bm25."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Integer, String, column, func, literal, literal_column, select, table
from sqlalchemy.orm import Session

from docproc.store.search.filters import AskedOf, Candidate
from docproc.store.search.query import And, Node, Not, Or, Phrase
from docproc.store.tables import DocumentRow, SearchPage

FEW, FEW_DOCUMENTS = 20_000, 20_000
"""Pages, and documents, that are worth listing before the search."""
_FTS = table("search_fts", column("rowid", Integer), column("search_fts", String))
_UNINDEXED_ROWID = literal_column("+search_fts.rowid", Integer)
"""With its sign it is compared row by row; without, FTS5 would begin anew (and bm25 count anew) for each id."""


def stored(tokens: Sequence[str], _: int) -> ColumnElement[str]:
    """Return tokens as the column keeps them."""
    return literal(" ".join(tokens))


def next_id(session: Session) -> int:
    """Return the id of the next row."""
    return (session.scalar(select(func.max(SearchPage.id))) or 0) + 1


def matches(node: Node) -> ColumnElement[bool]:
    """Return the condition that a page's tokens match."""
    found = select(_FTS.c.rowid).where(_FTS.c.search_fts.bool_op("MATCH")(expression(node)))
    return SearchPage.id.in_(found)


def candidates(
    session: Session,
    node: Node,
    asked_of: AskedOf,
    *,
    ceiling: int,
    limit: int,
    documents: Sequence[str] | None = None,
) -> tuple[list[Candidate], bool]:
    """Return the newest pages that match `node` and `asked_of`, at most `limit`, unsorted, and True: time sufficed.

    Where few `documents` are searched, their pages are listed first, so that no other is looked up.
    """
    where = [*asked_of.documents, *asked_of.pages]
    if documents is not None:
        given = func.json_each(json.dumps(documents)).table_valued("value")
        pages = select(SearchPage.id).where(SearchPage.document_id.in_(select(given.c.value)))
        where = [_UNINDEXED_ROWID.in_(pages), *where]
    score = -func.bm25(column("search_fts"))
    statement = (
        select(SearchPage.id, SearchPage.document_id, SearchPage.number, score)
        .select_from(_FTS)
        .join(SearchPage, SearchPage.id == _FTS.c.rowid)
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(_FTS.c.search_fts.bool_op("MATCH")(expression(node)), _FTS.c.rowid <= ceiling, *where)
        .order_by(_FTS.c.rowid.desc())
        .limit(limit)
    )
    return [Candidate(*row) for row in session.execute(statement)], True


def expression(node: Node) -> str:
    """Return the tree in FTS5's language. Tokens hold letters, digits and marks only, and stand in quotes."""
    if isinstance(node, Phrase):
        return f'"{" ".join(node.tokens)}"' + ("*" if node.prefix else "")
    if isinstance(node, Or):
        return "(" + " OR ".join(map(expression, node.children)) + ")"
    if not isinstance(node, And):
        raise TypeError(f"{node} stands alone")  # refused before
    wanted = [expression(child) for child in node.children if not isinstance(child, Not)]
    unwanted = [expression(child.child) for child in node.children if isinstance(child, Not)]
    found = "(" + " AND ".join(wanted) + ")"
    return f"({found} NOT ({' OR '.join(unwanted)}))" if unwanted else found


@contextmanager
def by_index(_: Session) -> Iterator[None]:
    """Do nothing: SQLite looks things up by indexes wherever it can."""
    yield
