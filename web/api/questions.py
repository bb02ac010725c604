"""Questions to documents: answers with the words they rest on, or "not found"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from flask import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from docproc.document import Page
from docproc.embed import embedder
from docproc.errors import Conflict, Rejected, Usage
from docproc.exports.json_findings import answer_to_dict
from docproc.exports.json_reader import Node, read_answer
from docproc.findings import Answer
from docproc.qa import Index, Question
from docproc.qa.confidence import Calibration, is_sure, only_sure
from docproc.qa.question import LONGEST, plain
from docproc.ranges import page_numbers
from docproc.store import access, answer_verdicts, answers
from docproc.store.tables import AnswerRow, DocumentRow
from web import auth, context
from web.api import api
from web.api.answers import ModelAnswer, ask_model
from web.api.models import DocumentPath, answer

blueprint = api("questions", "Questions to documents, answered with the words they rest on.")
MOST = 50
"""Questions of one request."""
SHOWN = 5
"""Answers that a question to all documents gets."""


Sure = Annotated[bool, Field(description="So confident that nine in ten such answers were right on held-out pages")]
Precision = Annotated[
    float | None,
    Field(
        ge=0,
        lt=1,
        description="Only answers as confident as those of which this share is right on held-out pages; others are "
        "told as not found. 0: the best guess. Left out: DOCPROC_ANSWER_PRECISION",
    ),
]


class OneQuestion(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=LONGEST, description="One thing at a time: What is the total?")
    alias: str = Field("", max_length=100, description="A name for the answer, given back with it")
    pages: str = Field("", max_length=200, description="Such as 1-3,7; empty: all")


class Questions(BaseModel):
    """A question, or several at once."""

    model_config = ConfigDict(extra="forbid")

    question: str | None = Field(None, max_length=LONGEST)
    alias: str = Field("", max_length=100)
    pages: str = Field("", max_length=200, description="Such as 1-3,7; empty: all")
    questions: list[OneQuestion] = Field([], max_length=MOST, description="In place of `question`")
    precision: Precision = None
    engine: Literal["embedded", "model"] = Field(
        "embedded",
        description="`model`: the vision model of this service is asked one `question` in the background; 202, and "
        "`Location` says where its answer will be",
    )

    @model_validator(mode="after")
    def _one_or_many(self) -> Questions:
        if (self.question is None) == (not self.questions):
            raise ValueError("give `question`, or `questions` with at least one")
        if self.engine == "model" and (self.questions or self.precision is not None):
            raise ValueError("the vision model takes one `question`, without `precision`")
        return self


class EvidenceWord(BaseModel):
    """A word that an answer rests on."""

    page: int
    text: str
    box: list[float] = Field(description="[left, top, right, bottom], in points")


class AnswerEntry(BaseModel):
    """An answer."""

    id: str
    question: str
    alias: str = ""
    text: str = Field(description="Empty when nothing was found")
    confidence: float | None = Field(
        description="0-1: how probably it is right, calibrated on held-out pages and by what people said of answers"
    )
    sure: Sure
    not_found: bool
    ungrounded: bool = Field(description="No words on the pages say this: it may be invented")
    engine: str
    evidence: list[EvidenceWord]
    pages: list[int] = Field(description="The pages that were asked; none: all")
    complete: bool = Field(description="False when pages were not read yet, or had failed")
    stale: bool = Field(description="What it rests on has been corrected since")
    right: bool | None = Field(description="What you said of it, by PUT .../verdict; null: nothing")
    created_at: datetime

    @classmethod
    def of(
        cls,
        row: AnswerRow,
        turned: Calibration,
        said: Mapping[str, bool],
        precision: float = 0.0,
        alias: str = "",
    ) -> AnswerEntry:
        """Return an answer of the store, its confidence calibrated; not found where it is not sure enough."""
        told = only_sure(turned.of_answer(answer_verdicts.answer(row)), precision)
        data = {**row.data, **answer_to_dict(told), "sure": is_sure(told), "alias": alias or row.data["alias"]}
        data["right"] = said.get(row.id)
        return cls(id=row.id, question=row.question, created_at=row.created_at, **data)


class Answers(BaseModel):
    """Answers, in the order of the questions."""

    answers: list[AnswerEntry]


class PlacedAnswer(BaseModel):
    """An answer out of one document."""

    document: str
    filename: str
    text: str
    confidence: float | None
    sure: Sure
    not_found: bool
    ungrounded: bool
    engine: str
    evidence: list[EvidenceWord]
    stale: bool = Field(False, description="What it rests on has been corrected or read again since")

    @classmethod
    def of(cls, row: DocumentRow, told: Answer, *, stale: bool = False) -> PlacedAnswer:
        """Return an answer from a document, as it is told to who asked."""
        data = {**answer_to_dict(told), "sure": is_sure(told), "stale": stale}
        return cls(document=row.id, filename=row.filename, **data)


class PlacedAnswers(BaseModel):
    """Answers out of all documents, the surest first; none: not found."""

    answers: list[PlacedAnswer]
    not_found: bool


class PastQuestion(BaseModel):
    """A question to all documents, with its answers."""

    id: str
    question: str
    created_at: datetime
    answers: list[PlacedAnswer]
    not_found: bool = Field(description="Nothing was found; when answers are missing otherwise, you see them no more")


class PastQuestions(BaseModel):
    """Questions to all documents, the newest first."""

    items: list[PastQuestion]


class LibraryQuestion(BaseModel):
    """A question to all documents that one may see."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(max_length=LONGEST)]
    precision: Precision = None


