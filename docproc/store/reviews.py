"""Reviewing: which page comes next, who looks at it, what they decided.

The queue is ordered by the errors that a minute of looking is expected to find. What was said by a person has
confidence 1, so a page leaves the top of the queue as its words are looked at. A verdict is about one state of a
page: when the page is corrected or read again afterwards, it is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from docproc.document import Page
from docproc.errors import Rejected
from docproc.store import current, users
from docproc.store.access import Principal, writable
from docproc.store.tables import DocumentRow, PageDoubt, PageRow, Review, User, Verdict, utc_now

DOUBT_BELOW = 0.9
"""Confidence under which a word is one to look at."""
SECONDS_PER_WORD, SECONDS_PER_PAGE = 3.0, 8.0
"""What looking at one doubtful word takes, and turning to a page."""
MOST_MEASURED = 100
"""Pages measured before the queue is shown, at most; those that were read before are measured bit by bit."""
LONGEST_NOTE = 2_000
Show = Literal["open", "mine", "second", "disagreements", "approved", "rejected"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one reviewer said of a page; `verdict` None: it is given to them. `fresh`: it is still as they saw it."""

    user_id: str
    name: str
    verdict: str | None
    note: str
    fresh: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """A page to look at. `minutes` is what it is expected to take."""

    document_id: str
    filename: str
    number: int
    words: int
    doubtful: int
    errors: float
    minutes: float
    opinions: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Pages of a document that are read, and of them those approved and those that somebody rejects, as they are."""

    pages: int
    approved: int
    rejected: int


def measured(page: Page) -> tuple[int, int, float, float]:
    """Return a page's words, doubtful words, errors to be expected, and such errors found per minute of looking."""
    unsure = [1 - (1.0 if word.confidence is None else word.confidence) for line in page.lines for word in line.words]
    doubtful = [one for one in unsure if one > 1 - DOUBT_BELOW]
    minutes = (SECONDS_PER_PAGE + SECONDS_PER_WORD * len(doubtful)) / 60
    return len(unsure), len(doubtful), round(sum(unsure), 3), round(sum(doubtful) / minutes, 4)


def measure(session: Session, document: DocumentRow, number: int, page: Page) -> None:
    """Keep how doubtful a page is as it is shown now."""
    row = session.get(PageRow, (document.run_id or "", number))
    if row is None:
        return
    words, doubtful, errors, gain = measured(page)
    session.merge(
        PageDoubt(
            document_id=document.id, number=number, run_id=row.run_id, revision=row.revision, words=words,
            doubtful=doubtful, errors=errors, gain=gain,
        )
    )  # fmt: skip
    session.flush()
    add_up(session, document)


def add_up(session: Session, document: DocumentRow) -> None:
    """Keep with a document what its pages come to, of the run that is shown."""
    shown = PageDoubt.document_id == document.id, PageDoubt.run_id == document.run_id
    document.errors = session.scalar(select(func.sum(PageDoubt.errors)).where(*shown)) or 0.0
    session.flush()


def measure_missing(session: Session, visible: ColumnElement[bool], limit: int = MOST_MEASURED) -> int:
    """Measure pages that are read and not measured in their present state; return how many were."""
    known = exists().where(
        PageDoubt.document_id == DocumentRow.id, PageDoubt.number == PageRow.number,
        PageDoubt.run_id == PageRow.run_id, PageDoubt.revision == PageRow.revision,
    )  # fmt: skip
    query = select(DocumentRow, PageRow.number).join(PageRow, PageRow.run_id == DocumentRow.run_id)
    missing = query.where(visible, PageRow.status == "done", ~known).order_by(DocumentRow.id.desc(), PageRow.number)
    found = session.execute(missing.limit(limit)).all()
    for document, number in found:
        page = current.shown_page(session, document, number)
        if page is not None:
            measure(session, document, number, page)
    return len(found)


