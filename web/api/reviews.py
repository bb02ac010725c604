"""Reviews: the queue of pages that a person should look at, to whom they are given, what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import access, audit, current, reviews
from docproc.store.reviews import LONGEST_NOTE, Opinion, Task
from web import auth, context
from web.api import api
from web.api.models import DocumentPath, PagePath, answer

blueprint = api("reviews", "Pages to look at, those first where a minute is expected to find most errors.")


class OpinionEntry(BaseModel):
    """What one reviewer said of a page."""

    reviewer: str
    verdict: Literal["approved", "rejected"] | None = Field(description="null: the page is given to them")
    note: str
    fresh: bool = Field(description="Whether the page is still as they saw it")

    @classmethod
    def of(cls, one: Opinion) -> OpinionEntry:
        """Return the entry of an opinion of the store."""
        facts: dict[str, Any] = {"verdict": one.verdict, "note": one.note, "fresh": one.fresh}
        return cls(reviewer=one.name, **facts)


class TaskEntry(BaseModel):
    """A page to look at."""

    document: str
    filename: str
    page: int
    words: int
    doubtful: int = Field(description="Words to look at")
    errors: float = Field(description="Errors to be expected")
    minutes: float = Field(description="What looking at them is expected to take")
    opinions: list[OpinionEntry]

    @classmethod
    def of(cls, one: Task) -> TaskEntry:
        """Return the entry of a task of the store."""
        return cls(
            document=one.document_id,
            filename=one.filename,
            page=one.number,
            words=one.words,
            doubtful=one.doubtful,
            errors=one.errors,
            minutes=round(one.minutes, 2),
            opinions=[OpinionEntry.of(opinion) for opinion in one.opinions],
        )


class Queue(BaseModel):
    """Pages to look at."""

    items: list[TaskEntry]


class QueueQuery(BaseModel):
    """Which pages."""

    show: Literal["open", "mine", "second", "disagreements", "approved", "rejected"] = Field(
        "open", description="open: without a verdict; mine: given to you; second: decided, but not by you"
    )
    document: str = Field("", max_length=64, description="Of this document alone")
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=1_000_000)


class Decision(BaseModel):
    """What you say of a page, as it is now."""

    verdict: Literal["approved", "rejected"] | None = Field(description="null takes it back")
    note: str = Field("", max_length=LONGEST_NOTE)


class Assignment(BaseModel):
    """Who is to look at it."""

    reviewer: str = Field(max_length=64)


class Reviewed(BaseModel):
    """What is said of a page, and where to go on."""

    opinions: list[OpinionEntry]
    next: str | None = Field(description="The page to look at after this one, as an address of the portal")


class Decided(BaseModel):
    """How many pages a decision was about."""

    pages: int


@blueprint.get("/reviews", responses={"200": Queue})
def queue(query: QueueQuery) -> Response:
    """List pages to look at: those that you may change, best first."""
    who = auth.current()
    with context().database.write() as session:
        reviews.measure_missing(session, access.writable(who))
        found = reviews.queue(
            session, who, show=query.show, document_id=query.document, offset=query.offset, limit=query.limit
        )
    return answer(Queue(items=[TaskEntry.of(one) for one in found]))


@blueprint.get("/documents/<document_id>/pages/<int:number>/review", responses={"200": Reviewed})
def state(path: PagePath) -> Response:
    """Return what is said of a page."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        return _reviewed(reviews.opinions_on(session, row, path.number), None)


@blueprint.put("/documents/<document_id>/pages/<int:number>/review", responses={"200": Reviewed})
def decide(path: PagePath, body: Decision) -> Response:
    """Approve or reject a page as it is now."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        reviews.measure(session, row, path.number, current.current_page(session, row, path.number))
        reviews.decide(session, row, [path.number], who.user_id, body.verdict, body.note)
        audit.note(
            session, who, "page.review", f"{row.id}/{path.number}", address=auth.address(),
            details={"verdict": body.verdict},
        )  # fmt: skip
        return _reviewed(
            reviews.opinions_on(session, row, path.number), reviews.following(session, who, row, path.number)
        )


@blueprint.put("/documents/<document_id>/review", responses={"200": Decided})
def decide_all(path: DocumentPath, body: Decision) -> Response:
    """Approve or reject all pages of a document that are read."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        numbers = range(1, (row.page_count or 0) + 1)
        done = reviews.decide(session, row, numbers, who.user_id, body.verdict, body.note)
        audit.note(session, who, "document.review", row.id, address=auth.address(), details={"verdict": body.verdict})
    return answer(Decided(pages=done))


@blueprint.post("/documents/<document_id>/pages/<int:number>/review/assignments", responses={"200": Reviewed})
def assign(path: PagePath, body: Assignment) -> Response:
    """Give a page to a reviewer."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        current.current_page(session, row, path.number)
        user = reviews.assign(session, row, [path.number], body.reviewer)
        audit.note(
            session, who, "page.assign", f"{row.id}/{path.number}", address=auth.address(), details={"to": user.name}
        )
        return _reviewed(reviews.opinions_on(session, row, path.number), None)


@blueprint.post("/documents/<document_id>/review/assignments", responses={"200": Decided})
def assign_all(path: DocumentPath, body: Assignment) -> Response:
    """Give all pages of a document to a reviewer."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        pages = reviews.tally(session, row).pages
        user = reviews.assign(session, row, range(1, (row.page_count or 0) + 1), body.reviewer)
        audit.note(session, who, "document.assign", row.id, address=auth.address(), details={"to": user.name})
    return answer(Decided(pages=pages))


def _reviewed(opinions: Sequence[Opinion], following: tuple[str, int] | None) -> Response:
    address = f"/documents/{following[0]}/pages/{following[1]}/review" if following else None
    return answer(Reviewed(opinions=[OpinionEntry.of(one) for one in opinions], next=address))
