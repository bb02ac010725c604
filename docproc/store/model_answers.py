"""Questions to a vision model: it is asked in the background about the nearest pages; words say what it rests on."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from docproc.embed import Vectors
from docproc.errors import Conflict
from docproc.exports.json_reader import Node, read_finding
from docproc.findings import Answer
from docproc.qa import Question
from docproc.store import access, answers, jobs
from docproc.store.current import shown_page
from docproc.store.findings import ACTIVE, Asked, Wanted
from docproc.store.tables import DocumentRow, FindingRequest

TASK = "answer"


def ask(
    session: Session,
    who: access.Principal,
    document: DocumentRow,
    question: Question,
    vector: Vectors,
    *,
    numbers: Collection[int] = (),
) -> FindingRequest:
    """Queue a question about the pages that it is about; `numbers` narrows it to some.

    Raises Conflict where none of them is read, and what `docproc.store.findings.add` does.
    """
    about = answers.pages_about(session, who, document, question, vector, numbers=numbers)
    if not about:
        raise Conflict(
            f"No page of this document is read (it is {document.status}).",
            hint="Watch .../events until a page is read.",
            code="not-read",
        )
    wanted = Wanted(TASK, question.text, [page.number for page in about])
    return jobs.find(session, document, who.user_id, wanted)


def answer_to(session: Session, document: DocumentRow, asked: Asked) -> Answer | None:
    """Return what came of a question, with the words that say it as they are now; None while it is waited for."""
    from docproc.tasks.ground import answer_of  # noqa: PLC0415  (OpenCV: nothing that the web process needs to start)

    if asked.row.status in ACTIVE or not asked.findings:
        return None
    found = [read_finding(Node(one)) for one in asked.findings]
    pages = [shown_page(session, document, number) for number in sorted({one.page for one in found})]
    known = [page for page in pages if page is not None]
    return answer_of(found, known, question=asked.row.prompt, engine=asked.row.engine or "")
