"""What reviewing came to: how much was looked at each day, and how often which engine was wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from docproc.store.access import Principal, writable
from docproc.store.tables import CorrectionRow, DocumentRow, PageDoubt, Review, Run, utc_now

DAYS = 30
MOST = 50_000
"""Corrections looked at, at most: the newest."""
LOOKING = frozenset({"replace", "split", "merge", "delete"})
"""Operations that say something of words that were read."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day: words looked at, those that were wrong, and pages approved."""

    day: date
    looked: int = 0
    wrong: int = 0
    approved: int = 0


class Count(NamedTuple):
    """Pages that were approved, their words, and those that were wrong."""

    pages: int = 0
    words: int = 0
    wrong: int = 0

    @property
    def share(self) -> float:
        """Wrong words among all, 0-1."""
        return self.wrong / self.words if self.words else 0.0

    def plus(self, other: Count) -> Count:
        """Return both together."""
        return Count(self.pages + other.pages, self.words + other.words, self.wrong + other.wrong)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often an engine, or the reading of a type of document, was wrong on pages that somebody approved."""

    name: str
    all: Count
    days: Mapping[date, Count]
    """The same by the day on which a page was approved first."""


def by_day(session: Session, who: Principal, days: int = DAYS) -> list[Day]:
    """Return the last days, today last, of what `who` may change."""
    today = utc_now().date()
    found = {today - timedelta(back): Day(today - timedelta(back)) for back in range(days - 1, -1, -1)}
    for row in _corrections(session, who):
        if (day := found.get(row.created_at.date())) is not None:
            found[day.day] = replace(day, looked=day.looked + 1, wrong=day.wrong + is_wrong(row))
    query = select(Review.updated_at).join(DocumentRow, DocumentRow.id == Review.document_id)
    for moment in session.scalars(query.where(writable(who), Review.verdict == "approved")):
        if (day := found.get(moment.date())) is not None:
            found[day.day] = replace(day, approved=day.approved + 1)
    return list(found.values())


def rates(session: Session, who: Principal) -> tuple[list[Rate], list[Rate]]:
    """Return the error rates of approved pages by engine that read their text, and by type of document."""
    wrong: dict[tuple[str, int], int] = {}
    for row in _corrections(session, who):
        wrong[row.document_id, row.number] = wrong.get((row.document_id, row.number), 0) + is_wrong(row)
    query = (
        select(
            PageDoubt.document_id, PageDoubt.number, PageDoubt.words, DocumentRow.media_type, Run.engines,
            Review.updated_at,
        )
        .join(DocumentRow, and_(DocumentRow.id == PageDoubt.document_id, DocumentRow.run_id == PageDoubt.run_id))
        .join(Run, Run.id == PageDoubt.run_id)
        .join(Review, and_(Review.document_id == PageDoubt.document_id, Review.number == PageDoubt.number))
        .where(writable(who), Review.verdict == "approved", Review.run_id == PageDoubt.run_id)
        .order_by(Review.updated_at.desc())
        .limit(MOST)
    )  # fmt: skip
    engines, types = {}, {}  # one that two people approved counts once, on the day of the first
    for one, number, words, media_type, used, moment in session.execute(query):
        count = Count(1, words, wrong.get((one, number), 0))
        engines[one, number] = (str((used or {}).get("ocr", "?")), moment.date(), count)
        types[one, number] = (media_type, moment.date(), count)
    return _summed(engines.values()), _summed(types.values())


def is_wrong(row: CorrectionRow) -> bool:
    """Tell whether a correction changed what was read; the same text only confirms it."""
    if row.operation.get("op") != "replace":
        return True
    return all(about.get("text") != row.operation.get("text") for about in (row.anchor or {}).values())


def _corrections(session: Session, who: Principal) -> Sequence[CorrectionRow]:
    query = (
        select(CorrectionRow)
        .join(DocumentRow, DocumentRow.id == CorrectionRow.document_id)
        .where(writable(who), CorrectionRow.undone_at.is_(None))
        .order_by(CorrectionRow.id.desc())
        .limit(MOST)
    )
    return [row for row in session.scalars(query) if row.operation.get("op") in LOOKING]


def _summed(pages: Iterable[tuple[str, date, Count]]) -> list[Rate]:
    """Sum pages up by their names, those with most words first."""
    rates: dict[str, dict[date, Count]] = {}
    for name, day, count in pages:
        days = rates.setdefault(name, {})
        days[day] = days.get(day, Count()).plus(count)
    found = [Rate(name, functools.reduce(Count.plus, days.values()), days) for name, days in rates.items()]
    return sorted(found, key=lambda one: -one.all.words)
