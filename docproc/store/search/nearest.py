"""Which pages are nearest in meaning, of those that may be seen: all vectors are compared, in memory.

Every process keeps one copy of them (`Shelf`), in int8: 77 MB at most. Of more than `MOST_PASSAGES` the newest pages
are searched. What has changed in the database is noticed within `FRESH_SECONDS`; what has gone or is being made anew
is never returned, however old the copy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from docproc.store.search.filters import Candidate
from docproc.store.search.vectors import SCALE, SIZE, Packed, Vectors, any_missing, unpack
from docproc.store.tables import DocumentRow, SearchPage, SearchVectors

MOST_PASSAGES, MOST_PAGES = 200_000, 50_000
FRESH_SECONDS = 5.0
AT_ONCE = 500
"""Blobs fetched with one statement."""
BLOCK = 8_192
"""Vectors turned to floats at the same time: 12 MB."""
LEAST = 0.25
"""Cosine of what is called alike at all."""


@dataclass(frozen=True, slots=True)
class Near:
    """A page near in meaning, and the index of its nearest passage; the candidate's score is the cosine."""

    candidate: Candidate
    passage: int


class _Found(NamedTuple):
    id: int
    stamp: int
    passage: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Shelf:
    """The vectors of many pages, newest page first: those of page i are `starts[i]` to `starts[i + 1]`."""

    ids: NDArray[np.int64]
    stamps: NDArray[np.int64]
    documents: Sequence[str]
    starts: NDArray[np.int64]
    vectors: Packed
    is_whole: bool
    """Whether no page was left out for want of room."""
    made_at: float

    @classmethod
    def empty(cls) -> Shelf:
        """Return what no page is on, made long ago."""
        none = np.zeros(0, np.int64)
        return cls(none, none, (), np.zeros(1, np.int64), np.zeros((0, SIZE), np.int8), True, -1e9)

    def nearest(self, vector: Vectors, documents: set[str], ceiling: int, limit: int) -> list[_Found]:
        """Return the `limit` nearest pages of the documents, nearest first."""
        allowed = np.fromiter((one in documents for one in self.documents), bool, len(self.documents))
        allowed &= self.ids <= ceiling
        if not allowed.any():
            return []
        scores = self._scores(vector)
        best = np.where(allowed, np.maximum.reduceat(scores, self.starts[:-1]), -1.0)
        order = np.argsort(-best, kind="stable")[:limit].tolist()
        return [self._found(page, scores) for page in order if best[page] >= LEAST]

    def _found(self, page: int, scores: Vectors) -> _Found:
        own = scores[self.starts[page] : self.starts[page + 1]]
        passage = int(np.argmax(own))
        return _Found(int(self.ids[page]), int(self.stamps[page]), passage, float(own[passage]))

    def _scores(self, vector: Vectors) -> Vectors:
        """Return the cosine of every passage."""
        scaled = (vector / SCALE).astype(np.float32)
        blocks = range(0, len(self.vectors), BLOCK)
        return np.concatenate([self.vectors[at : at + BLOCK].astype(np.float32) @ scaled for at in blocks])


_SHELVES: dict[str, Shelf] = {}
_FILLING = threading.Lock()


def near(
    session: Session,
    vector: Vectors,
    *,
    documents: Sequence[ColumnElement[bool]],
    where: Sequence[ColumnElement[bool]],
    ceiling: int,
    limit: int,
) -> tuple[list[Near], bool]:
    """Return the nearest pages, nearest first, and whether all pages were compared.

    `documents` are conditions on the document alone, `where` all conditions on a page.
    """
    shelf = _shelf(session)
    seen = set(session.scalars(select(DocumentRow.id).where(*documents)))
    found = shelf.nearest(vector, seen, ceiling, limit)
    query = (
        select(SearchPage.id, SearchVectors.stamp, SearchPage.document_id, SearchPage.number)
        .join(SearchVectors, SearchVectors.id == SearchPage.id)
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(SearchPage.id.in_([one.id for one in found]), *where)
    )
    rows = {(row_id, stamp): (document, number) for row_id, stamp, document, number in session.execute(query)}
    pages = [
        Near(Candidate(one.id, *rows[one.id, one.stamp], one.cosine), one.passage)
        for one in found
        if (one.id, one.stamp) in rows
    ]
    return pages, shelf.is_whole and not any_missing(session)


def _shelf(session: Session) -> Shelf:
    name = str(session.get_bind().engine.url)
    with _FILLING:
        shelf = _SHELVES.get(name) or Shelf.empty()
        if time.monotonic() - shelf.made_at > FRESH_SECONDS:
            shelf = _SHELVES[name] = _refreshed(session, shelf)
        return shelf


def _refreshed(session: Session, old: Shelf) -> Shelf:
    """Return a shelf with what is kept now; what stands on the old one is not fetched again."""
    rows, is_whole = _listed(session)
    known = dict(zip(zip(old.ids.tolist(), old.stamps.tolist(), strict=True), range(len(old.ids)), strict=True))
    fetched = dict(_fetched(session, [row_id for row_id, stamp, _ in rows if (row_id, stamp) not in known]))
    kept: list[tuple[int, int, str, Packed]] = []
    for row_id, stamp, document in rows:
        place = known.get((row_id, stamp))
        if place is not None:
            kept.append((row_id, stamp, document, old.vectors[old.starts[place] : old.starts[place + 1]]))
        elif row_id in fetched and fetched[row_id][0] == stamp:
            kept.append((row_id, stamp, document, unpack(fetched[row_id][1])))
    if len(kept) == len(known) == len(rows) and not fetched:
        vectors = old.vectors
    else:
        vectors = np.concatenate([Shelf.empty().vectors, *(one[3] for one in kept)])
    return Shelf(
        np.array([one[0] for one in kept], np.int64),
        np.array([one[1] for one in kept], np.int64),
        tuple(one[2] for one in kept),
        np.array([0, *accumulate(len(one[3]) for one in kept)], np.int64),
        vectors,
        is_whole,
        time.monotonic(),
    )


def _listed(session: Session) -> tuple[list[tuple[int, int, str]], bool]:
    """Return id, stamp and document of the newest pages that have vectors, and whether these are all."""
    query = (
        select(SearchVectors.id, SearchVectors.stamp, SearchVectors.count, SearchPage.document_id)
        .join(SearchPage, SearchPage.id == SearchVectors.id)
        .where(SearchVectors.count > 0)
        .order_by(SearchVectors.id.desc())
        .limit(MOST_PAGES + 1)
    )
    rows: list[tuple[int, int, str]] = []
    room = MOST_PASSAGES
    for row_id, stamp, count, document in session.execute(query):
        room -= count
        if room < 0 or len(rows) == MOST_PAGES:
            return rows, False
        rows.append((row_id, stamp, document))
    return rows, True


def _fetched(session: Session, ids: Sequence[int]) -> Iterator[tuple[int, tuple[int, bytes]]]:
    for start in range(0, len(ids), AT_ONCE):
        some = SearchVectors.id.in_(ids[start : start + AT_ONCE]), SearchVectors.data.is_not(None)
        for row_id, stamp, data in session.execute(
            select(SearchVectors.id, SearchVectors.stamp, SearchVectors.data).where(*some)
        ):
            yield row_id, (stamp, data or b"")