def queue(
    session: Session, who: Principal, *, show: Show = "open", document_id: str = "", offset: int = 0, limit: int = 50
) -> list[Task]:
    """Return pages that `who` may change, those first where a minute is expected to find most errors."""
    query = _PAGES.where(writable(who), *_conditions(show, who))
    if document_id:
        query = query.where(DocumentRow.id == document_id)
    query = query.order_by(PageDoubt.gain.desc(), DocumentRow.id, PageDoubt.number).offset(offset).limit(limit)
    found = session.execute(query).all()
    opinions = _opinions(session, {(doubt.document_id, doubt.number) for doubt, _, _ in found})
    return [
        Task(
            doubt.document_id, filename, doubt.number, doubt.words, doubt.doubtful, doubt.errors,
            (SECONDS_PER_PAGE + SECONDS_PER_WORD * doubt.doubtful) / 60,
            tuple(opinions.get((doubt.document_id, doubt.number), ())),
        )
        for doubt, filename, _ in found
    ]  # fmt: skip


def count(session: Session, who: Principal, show: Show = "open") -> int:
    """Return how many pages `queue` would go through."""
    query = _PAGES.where(writable(who), *_conditions(show, who)).with_only_columns(func.count())
    return session.scalar(query) or 0


def following(session: Session, who: Principal, document: DocumentRow, number: int) -> tuple[str, int] | None:
    """Return document and page to look at after this one: the next of the document, else the top of the queue."""
    for chosen in (document.id, ""):
        tasks = queue(session, who, document_id=chosen, limit=200 if chosen else 2)
        others = [
            (one.document_id, one.number) for one in tasks if (one.document_id, one.number) != (document.id, number)
        ]
        if others:
            return min(others, key=lambda one: (one[1] < number, one[1])) if chosen else others[0]
    return None


def opinions_on(session: Session, document: DocumentRow, number: int) -> Sequence[Opinion]:
    """Return what reviewers said of a page, and to whom it is given."""
    return _opinions(session, {(document.id, number)}).get((document.id, number), [])


def errors_of(session: Session, document: DocumentRow) -> dict[int, float]:
    """Return page number -> errors to be expected, where they are known."""
    rows = session.execute(
        select(PageDoubt.number, PageDoubt.errors).where(
            PageDoubt.document_id == document.id, PageDoubt.run_id == document.run_id
        )
    )
    return {number: errors for number, errors in rows}  # noqa: C416  (dict() does not take rows)


def decide(
    session: Session,
    document: DocumentRow,
    numbers: Iterable[int],
    user_id: str,
    verdict: Verdict | None,
    note: str = "",
) -> int:
    """Keep what a reviewer says of pages as they are now, None takes it back; return how many pages that were.

    Pages that are not read are left out.
    """
    if len(note) > LONGEST_NOTE:
        raise Rejected(f"A note has at most {LONGEST_NOTE} letters.", code="bad-note")
    done = 0
    for number in numbers:
        row = session.get(PageRow, (document.run_id or "", number))
        if row is None or row.status != "done":
            continue
        kept = session.get(Review, (document.id, number, user_id))
        if kept is None:
            kept = Review(document_id=document.id, number=number, user_id=user_id)
            session.add(kept)
        kept.verdict, kept.note = verdict, note
        kept.run_id, kept.revision, kept.updated_at = row.run_id, row.revision, utc_now()
        done += 1
    session.flush()
    return done


def tally(session: Session, document: DocumentRow) -> Tally:
    """Return how far the review of a document is."""
    known = PageRow.run_id == (document.run_id or ""), PageRow.status == "done"
    rows = session.execute(
        select(PageRow.number, Review.verdict)
        .outerjoin(
            Review,
            and_(
                Review.document_id == document.id, Review.number == PageRow.number, Review.run_id == PageRow.run_id,
                Review.revision == PageRow.revision, Review.verdict.is_not(None),
            ),
        )
        .where(*known)
    ).all()  # fmt: skip
    said: dict[int, set[str | None]] = {}
    for number, verdict in rows:
        said.setdefault(number, set()).add(verdict)
    rejected = sum("rejected" in one for one in said.values())
    return Tally(len(said), sum("approved" in one for one in said.values() if "rejected" not in one), rejected)


