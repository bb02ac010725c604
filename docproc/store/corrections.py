"""Corrections kept: pages as people have corrected them, under If-Match, with undo, carried over to newer runs.

The state of a page has a tag (its run, its revision, and how often findings came or went): who changes a page says
which state they saw, and is refused when somebody else has corrected it in between. Findings that came do not matter
to a correction: they say nothing of its words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from docproc.corrections import Correction, anchor, apply, apply_what_fits, reanchor
from docproc.document import Page
from docproc.errors import Conflict, NotFound, Rejected
from docproc.pairs import with_pairs
from docproc.store import answers, events, readings, search
from docproc.store.current import current_document, current_page, history
from docproc.store.tables import CorrectionRow, DocumentRow, PageRow, new_id, utc_now

__all__ = ["add", "carry_over", "current_document", "current_page", "history", "tag", "undo"]

MOST_OPERATIONS = 500
"""Operations of one batch."""


def tag(session: Session, document: DocumentRow, number: int) -> str:
    """Return the tag of the page's state, which changes with every change of what `current_page` returns."""
    return _tag(_page_row(session, document, number))


def add(
    session: Session,
    document: DocumentRow,
    number: int,
    operations: Sequence[Mapping[str, Any]],
    *,
    user_id: str,
    expected: Collection[str] | None,
) -> Page:
    """Correct a page by a batch of operations, all or none; return the page as it is then.

    `expected` are the tags of the states that the user may have seen, None when any will do. Raises Conflict (code
    `changed`) when the page is in another state, Rejected when an operation cannot be done.
    """
    if not 0 < len(operations) <= MOST_OPERATIONS:
        raise Rejected(f"A batch takes 1 to {MOST_OPERATIONS} operations.", code="bad-correction")
    row = _locked(session, document, number, expected)
    page, batch = current_page(session, document, number, pairs=False), _next_batch(session, document, number)
    for position, operation in enumerate(operations):
        kept = CorrectionRow(
            id=new_id(),
            document_id=document.id,
            run_id=row.run_id,
            number=number,
            batch=batch,
            position=position,
            user_id=user_id,
            operation=dict(operation),
        )
        changed = apply(page, [Correction(kept.id, operation)], first=position)
        kept.anchor, page = anchor(page, operation), changed
        session.add(kept)
    return _changed(session, document, row, with_pairs(page))


def undo(session: Session, document: DocumentRow, number: int, *, expected: Collection[str] | None) -> Page:
    """Take back the newest batch on a page, whoever sent it; return the page as it is then.

    Raises Conflict when there is none (code `nothing-to-undo`), or when the page has changed (see `add`).
    """
    row = _locked(session, document, number, expected)
    standing = [one for one in history(session, document, number) if one.undone_at is None]
    if not standing:
        raise Conflict("There is nothing to undo on this page.", code="nothing-to-undo")
    for one in standing:
        if one.batch == standing[-1].batch:
            one.undone_at = utc_now()
    session.flush()
    return _changed(session, document, row, current_page(session, document, number))


def carry_over(session: Session, document: DocumentRow) -> None:
    """Find the places of all corrections on the run that the document shows by now; may be done twice.

    Those that find none are kept and marked as not placed; another run may have their place again. To be called
    where `run_id` of the document is changed, before its pages are indexed.
    """
    pages: dict[int, Page | None] = {}
    for row in history(session, document):
        if row.undone_at is not None:
            continue
        if row.number not in pages:
            pages[row.number] = readings.load(session, document.run_id or "", row.number)
        pages[row.number] = _moved(row, document.run_id or "", pages[row.number])
    session.flush()


def _moved(row: CorrectionRow, run_id: str, page: Page | None) -> Page | None:
    """Let a correction speak of a run's page; return the page with it."""
    found = row.operation if row.run_id == run_id and row.placed else None
    if found is None and page is not None:
        found = reanchor(row.operation, row.anchor or {}, page)
    row.run_id, row.placed = run_id, False
    if page is None or found is None:
        return page
    corrected, left_out = apply_what_fits(page, [Correction(row.id, found)])
    if not left_out:
        row.operation, row.placed = found, True
    return corrected


def _page_row(session: Session, document: DocumentRow, number: int) -> PageRow:
    row = session.get(PageRow, (document.run_id or "", number))
    if row is None:
        raise NotFound(f"There is no page {number}.", hint="Its document's status says which there are.")
    return row


def _tag(row: PageRow) -> str:
    return f"{_text_tag(row)}.{row.found}"


def _text_tag(row: PageRow) -> str:
    return f"{row.run_id}.{row.revision}"


def _locked(session: Session, document: DocumentRow, number: int, expected: Collection[str] | None) -> PageRow:
    """Return the page's row when it is in an expected state, which it then keeps until the transaction ends."""
    session.refresh(document, with_for_update=True)
    row = _page_row(session, document, number)
    session.refresh(row)
    if expected is not None and _text_tag(row) not in {".".join(one.split(".")[:2]) for one in expected}:
        raise Conflict(
            "Somebody has changed this page in between.",
            hint="Fetch it again, look whether your correction is still right, and send it with the new ETag.",
            code="changed",
        )
    return row


def _changed(session: Session, document: DocumentRow, row: PageRow, page: Page) -> Page:
    row.revision += 1
    row.updated_at = document.updated_at = utc_now()
    session.flush()
    search.index_page(session, document, row.number, page)
    answers.doubt(session, document, row.number)
    data = {"number": row.number, "status": row.status, "run": row.run_id, "width": row.width, "height": row.height}
    events.emit(session, document.id, "page", data | {"problem": None, "remaining": 0, "revision": row.revision})
    return page


def _next_batch(session: Session, document: DocumentRow, number: int) -> str:
    """Return the name of a page's next batch: they are counted, so that they sort as they came."""
    newest = session.scalar(
        select(func.max(CorrectionRow.batch)).where(
            CorrectionRow.document_id == document.id, CorrectionRow.number == number
        )
    )
    return f"{int(newest or 0) + 1:08d}"
