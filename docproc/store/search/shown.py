"""The text of pages as they are shown, many at a time."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import lru_cache

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from docproc.store import current
from docproc.store.search.texts import Text
from docproc.store.tables import CorrectionRow, DocumentRow, Reading

MOST_KEPT = 128
"""Texts kept with their tokens, a few hundred kilobytes each: who pages through results asks for the same again."""
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
        yield document, number, Text.of_page(page) if page else _text(data)


@lru_cache(MOST_KEPT)
def _text(data: bytes) -> Text:
    return Text.of_json(json.loads(zlib.decompress(data)))
