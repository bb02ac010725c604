"""What was read, page by page: one compressed JSON per (run, page), the JSON of `docproc.exports.json`."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast, overload

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.document import Document, Page, Problem, Source
from docproc.exports.json import page_from_dict, page_to_dict
from docproc.store.tables import DocumentRow, PageRow, Reading, Run

LEVEL = 6


def save(session: Session, run_id: str, number: int, page: Page) -> None:
    """Keep what was read on page `number` of a run; a page that was kept before is replaced."""
    session.merge(Reading(run_id=run_id, number=number, data=pack(page)))


def load(session: Session, run_id: str, number: int) -> Page | None:
    """Return a page as read; a failed one as a page with problems, None when it is not finished."""
    data = session.scalar(select(Reading.data).where(Reading.run_id == run_id, Reading.number == number))
    if data is not None:
        return unpack(data)
    row = session.get(PageRow, (run_id, number))
    return _failed(row) if row is not None and row.status == "failed" else None


def load_json(session: Session, run_id: str, number: int) -> bytes | None:
    """Return the JSON of a page as read, None when it is not read: much less work than making a Page of it."""
    data = session.scalar(select(Reading.data).where(Reading.run_id == run_id, Reading.number == number))
    if data is None:
        return None
    return zlib.decompress(data).decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace")


def document(session: Session, row: DocumentRow, engines: Mapping[str, str] | None = None) -> Document:
    """Return the document as its run read it: the pages that are done, and the failed ones with their problems.

    `engines` are those of its run where not given. It is usable after the session is closed.
    """
    run = session.get(Run, row.run_id) if row.run_id else None
    if engines is None:
        engines = (run.engines if run else None) or {}
    pages = _Pages(tuple(_kept(session, run.id)) if run else ())
    return Document(Source(row.filename, row.sha256, row.media_type, row.size), pages, dict(engines))


def pack(page: Page) -> bytes:
    """Return a page as it is kept."""
    text = json.dumps(page_to_dict(page), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"), LEVEL)


def unpack(data: bytes) -> Page:
    """Return the page that `pack` packed."""
    value: Any = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
    return page_from_dict(value)


class _Pages(Sequence[Page]):
    """Pages that are unpacked when they are asked for: a long document takes megabytes, not a gigabyte."""

    def __init__(self, kept: Sequence[bytes | Page]) -> None:
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> Page: ...

    @overload
    def __getitem__(self, index: slice) -> _Pages: ...

    def __getitem__(self, index: int | slice) -> Page | _Pages:
        if isinstance(index, slice):
            return _Pages(self._kept[index])
        kept = self._kept[index]
        return unpack(kept) if isinstance(kept, bytes) else kept


def _kept(session: Session, run_id: str) -> Iterator[bytes | Page]:
    query = (
        select(PageRow, Reading.data)
        .outerjoin(Reading, (Reading.run_id == PageRow.run_id) & (Reading.number == PageRow.number))
        .where(PageRow.run_id == run_id)
        .order_by(PageRow.number)
    )
    rows = cast("Iterable[tuple[PageRow, bytes | None]]", session.execute(query))
    for row, data in rows:
        if data is not None:
            yield data
        elif row.status == "failed":
            yield _failed(row)


def _failed(row: PageRow) -> Page:
    told = row.problem or {}
    problem = Problem(
        told.get("code", "failed"), told.get("message", "This page could not be read."), told.get("hint", "")
    )
    return Page(row.number, row.width or 0.0, row.height or 0.0, problems=(problem,))