@blueprint.post("/documents/<document_id>/questions", responses={"200": AnswerEntry, "202": ModelAnswer})
def ask(path: DocumentPath, body: Questions) -> Response:
    """Answer a question from the words of a document, or several: then the answer is {"answers": [...]}.

    The same question on the same pages is answered from what is kept, until a correction touches what it rests on.
    """
    asked = body.questions or [OneQuestion(question=body.question or "", alias=body.alias, pages=body.pages)]
    if body.engine == "model":
        return _ask_model(path.document_id, asked[0])
    rows = [(_answered(path.document_id, one), one.alias) for one in asked]
    precision = _precision(body.precision)
    with context().database.read() as session:
        turned = answer_verdicts.calibration(session)
        said = answer_verdicts.said(session, auth.current().user_id, [row.id for row, _ in rows])
    entries = [AnswerEntry.of(row, turned, said, precision, alias) for row, alias in rows]
    return answer(Answers(answers=entries) if body.questions else entries[0])


@blueprint.get("/documents/<document_id>/questions", responses={"200": Answers})
def asked(path: DocumentPath) -> Response:
    """Return what you asked this document, the newest first."""
    who = auth.current()
    with context().database.read() as session:
        row = access.document(session, who, path.document_id, "read")
        turned = answer_verdicts.calibration(session)
        rows = answers.history(session, row, who.user_id)
        said = answer_verdicts.said(session, who.user_id, [one.id for one in rows])
        entries = [AnswerEntry.of(one, turned, said) for one in rows]
    return answer(Answers(answers=entries))


@blueprint.post("/questions", responses={"200": PlacedAnswers})
def ask_all(body: LibraryQuestion) -> Response:
    """Answer a question from all documents that you may see; those that are less sure than asked for are left out."""
    question, who = _understood(body.question), auth.current()
    vector = embedder().embed([question.text])[0]
    with context().database.read() as session:
        places = answers.places_about(session, who, question, vector)
        turned = answer_verdicts.calibration(session)
    found = [(row, Index.of(pages).ask(question.text)) for row, pages in places]
    found = [(row, one) for row, one in found if not one.not_found]
    found.sort(key=lambda one: -(one[1].confidence or 0.0))
    best = found[:SHOWN]
    with context().database.write() as session:
        answers.keep_of_all(session, who.user_id, question.text, [(row, answer_to_dict(one)) for row, one in best])
    told = [(row, only_sure(turned.of_answer(one), _precision(body.precision))) for row, one in best]
    entries = [PlacedAnswer.of(row, one) for row, one in told if not one.not_found]
    return answer(PlacedAnswers(answers=entries, not_found=not entries))


@blueprint.get("/questions", responses={"200": PastQuestions})
def asked_of_all() -> Response:
    """Return what you asked all documents, the newest first."""
    with context().database.read() as session:
        turned = answer_verdicts.calibration(session)
        items = [
            PastQuestion(
                id=one.id,
                question=one.question,
                created_at=one.created_at,
                not_found=one.not_found,
                answers=[
                    PlacedAnswer.of(
                        place.document, turned.of_answer(read_answer(Node(place.data))), stale=place.stale
                    )
                    for place in one.answers
                ],
            )
            for one in answers.history_of_all(session, auth.current())
        ]
    return answer(PastQuestions(items=items))


def _ask_model(document_id: str, asked: OneQuestion) -> Response:
    with context().database.read() as session:
        numbers = _numbers(asked.pages, access.document(session, auth.current(), document_id, "write"))
    return ask_model(document_id, _understood(asked.question), numbers)


def _answered(document_id: str, asked: OneQuestion) -> AnswerRow:
    question, who = _understood(asked.question), auth.current()
    vector = embedder().embed([question.text])[0]
    with context().database.read() as session:
        row = access.document(session, who, document_id, "read")
        numbers = _numbers(asked.pages, row)
        known = answers.kept(session, row, question.text, numbers)
        pages = [] if known else answers.pages_about(session, who, row, question, vector, numbers=numbers)
    if known:
        return known
    found = _from(pages, question, row)
    with context().database.write() as session:
        row = access.document(session, who, document_id, "read")
        more = {"pages": numbers, "complete": row.status == "done", "alias": plain(asked.alias)}
        return answers.keep(session, row, who.user_id, question.text, found, **more)


def _from(pages: Sequence[Page], question: Question, row: DocumentRow) -> Answer:
    if not pages and row.status not in ("done", "partial"):
        raise Conflict(
            f"No page of this document is read (it is {row.status}).",
            hint="Watch .../events until a page is read; POST .../retry tries again what failed.",
            code="not-read",
        )
    return Index.of(pages).ask(question.text)


def _precision(said: float | None) -> float:
    return context().settings.answer_precision if said is None else said


def _understood(text: str) -> Question:
    try:
        return Question.of(text)
    except Usage as error:
        raise Rejected(error.message, hint=error.hint, code=error.code) from None


def _numbers(text: str, row: DocumentRow) -> list[int]:
    try:
        return page_numbers(text, row.page_count or 0) if text.strip() else []
    except Usage as error:
        raise Rejected(error.message, hint=error.hint, code=error.code) from None