def assign(session: Session, document: DocumentRow, numbers: Iterable[int], name: str) -> User:
    """Give pages to a reviewer; raise NotFound where there is none of that name, Rejected for a viewer."""
    user = users.named(session, name)
    users.require_enabled(user)
    if user.role == "viewer":
        raise Rejected(f"{user.name} is a viewer.", hint="Give it to a reviewer.", code="bad-reviewer")
    for number in numbers:
        kept = session.get(Review, (document.id, number, user.id)) or Review(
            document_id=document.id, number=number, user_id=user.id
        )
        kept.assigned_at = utc_now()
        session.add(kept)
    session.flush()
    return user


def take_back(session: Session, document: DocumentRow, number: int, name: str) -> None:
    """Take a page from a reviewer who has not decided yet."""
    user = users.named(session, name)
    mine = Review.document_id == document.id, Review.number == number, Review.user_id == user.id
    session.execute(delete(Review).where(*mine, Review.verdict.is_(None)))


_PAGES: Select[PageDoubt, str, int] = (
    select(PageDoubt, DocumentRow.filename, PageRow.revision)
    .join(DocumentRow, DocumentRow.id == PageDoubt.document_id)
    .join(PageRow, and_(PageRow.run_id == DocumentRow.run_id, PageRow.number == PageDoubt.number))
    .where(PageDoubt.run_id == PageRow.run_id, PageRow.status == "done")
)


def _said(verdict: Verdict, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that somebody gave this verdict on the page as it is now."""
    one = aliased(Review)
    same = one.document_id == PageDoubt.document_id, one.number == PageDoubt.number
    now = one.run_id == PageRow.run_id, one.revision == PageRow.revision
    return exists(select(one.user_id).where(*same, *now, one.verdict == verdict, *(part for part in more)))


def _conditions(show: Show, who: Principal) -> list[ColumnElement[bool]]:
    approved, rejected = _said("approved"), _said("rejected")
    mine = (
        Review.document_id == PageDoubt.document_id,
        Review.number == PageDoubt.number,
        Review.user_id == who.user_id,
    )
    seen = exists().where(*mine, Review.run_id == PageRow.run_id, Review.revision == PageRow.revision,
                          Review.verdict.is_not(None))  # fmt: skip
    given = exists().where(*mine, Review.assigned_at.is_not(None))
    return {
        "open": [~approved, ~rejected],
        "mine": [given, ~seen],
        "second": [or_(approved, rejected), ~seen],
        "disagreements": [approved, rejected],
        "approved": [approved, ~rejected],
        "rejected": [rejected],
    }[show]


def _opinions(session: Session, places: set[tuple[str, int]]) -> dict[tuple[str, int], list[Opinion]]:
    if not places:
        return {}
    query = (
        select(Review, User.name, PageRow.revision, PageRow.run_id)
        .join(User, User.id == Review.user_id)
        .join(DocumentRow, DocumentRow.id == Review.document_id)
        .join(PageRow, and_(PageRow.run_id == DocumentRow.run_id, PageRow.number == Review.number))
        .where(Review.document_id.in_({document for document, _ in places}))
        .order_by(Review.updated_at)
    )
    found: dict[tuple[str, int], list[Opinion]] = {}
    for one, name, revision, run_id in session.execute(query):
        if (one.document_id, one.number) in places:
            fresh = (one.run_id, one.revision) == (run_id, revision)
            opinion = Opinion(one.user_id, name, one.verdict, one.note, fresh, one.updated_at)
            found.setdefault((one.document_id, one.number), []).append(opinion)
    return found
