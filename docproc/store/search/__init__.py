"""Search over pages, by words and by meaning: keep the index in step with what is shown, and find pages with boxes.

    search.index_page(session, document, number, page)     after a page is read, corrected or read again
    search.index_document(session, document.id)            when another run comes to be shown
    search.remove(session, document.id, number)            when a page is no more; deleting a document needs nothing
    search.find(session, who, 'invoice OR "total due" label:2024', limit=20)
    search.find(session, who, query, meaning=Meaning(vector of search.meant(query)))    by words and by meaning

Index rows are written in the caller's transaction. Documents in the trash are left out when searching.
Of the pages that match, the newest `CANDIDATES` are ranked; `Results.limits` says when there are more, or when time
ran out. What is near in meaning is found once a worker has made
the vectors of its page (`docproc.store.search.vectors`); the two rankings are merged by reciprocal rank.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, func, insert, not_, select, update
from sqlalchemy.orm import Session

from docproc.document import Page
from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.store import access
from docproc.store.search import filters, nearest, postgres, sqlite, vectors
from docproc.store.search.filters import AskedOf, Candidate
from docproc.store.search.hits import Shown, show, show_passage
from docproc.store.search.passages import passages
from docproc.store.search.query import And, Node, Not, Phrase, has_field, only_fields, parse, phrases
from docproc.store.search.shown import PAGES, indexed, texts
from docproc.store.search.texts import Text
from docproc.store.search.tokenize import LABEL
from docproc.store.tables import DocumentRow, Reading, SearchPage

CANDIDATES = 500
"""How many matching pages are ranked, and so found, at most."""
MOST = 100
"""Hits returned at once, at most."""
Limit = Literal["candidates", "time", "meaning"]
"""Why pages may be missing: more match than are ranked; looking for them took too long; only some pages were compared
by their meaning, as more do not fit or not all are ready."""
ALIKE = 100
"""Pages found by their meaning, at most."""
RANK_OFFSET = 60
"""Of reciprocal rank fusion: how little the first ranks count more than those after them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One page that was found. `parts` is the snippet divided into (text, whether it matches)."""

    document: str
    page: int
    score: float
    """Higher is better; comparable within one search only."""
    filename: str
    parts: tuple[tuple[str, bool], ...]
    boxes: tuple[Box, ...]
    """Boxes of the matching words in points; of a page found by its meaning alone, those of the nearest passage."""
    found_by: tuple[str, ...] = ("text",)
    """`text`, `meaning` or both."""

    @property
    def snippet(self) -> str:
        """The piece of text around the first match."""
        return "".join(text for text, _ in self.parts)


@dataclass(frozen=True, slots=True)
class Results:
    """Hits, best first, and where to go on; `next` is None at the end. `limits` say why there may be more to find."""

    hits: tuple[Hit, ...]
    next: str | None
    limits: tuple[Limit, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every page that matches is among the hits, or comes after them."""
        return not self.limits


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to look for by its meaning: the vector, float32[384] of length 1, of `meant(query)`."""

    vector: vectors.Vectors
    alone: bool = False
    """Whether words are not looked for."""


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A page that was found; `passage` is the index of the nearest one, None where found by words alone."""

    candidate: Candidate
    passage: int | None = None
    by_text: bool = True


def index_page(session: Session, document: DocumentRow, number: int, page: Page) -> None:
    """Make page `number` of a document findable as `page` says; replaces what was kept of it."""
    _lock(session, document.id)
    _index(session, document.id, number, Text.of_page(page))


def index_document(session: Session, document_id: str, numbers: Sequence[int] | None = None) -> None:
    """Make all pages of a document, or some, findable as they are shown now. To be called when another run is shown.

    Takes a few milliseconds per page.
    """
    _lock(session, document_id)
    if numbers is None:
        numbers = forget_gone(session, document_id)
    for start in range(0, len(numbers), MOST):
        pages = PAGES.where(DocumentRow.id == document_id, Reading.number.in_(numbers[start : start + MOST]))
        for document, number, text in list(texts(session, pages)):
            _index(session, document.id, number, text)


def forget_gone(session: Session, document_id: str) -> list[int]:
    """Make the pages of a document that are shown no more unfindable; return the numbers of those that are."""
    pages = select(Reading.number).join(DocumentRow, DocumentRow.run_id == Reading.run_id)
    numbers = list(session.scalars(pages.where(DocumentRow.id == document_id).order_by(Reading.number)))
    indexed = session.scalars(select(SearchPage.number).where(SearchPage.document_id == document_id))
    for number in set(indexed) - set(numbers):
        remove(session, document_id, number)
    return numbers


def boxes_on(page: Page, query: str) -> tuple[Box, ...]:
    """Return the boxes of the words of one page that the query is looking for, in points; raises Rejected."""
    return show(Text.of_page(page), phrases(parse(query))).boxes


