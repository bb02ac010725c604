"""The text of pages as they are shown, many at a time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence

from sqlalchemy import Select, and_, exists, select
from sqlalchemy.orm import Session

from docproc.store import current
from docproc.store.search.texts import Text
from docproc.store.tables import CorrectionRow, DocumentRow, Reading, SearchPage

_CORRECTED = exists().where(
    CorrectionRow.document_id == DocumentRow.id,
    CorrectionRow.number == Reading.number,
    CorrectionRow.undone_at.is_(None),
)
PAGES: Select[DocumentRow, int, bytes, bool] = select(DocumentRow, Reading.number, Reading.data, _CORRECTED).join(
    Reading, Reading.run_id == DocumentRow.run_id
)
"""Every page that is read, in the run that is shown; to be narrowed by the caller."""


def texts(session: Session, pages: Select[DocumentRow, int, bytes, bool]) -> Iterator[tuple[DocumentRow, int, Text]]:
    """Yield document, page number and text of the chosen pages.

    Pages that nobody corrected are taken from their JSON as it is kept.
    """
    for document, number, data, is_corrected in session.execute(pages):
        page = current.shown_page(session, document, number) if is_corrected else None
        yield document, number, Text.of_page(page) if page else Text.of_json(json.loads(zlib.decompress(data)))


def indexed(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, Text]]:
    """Return the file name of the document and the text of each page of the index, by the id of its row.

    What was indexed before texts were kept beside the index is taken from its reading.
    """
    query = select(SearchPage.id, DocumentRow.filename, SearchPage.shown, SearchPage.document_id, SearchPage.number)
    rows = session.execute(query.join(DocumentRow).where(SearchPage.id.in_(ids))).all()
    found = {row_id: (filename, Text.unpack(data)) for row_id, filename, data, *_ in rows if data}
    older = {(document, number): row_id for row_id, _, data, document, number in rows if not data}
    if older:
        here = and_(SearchPage.document_id == DocumentRow.id, SearchPage.number == Reading.number)
        pages = PAGES.join(SearchPage, here).where(SearchPage.id.in_(older.values()))
        found |= {older[row.id, number]: (row.filename, text) for row, number, text in texts(session, pages)}
    return found
