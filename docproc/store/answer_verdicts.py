"""What people say of answers, right or wrong, and the calibration of confidences that comes of it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from docproc.errors import Conflict, NotFound
from docproc.exports.json_reader import Node, read_answer
from docproc.findings import Answer
from docproc.qa.confidence import Calibration
from docproc.store.tables import AnswerRow, AnswerVerdict, DocumentRow, utc_now

NEWEST = 1_000
"""Verdicts that count."""


def say(session: Session, document: DocumentRow, answer_id: str, user_id: str, *, right: bool) -> AnswerRow:
    """Keep whether somebody found an answer right, in place of what they said before; return the answer.

    Raises NotFound where there is no such answer, Conflict for "not found", which has no confidence to learn from.
    """
    row = _answer_row(session, document, answer_id)
    if row.data["not_found"] or row.data["confidence"] is None:
        raise Conflict("This answer says that nothing was found.", hint="Ask in other words.", code="no-answer")
    known = session.get(AnswerVerdict, (answer_id, user_id)) or AnswerVerdict(answer_id=answer_id, user_id=user_id)
    known.right, known.confidence, known.created_at = right, row.data["confidence"], utc_now()
    session.add(known)
    session.flush()
    return row


def take_back(session: Session, document: DocumentRow, answer_id: str, user_id: str) -> AnswerRow:
    """Forget what somebody said of an answer, if anything; return the answer. Raises NotFound where there is none."""
    row = _answer_row(session, document, answer_id)
    session.execute(
        delete(AnswerVerdict).where(AnswerVerdict.answer_id == answer_id, AnswerVerdict.user_id == user_id)
    )
    return row


def said(session: Session, user_id: str, answer_ids: Iterable[str]) -> dict[str, bool]:
    """Return id of an answer -> whether somebody found it right, of those they said something of."""
    mine = AnswerVerdict.user_id == user_id, AnswerVerdict.answer_id.in_(list(answer_ids))
    rows = session.execute(select(AnswerVerdict.answer_id, AnswerVerdict.right).where(*mine))
    return {answer_id: right for answer_id, right in rows}  # noqa: C416  (dict() does not take rows)


def calibration(session: Session) -> Calibration:
    """Return how confidences are to be turned after the newest verdicts; nothing is turned without any."""
    newest = (
        select(AnswerVerdict.confidence, AnswerVerdict.right).order_by(AnswerVerdict.created_at.desc()).limit(NEWEST)
    )
    return Calibration.of((confidence, right) for confidence, right in session.execute(newest))


def answer(row: AnswerRow) -> Answer:
    """Return a kept answer, with the confidence that it was given with."""
    return read_answer(Node(row.data))


def _answer_row(session: Session, document: DocumentRow, answer_id: str) -> AnswerRow:
    row = session.get(AnswerRow, answer_id)
    if row is None or row.document_id != document.id:
        raise NotFound("There is no such answer.", hint="GET .../questions lists yours.")
    return row
