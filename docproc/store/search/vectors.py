"""The vectors of passages: which pages wait for theirs, what they are kept as.

    for page in vectors.claim(session, 8): ...         the texts of pages that wait, newest first
    vectors.keep(session, page, embedder.embed(page.texts))

Indexing a page marks it in the same transaction (`mark`): from then on what it meant before is found no more, and a
worker makes its vectors anew. Whoever dies over a page leaves it to others for a minute, and three times at most.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from docproc.store.database import now
from docproc.store.search.passages import passages
from docproc.store.search.shown import indexed
from docproc.store.tables import SearchVectors

SIZE = 384
SCALE = 512.0
"""Numbers are kept in 512ths, from -127 to 127: no part of a vector of length 1 was seen beyond .21, and vectors
turn by less than a degree."""
ATTEMPTS = 3
PATIENCE = timedelta(minutes=1)

Vectors = NDArray[np.float32]
Packed = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page whose vectors are to be made of `texts`; `stamp` proves that it is still as it was."""

    id: int
    stamp: int
    texts: Sequence[str]


def mark(session: Session, row_id: int, *, is_new: bool) -> None:
    """Have the vectors of a page made, or made again; nothing of it is found by meaning until then."""
    values = {"stamp": secrets.randbits(62), "count": 0, "data": None, "attempts": 0, "tried_at": None}
    if is_new:
        session.execute(insert(SearchVectors).values(id=row_id, **values))
    else:
        session.execute(update(SearchVectors).where(SearchVectors.id == row_id).values(**values))


def any_waiting(session: Session) -> bool:
    """Say whether a page waits for its vectors, and may be tried."""
    return bool(session.scalar(select(exists().where(*_waits(session)))))


def any_missing(session: Session) -> bool:
    """Say whether a page has no vectors, be it that they are just being made, or that it was given up."""
    return bool(session.scalar(select(exists().where(SearchVectors.data.is_(None)))))


def claim(session: Session, limit: int) -> list[Waiting]:
    """Take up to `limit` pages that wait, the newest first; nobody else is given them for a minute."""
    query = select(SearchVectors.id, SearchVectors.stamp).where(*_waits(session)).order_by(SearchVectors.id.desc())
    rows = session.execute(query.limit(limit).with_for_update(skip_locked=True))
    found = {row_id: stamp for row_id, stamp in rows}  # noqa: C416  (dict() does not take rows)
    if not found:
        return []
    tried = {"attempts": SearchVectors.attempts + 1, "tried_at": now(session)}
    session.execute(update(SearchVectors).where(SearchVectors.id.in_(found)).values(**tried))
    pages = indexed(session, list(found))
    return [
        Waiting(row_id, stamp, [one.text for one in passages(pages[row_id][1])] if row_id in pages else [])
        for row_id, stamp in found.items()
    ]


def keep(session: Session, page: Waiting, made: Vectors) -> None:
    """Keep the vectors of a page, one for each of its texts, unless it has changed since."""
    same = SearchVectors.id == page.id, SearchVectors.stamp == page.stamp
    session.execute(update(SearchVectors).where(*same).values(data=pack(made), count=len(made), tried_at=None))


def pack(made: Vectors) -> bytes:
    """Return vectors, float32[n, 384] of length 1, as they are kept."""
    kept: Packed = np.clip(np.rint(made * SCALE), -127, 127).astype(np.int8)
    return kept.tobytes()


def unpack(data: bytes) -> Packed:
    """Return int8[n, 384], in 512ths."""
    return np.frombuffer(data, np.int8).reshape(-1, SIZE)


def _waits(session: Session) -> Sequence[ColumnElement[bool]]:
    tried = SearchVectors.tried_at
    free = or_(tried.is_(None), tried < now(session) - PATIENCE)
    return SearchVectors.data.is_(None), SearchVectors.attempts < ATTEMPTS, free
