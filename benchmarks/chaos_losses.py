"""What was lost: everything that was accepted is looked at, row by row and file by file."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from chaos_site import Site
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from docproc.scratch import YOUNG, Scratch
from docproc.store import documents, events, readings
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.tables import DocumentRow, Job, PageRow, Reading, SearchPage
from docproc.store.verify import verify

ENDED = ("done", "partial", "failed", "rejected")


def losses(site: Site, accepted: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong; `accepted` maps documents to the pages they have. Page N shows N blobs."""
    database = Database(site.settings)
    with database.read() as session:
        known = set(session.scalars(select(DocumentRow.id)))
        yield from (f"document {one} was accepted and is gone" for one in accepted.keys() - known)
        yield from (f"document {one} was made though never accepted" for one in known - accepted.keys())
        for document_id in sorted(known & accepted.keys()):
            row = session.get_one(DocumentRow, document_id)
            yield from (f"document {row.filename}: {what}" for what in _of_document(session, row, accepted[row.id]))
        yield from (f"job left: {job.kind} {job.document_id} {job.number}" for job in session.scalars(select(Job)))
        yield from _search(session)
    found = verify(database, Files(site.settings))
    for what in ("missing", "damaged", "orphans"):
        yield from (f"file {what}: {sha256}" for sha256 in getattr(found, what))
    database.close()
    yield from (f"left over: {path}" for path in _leftovers(site))


def outcome(site: Site) -> Counter[str]:
    """Return how many documents and pages came to which end, and how many pages took more than one attempt."""
    database = Database(site.settings)
    with database.read() as session:
        pages = session.execute(select(PageRow.status, func.count()).group_by(PageRow.status)).all()
        rows = session.execute(select(DocumentRow.status, func.count()).group_by(DocumentRow.status)).all()
        again = session.scalar(select(func.count()).select_from(PageRow).where(PageRow.attempts > 1)) or 0
    database.close()
    counts = {f"pages {status}": count for status, count in pages} | {f"documents {one}": n for one, n in rows}
    return Counter(counts | {"pages read again": again})


def _of_document(session: Session, row: DocumentRow, pages: int) -> Iterator[str]:
    if row.status not in ENDED:
        yield f"is still {row.status}"
        return
    status = documents.status_of(session, row)
    if status.run is None or status.newest != status.run:
        yield "has not one run"
        return
    if row.status != "done" and row.problem is None and not any(page.problem for page in status.pages):
        yield f"is {row.status} for no reason"
    if row.page_count is not None and [page.number for page in status.pages] != list(range(1, pages + 1)):
        yield f"has the pages {[page.number for page in status.pages]}, not {pages}"
    kept = Counter(session.scalars(select(Reading.number).where(Reading.run_id == status.run.id)))
    for page in status.pages:
        yield from (f"page {page.number} {what}" for what in _of_page(session, page, kept[page.number]))
    yield from (f"reading {number} of no page" for number in kept.keys() - {page.number for page in status.pages})
    yield from _of_events(session, row, {page.number: str(page.status) for page in status.pages})


def _of_page(session: Session, page: PageRow, kept: int) -> Iterator[str]:
    if page.status == "failed" and (not page.problem or not page.problem["message"]):
        yield "failed for no reason"
    if page.status not in {"done", "failed"}:
        yield f"is {page.status}"
    if kept != (page.status == "done"):
        yield f"is {page.status} and has {kept} readings"
    elif kept:
        read = readings.load(session, page.run_id, page.number)
        if read is None or len(read.lines) != page.number:
            yield "was not read as it is"


def _of_events(session: Session, row: DocumentRow, ends: Mapping[int, str]) -> Iterator[str]:
    told = events.since(session, row.id)
    if [event.sequence for event in told] != list(range(1, row.sequence + 1)):
        yield "has events with gaps"
    pages = Counter((event.data["number"], event.data["status"]) for event in told if event.kind == "page")
    if row.page_count is not None and pages != Counter(ends.items()):
        yield f"told of its pages {dict(pages)}"
    ended = [event for event in told if event.kind == "document" and event.data["status"] in ENDED]
    if len(ended) != 1 or told[-1] is not ended[0]:
        yield f"told {len(ended)} times that it ended"


def _search(session: Session) -> Iterator[str]:
    shown = select(DocumentRow.id, PageRow.number).join(PageRow, PageRow.run_id == DocumentRow.run_id)
    wanted = {(document, number) for document, number in session.execute(shown.where(PageRow.status == "done"))}
    found = {(one, number) for one, number in session.execute(select(SearchPage.document_id, SearchPage.number))}
    yield from (f"search does not know page {number} of {one}" for one, number in sorted(wanted - found))
    yield from (f"search knows page {number} of {one}, which was not read" for one, number in sorted(found - wanted))


def _leftovers(site: Site) -> Iterator[Path]:
    """Yield temporary files that stay; what killed processes left is removed by the next one that starts."""
    folder = site.folder / "tmp"
    old = time.time() - 2 * YOUNG
    for path in folder.iterdir():
        os.utime(path, (old, old))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        Scratch().remove()
    finally:
        tempfile.tempdir = before
    yield from folder.iterdir()
    data = site.settings.data_dir
    yield from Files(site.settings).leftovers(older_than=-1)
    yield from (data / "queue").glob("messages/*.part")
    yield from (data / "queue").glob("taken/*")
