"""What becomes of answers: those that a vision model gives in the background, and whether answers were right."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict, Field

from docproc.embed import embedder
from docproc.errors import NotFound
from docproc.exports.json_findings import answer_to_dict
from docproc.qa import Question
from docproc.qa.confidence import is_sure
from docproc.store import access, answer_verdicts, audit, findings, model_answers, uploads
from docproc.store.tables import AnswerRow, DocumentStatus
from web import auth, context
from web.api import api
from web.api.findings import PageProblem, require_model
from web.api.models import DocumentPath, answer
from worker.queue import announce

blueprint = api("answers", "Answers of vision models, and whether answers were right.")


class AnswerPath(DocumentPath):
    """An answer about a document."""

    answer_id: str = Field(max_length=64)


class ModelAnswer(BaseModel):
    """A question to the vision model, how far it is, and its answer."""

    id: str
    question: str
    status: DocumentStatus
    pages: list[int] = Field(description="The pages that are looked at")
    answer: dict[str, Any] | None = Field(
        description="As other answers: `text`, `confidence`, `not_found`, `ungrounded`, `engine`, `evidence`; null "
        "while it is waited for"
    )
    problems: list[PageProblem]


class Verdict(BaseModel):
    """What somebody says of an answer."""

    model_config = ConfigDict(extra="forbid")

    right: bool


class Said(BaseModel):
    """What was kept, and what the confidence is after it."""

    id: str
    right: bool | None = Field(description="Null: nothing, it was taken back")
    confidence: float = Field(description="After what people said of answers so far")
    sure: bool


def ask_model(document_id: str, question: Question, numbers: list[int]) -> Response:
    """Queue a question for the vision model of this service; `Location` says where its answer will be."""
    who, here = auth.current(), context()
    vector = embedder().embed([question.text])[0]
    with here.database.write() as session:
        row = access.document(session, who, document_id, "write")
        require_model(here.settings)
        uploads.require_room(session, who.user_id, here.settings.max_queued_pages)
        request = model_answers.ask(session, who, row, question, vector, numbers=numbers)
        audit.note(session, who, "document.find", row.id, address=auth.address(), details={"task": request.task})
        entry = ModelAnswer(
            id=request.id,
            question=question.text,
            status=request.status,
            pages=request.options["pages"],
            answer=None,
            problems=[],
        )
    announce(here.settings, "gpu")
    there = url_for("answers.of_model", document_id=document_id, answer_id=entry.id)
    return answer(entry, 202, {"Location": there})


@blueprint.get("/documents/<document_id>/questions/<answer_id>", responses={"200": ModelAnswer})
def of_model(path: AnswerPath) -> Response:
    """Say how far a question to the vision model is, and what it answers.

    The event `findings` of `.../events` tells when it goes on. The words that an answer rests on are those of now.
    """
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        asked = findings.get(session, row, path.answer_id)
        if asked.row.task != model_answers.TASK:
            raise NotFound("There is no such question.", hint="POST .../questions asks one.")
        found = model_answers.answer_to(session, row, asked)
        return answer(
            ModelAnswer(
                id=asked.row.id,
                question=asked.row.prompt,
                status=asked.row.status,
                pages=asked.row.options["pages"],
                answer=None if found is None else answer_to_dict(found),
                problems=asked.row.state["problems"],
            )
        )


@blueprint.put("/documents/<document_id>/questions/<answer_id>/verdict", responses={"200": Said})
def judge(path: AnswerPath, body: Verdict) -> Response:
    """Say whether an answer was right: confidences are calibrated by what is said."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "read")
        kept = answer_verdicts.say(session, row, path.answer_id, who.user_id, right=body.right)
        return _said(session, kept, body.right)


@blueprint.delete("/documents/<document_id>/questions/<answer_id>/verdict", responses={"200": Said})
def take_back(path: AnswerPath) -> Response:
    """Take back what you said of an answer, if anything."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "read")
        return _said(session, answer_verdicts.take_back(session, row, path.answer_id, who.user_id), None)


def _said(session: Any, row: AnswerRow, right: bool | None) -> Response:
    turned = answer_verdicts.calibration(session).of_answer(answer_verdicts.answer(row))
    return answer(Said(id=row.id, right=right, confidence=turned.confidence or 0.0, sure=is_sure(turned)))
