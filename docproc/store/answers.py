"""Questions to documents: which pages they are about, and answers, kept until what they rest on changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.document import Page
from docproc.embed import Vectors
from docproc.exports.json_findings import answer_to_dict
from docproc.findings import Answer
from docproc.qa import Question
from docproc.qa.index import PAGES
from docproc.store import access, search
from docproc.store.current import shown_page
from docproc.store.tables import AnswerRow, DocumentRow, PageRow, new_id

MOST_KEPT = 1_000
"""Answers looked through for one that was given before."""
OF_ALL = 8
"""Pages that are looked at when all documents are asked."""


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """An answer out of one document, as JSON; `stale`: what it rests on was corrected or read again since."""

    document: DocumentRow
    data: Mapping[str, Any]
    stale: bool


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """A question to all documents, with its answers, the surest first; `not_found`: there were none."""

    id: str
    question: str
    created_at: datetime
    answers: tuple[PastAnswer, ...]
    not_found: bool


def pages_about(
    session: Session,
    who: access.Principal,
    document: DocumentRow,
    question: Question,
    vector: Vectors | None = None,
    *,
    numbers: Collection[int] = (),
) -> list[Page]:
    """Return the pages of a document that a question is about, as they are now: all of a short one, else the nearest.

    `numbers` narrows it to some pages. Pages that are not read yet are left out.
    """
    query = select(PageRow.number).where(PageRow.run_id == (document.run_id or ""), PageRow.status == "done")
    known = [number for number in session.scalars(query.order_by(PageRow.number)) if not numbers or number in numbers]
    if len(known) > PAGES:
        hits = _near(session, who, question, vector, f" in:{document.id}", limit=4 * PAGES)
        about = [page for _, page in hits if page in known]
        known = sorted(list(dict.fromkeys([*about, *known]))[:PAGES])
    pages = (shown_page(session, document, number) for number in known)
    return [page for page in pages if page is not None]


def places_about(
    session: Session, who: access.Principal, question: Question, vector: Vectors | None = None
) -> list[tuple[DocumentRow, list[Page]]]:
    """Return the pages nearest to a question, by document, of all documents that one may see."""
    found: dict[str, list[int]] = {}
    for document, page in _near(session, who, question, vector, "", limit=OF_ALL):
        found.setdefault(document, []).append(page)
    rows = {row.id: row for row in session.scalars(select(DocumentRow).where(DocumentRow.id.in_(found)))}
    pages = {
        key: [shown_page(session, rows[key], number) for number in numbers[:PAGES]] for key, numbers in found.items()
    }
    return [(rows[key], [page for page in some if page is not None]) for key, some in pages.items()]


def kept(session: Session, document: DocumentRow, question: str, numbers: Sequence[int]) -> AnswerRow | None:
    """Return the answer that was given to the same question on the same pages of the same run, if it still stands."""
    rows = select(AnswerRow).where(AnswerRow.document_id == document.id, AnswerRow.question == question)
    for row in session.scalars(rows.order_by(AnswerRow.id.desc()).limit(MOST_KEPT)):
        same = row.data["run"] == document.run_id and row.data["pages"] == list(numbers)
        if same and row.data["complete"] and not row.data["stale"]:
            return row
    return None


def keep(
    session: Session,
    document: DocumentRow | None,
    user_id: str,
    question: str,
    answer: Answer,
    **more: Any,
) -> AnswerRow:
    """Keep an answer with the run it rests on; `more` are values kept with it (pages, complete, alias)."""
    run = document.run_id if document is not None else None
    data = {**answer_to_dict(answer), "run": run, "stale": False, "pages": [], "complete": True, "alias": "", **more}
    row = AnswerRow(
        id=new_id(), document_id=document.id if document else None, user_id=user_id, question=question, data=data
    )
    session.add(row)
    session.flush()
    return row


def history(session: Session, document: DocumentRow, user_id: str, limit: int = 100) -> list[AnswerRow]:
    """Return what somebody asked a document, the newest first."""
    rows = select(AnswerRow).where(AnswerRow.document_id == document.id, AnswerRow.user_id == user_id)
    return list(session.scalars(rows.order_by(AnswerRow.id.desc()).limit(limit)))


def keep_of_all(
    session: Session, user_id: str, question: str, answers: Sequence[tuple[DocumentRow, dict[str, Any]]]
) -> AnswerRow:
    """Keep what a question to all documents was answered: each answer as JSON, with the state it was read in."""
    places = [
        {"document": row.id, "seen": _states(session, row, data["evidence"]), "answer": data} for row, data in answers
    ]
    kept_ = AnswerRow(id=new_id(), document_id=None, user_id=user_id, question=question, data={"answers": places})
    session.add(kept_)
    session.flush()
    return kept_


def history_of_all(session: Session, who: access.Principal, limit: int = 50) -> list[PastQuestion]:
    """Return what somebody asked all documents, the newest first, without what they may no longer see."""
    rows = select(AnswerRow).where(AnswerRow.document_id.is_(None), AnswerRow.user_id == who.user_id)
    found = list(session.scalars(rows.order_by(AnswerRow.id.desc()).limit(limit)))
    ids = {place["document"] for row in found for place in row.data["answers"]}
    seen = select(DocumentRow).where(access.visible(who), DocumentRow.id.in_(ids))
    known = {document.id: document for document in session.scalars(seen)}
    return [_past(session, row, known) for row in found]


def _past(session: Session, row: AnswerRow, known: Mapping[str, DocumentRow]) -> PastQuestion:
    places = [(known[one["document"]], one) for one in row.data["answers"] if one["document"] in known]
    answers = tuple(
        PastAnswer(document, one["answer"], _states(session, document, one["answer"]["evidence"]) != one["seen"])
        for document, one in places
    )
    return PastQuestion(row.id, row.question, row.created_at, answers, not row.data["answers"])


def _states(session: Session, document: DocumentRow, evidence: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the states of the pages that an answer rests on, as words that change with them."""
    numbers = sorted({one["page"] for one in evidence})
    rows = select(PageRow).where(PageRow.run_id == (document.run_id or ""), PageRow.number.in_(numbers))
    return [f"{row.run_id}.{row.number}.{row.revision}" for row in session.scalars(rows.order_by(PageRow.number))]


def doubt(session: Session, document: DocumentRow, number: int) -> None:
    """Mark answers that rest on page `number`, which has changed, and those that found nothing, as stale."""
    standing = AnswerRow.data["stale"].as_boolean().is_(False)
    for row in session.scalars(select(AnswerRow).where(AnswerRow.document_id == document.id, standing)):
        if row.data["not_found"] or any(one["page"] == number for one in row.data["evidence"]):
            row.data = {**row.data, "stale": True}


def _near(
    session: Session, who: access.Principal, question: Question, vector: Vectors | None, where: str, limit: int
) -> list[tuple[str, int]]:
    """Return (document, page) of the hits of the hybrid search, best first."""
    words = " OR ".join(f'"{word}"' for word in question.words)
    meaning = search.Meaning(vector) if vector is not None else None
    hits = search.find(session, who, f"({words}){where}", limit=limit, meaning=meaning).hits
    return [(hit.document, hit.page) for hit in hits]