def remove(session: Session, document_id: str, number: int | None = None) -> None:
    """Make a page, or all pages of a document, unfindable."""
    query = delete(SearchPage).where(SearchPage.document_id == document_id)
    session.execute(query if number is None else query.where(SearchPage.number == number))


def meant(query: str) -> str:
    """Return what a query means in words, without its fields and what it leaves out; "" when it has none."""
    return " ".join(token.removeprefix(LABEL) for phrase in phrases(parse(query)) for token in phrase.tokens)


def find(
    session: Session,
    who: access.Principal,
    query: str,
    *,
    limit: int = 20,
    after: str | None = None,
    meaning: Meaning | None = None,
) -> Results:
    """Return the pages that `who` may see and that match the query, best first, from `after` (a `next`) on.

    Raises Rejected for a query that means nothing, in plain words, and for a cursor that is none.
    """
    node = parse(query)
    limit = max(1, min(limit, MOST))
    if node is None:
        return Results((), None)
    place = _Place.read(after) if after else _Place(_newest(session))
    search = _Search.of(session, who, node, place.ceiling)
    ranked, limits = _ranked(search, meaning)
    start = place.start(ranked)
    chosen = ranked[start : start + limit]
    following = None
    if start + limit < len(ranked):
        following = _Place(place.ceiling, chosen[-1].candidate.id, start + limit).write()
    return Results(tuple(_hits(session, chosen, node)), following, limits)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a reader of results is: nothing indexed after `ceiling` comes between, `last` is what was seen last."""

    ceiling: int
    last: int = 0
    position: int = 0

    def write(self) -> str:
        """Return it as a cursor."""
        return base64.urlsafe_b64encode(json.dumps([self.ceiling, self.last, self.position]).encode()).decode()

    @classmethod
    def read(cls, cursor: str) -> _Place:
        """Return what `write` wrote; raise Rejected for anything else."""
        try:
            values: Any = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            ceiling, last, position = values
            if not all(type(one) is int and 0 <= one < 1 << 62 for one in values):
                raise ValueError(cursor)
        except (ValueError, TypeError, binascii.Error, RecursionError):
            raise Rejected(
                "This is no place in search results.", hint="Search again from the start.", code="bad-cursor"
            ) from None
        return cls(ceiling, last, position)

    def start(self, ranked: Sequence[_Ranked]) -> int:
        """Return where to go on: behind the last hit seen, wherever it stands now."""
        ids = [one.candidate.id for one in ranked]
        return ids.index(self.last) + 1 if self.last in ids else self.position


def _backend(session: Session) -> Any:
    return sqlite if session.get_bind().dialect.name == "sqlite" else postgres


def _lock(session: Session, document_id: str) -> None:
    """Let nobody else index pages of this document at the same time."""
    session.execute(select(DocumentRow.id).where(DocumentRow.id == document_id).with_for_update())


def _index(session: Session, document_id: str, number: int, text: Text) -> None:
    backend = _backend(session)
    here = SearchPage.document_id == document_id, SearchPage.number == number
    row_id = session.scalar(select(SearchPage.id).where(*here))
    if row_id is not None:
        values = {"tokens": backend.stored(text.tokens, row_id), "shown": text.pack()}
        session.execute(update(SearchPage).where(*here).values(**values))
        vectors.mark(session, row_id, is_new=False)
        return
    row_id = backend.next_id(session)
    values = {"tokens": backend.stored(text.tokens, row_id), "shown": text.pack()}
    session.execute(insert(SearchPage).values(id=row_id, document_id=document_id, number=number, **values))
    vectors.mark(session, row_id, is_new=True)


def _newest(session: Session) -> int:
    return session.scalar(select(func.max(SearchPage.id))) or 0


@dataclass(frozen=True, slots=True)
class _Search:
    """One search, made ready: what is asked of words, and the conditions on documents and on pages.

    `fields` is what is asked of documents alone, `asked_of` that and whom they are shown to, and what else is asked.
    """

    session: Session
    who: access.Principal
    text: Node | None
    fields: Sequence[ColumnElement[bool]]
    asked_of: AskedOf
    ceiling: int

    @classmethod
    def of(cls, session: Session, who: access.Principal, node: Node, ceiling: int) -> _Search:
        """Divide a query; raise Rejected where it only says what to leave out."""
        text, rest = filters.split(node)
        if text is None and not has_field(node):
            raise Rejected("This search only says what to leave out.", hint="Add what to look for.", code="bad-query")
        fields: list[ColumnElement[bool]] = []
        of_pages: list[ColumnElement[bool]] = []
        for part in rest:
            condition = filters.condition(part, _backend(session).matches, who.user_id)
            (fields if only_fields(part) else of_pages).append(condition)
        return cls(session, who, text, fields, AskedOf([access.visible(who), *fields], of_pages), ceiling)

    @property
    def where(self) -> Sequence[ColumnElement[bool]]:
        """All conditions on `DocumentRow` and `SearchPage`, but what is asked of words."""
        return [*self.asked_of.documents, *self.asked_of.pages, SearchPage.id <= self.ceiling]

    def by_text(self) -> tuple[list[Candidate], tuple[Limit, ...]]:
        """Return the candidates, best first, among equals the newest first; and what limited them."""
        in_time, most = True, CANDIDATES + 1
        if self.text is None:
            found = _browsed(self.session, self.where, most)
        else:
            found, in_time = _backend(self.session).candidates(
                self.session, self.text, self.asked_of, ceiling=self.ceiling, limit=most, documents=self._few()
            )
        limits: list[Limit] = ["candidates"] if len(found) > CANDIDATES else []
        if not in_time:
            limits.append("time")
        newest = sorted(found, key=lambda candidate: -candidate.id)[:CANDIDATES]
        return sorted(newest, key=lambda candidate: -candidate.score), tuple(limits)

    def by_meaning(self, vector: vectors.Vectors) -> tuple[list[nearest.Near], bool]:
        """Return the pages near in meaning, nearest first, and whether all pages were compared."""
        matches = _backend(self.session).matches
        parts = self.text.children if isinstance(self.text, And) else ()
        unwanted = [not_(matches(part.child)) for part in parts if isinstance(part, Not)]
        return nearest.near(
            self.session,
            vector,
            documents=self.asked_of.documents,
            where=[*self.where, *unwanted],
            ceiling=self.ceiling,
            limit=ALIKE,
        )

    def _few(self) -> list[str] | None:
        """Return the documents to search when they are few and have few pages, None otherwise."""
        if self.who.may("admin") and not self.fields:
            return None
        backend = _backend(self.session)
        pages: dict[str, int] = {}
        with backend.by_index(self.session):
            for way in access.ways(self.who):
                some = select(DocumentRow.id, func.coalesce(DocumentRow.page_count, 1)).where(way, *self.fields)
                rows = self.session.execute(some.limit(backend.FEW_DOCUMENTS + 1))
                pages |= {row[0]: row[1] for row in rows}
                if len(pages) > backend.FEW_DOCUMENTS or sum(pages.values()) > backend.FEW:
                    return None
        return list(pages)


def _ranked(search: _Search, meaning: Meaning | None) -> tuple[list[_Ranked], tuple[Limit, ...]]:
    """Return what was found, best first, and what limited it."""
    if meaning is None or search.text is None:
        found, limits = search.by_text()
        return [_Ranked(one) for one in found], limits
    near, is_complete = search.by_meaning(meaning.vector)
    unmeant: tuple[Limit, ...] = () if is_complete else ("meaning",)
    if meaning.alone:
        return [_Ranked(one.candidate, one.passage, by_text=False) for one in near], unmeant
    found, limits = search.by_text()
    return _merged(found, near), limits + unmeant


def _merged(by_text: Sequence[Candidate], near: Sequence[nearest.Near]) -> list[_Ranked]:
    """Merge two rankings by reciprocal rank."""
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in (by_text, [one.candidate for one in near]):
        for rank, one in enumerate(ranking, start=1):
            scores[one.id] += 1 / (RANK_OFFSET + rank)
    texts_found = {one.id for one in by_text}
    passage = {one.candidate.id: one.passage for one in near}
    every = {one.id: one for one in [*by_text, *(one.candidate for one in near)]}
    ranked = [
        _Ranked(one._replace(score=scores[one.id]), passage.get(one.id), one.id in texts_found)
        for one in every.values()
    ]
    return sorted(ranked, key=lambda one: (-one.candidate.score, -one.candidate.id))


def _browsed(session: Session, where: Sequence[ColumnElement[bool]], limit: int) -> list[Candidate]:
    """Return the first pages of the documents that the fields choose, newest first."""
    query = (
        select(SearchPage.id, SearchPage.document_id, SearchPage.number)
        .join(DocumentRow, DocumentRow.id == SearchPage.document_id)
        .where(*where, SearchPage.number == 1)
        .order_by(SearchPage.id.desc())
        .limit(limit)
    )
    return [Candidate(*row, 0.0) for row in session.execute(query)]


def _hits(session: Session, chosen: Sequence[_Ranked], node: Node) -> Iterator[Hit]:
    wanted = tuple(phrases(node))
    pages = indexed(session, [one.candidate.id for one in chosen])
    for one in chosen:
        candidate = one.candidate
        if candidate.id in pages:  # not deleted meanwhile
            filename, text = pages[candidate.id]
            shown = _shown(text, one, wanted)
            by = ("text",) * one.by_text + ("meaning",) * (one.passage is not None)
            yield Hit(
                candidate.document, candidate.page, round(candidate.score, 6), filename, shown.parts, shown.boxes, by
            )


def _shown(text: Text, one: _Ranked, wanted: Sequence[Phrase]) -> Shown:
    divided = [] if one.by_text else passages(text)
    if one.passage is not None and one.passage < len(divided):
        return show_passage(text, divided[one.passage])
    return show(text, wanted)
