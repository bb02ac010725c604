"""Pages as they are now: as read, with the corrections of people. What everybody is shown, finds and downloads."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.corrections import Correction, apply_what_fits
from docproc.document import Document, Page
from docproc.errors import NotFound
from docproc.exports.json import page_to_dict
from docproc.pairs import with_pairs
from docproc.store import findings, readings
from docproc.store.tables import CorrectionRow, DocumentRow


def current_page(session: Session, document: DocumentRow, number: int, *, pairs: bool = True) -> Page:
    """Return a page as it is now: as read, with its corrections.

    Without `pairs` label-value pairs are as they were read, for what corrects it further. Raises NotFound (code
    `not-read`) when it is not read yet.
    """
    page = shown_page(session, document, number, pairs=pairs)
    if page is None:
        hint = "Its document's status says how far it is."
        raise NotFound(f"Page {number} is not read.", hint=hint, code="not-read")
    return page


def shown_page(session: Session, document: DocumentRow, number: int, *, pairs: bool = True) -> Page | None:
    """Return what `current_page` does, None when the page is not read yet."""
    page = readings.load(session, document.run_id, number) if document.run_id else None
    if page is None:
        return None
    corrected = _corrected(page, _placed(session, document, number)[number], pairs=pairs)
    return findings.shown_with(corrected, findings.on_page(session, document, number))


def shown_json(session: Session, document: DocumentRow, number: int) -> bytes | None:
    """Return the JSON of what `shown_page` returns."""
    plain = not (_placed(session, document, number)[number] or findings.on_page(session, document, number))
    if document.run_id and plain:
        kept = readings.load_json(session, document.run_id, number)
        if kept is not None:
            return kept
    page = shown_page(session, document, number)
    return json.dumps(page_to_dict(page), separators=(",", ":")).encode() if page else None


def current_document(session: Session, document: DocumentRow) -> Document:
    """Return the whole document as it is now; pages that are not read yet are left out."""
    whole, placed = readings.document(session, document), _placed(session, document)
    found = findings.by_page(session, document)
    corrected = (_corrected(page, placed[page.number]) for page in whole.pages)
    return replace(whole, pages=tuple(findings.shown_with(page, found.get(page.number, ())) for page in corrected))


def history(session: Session, document: DocumentRow, number: int | None = None) -> list[CorrectionRow]:
    """Return all corrections of a page, or of all pages, oldest first: the undone and the not placed as well."""
    query = select(CorrectionRow).where(CorrectionRow.document_id == document.id)
    if number is not None:
        query = query.where(CorrectionRow.number == number)
    return list(session.scalars(query.order_by(CorrectionRow.number, CorrectionRow.batch, CorrectionRow.position)))


def _placed(session: Session, document: DocumentRow, number: int | None = None) -> Mapping[int, list[CorrectionRow]]:
    """Return the corrections that stand, by page."""
    found: defaultdict[int, list[CorrectionRow]] = defaultdict(list)
    for row in history(session, document, number):
        if row.placed and row.undone_at is None and row.run_id == document.run_id:
            found[row.number].append(row)
    return found


def _corrected(page: Page, rows: Sequence[CorrectionRow], *, pairs: bool = True) -> Page:
    corrected, _ = apply_what_fits(page, [Correction(row.id, row.operation) for row in rows])
    return with_pairs(corrected) if rows and pairs else corrected
