"""What people said about pages, as models can learn it: pages that were corrected, or approved as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.document import Page
from docproc.store import readings
from docproc.store.current import current_page, history
from docproc.store.tables import CorrectionRow, DocumentLabel, DocumentRow, PageRow, Review, Run, User

LAYOUT_OPERATIONS = frozenset({"label", "order", "region", "resize"})
TABLE_OPERATIONS = frozenset({"cell", "grid"})


@dataclass(frozen=True, slots=True)
class Taught:
    """A page as people left it, and what of it they have said.

    `touched` are the ids of words and lines they corrected or confirmed, `tables` those of the tables; `layout` says
    that they changed regions. With `approved` a reviewer has called the whole page right as it is. `label` is the
    document's first label.
    """

    document: DocumentRow
    run: Run
    page: Page
    touched: frozenset[str]
    tables: frozenset[str]
    layout: bool
    approved: bool
    label: str


def taught(session: Session, owners: Collection[str] = ()) -> Iterator[Taught]:
    """Yield pages that were corrected or approved, by document and page; `owners` (names) narrows it to theirs.

    What is in the trash is left out. Of several documents of the same bytes each page comes once: from the document
    that was handed in last.
    """
    query = select(DocumentRow).where(DocumentRow.deleted_at.is_(None), DocumentRow.run_id.is_not(None))
    if owners:
        query = query.join(User, User.id == DocumentRow.owner_id).where(User.name.in_(owners))
    found: dict[tuple[str, int], DocumentRow] = {}
    for row in session.scalars(query.order_by(DocumentRow.id)):
        for number in _numbers(session, row):
            found[row.sha256, number] = row
    for (_, number), row in sorted(found.items(), key=lambda one: one[0]):
        yield _taught(session, row, number)


def _numbers(session: Session, document: DocumentRow) -> set[int]:
    """Return the numbers of the pages that people said something about, of those that are read."""
    done = select(PageRow.number).where(PageRow.run_id == document.run_id, PageRow.status == "done")
    standing = {row.number for row in history(session, document) if _stands(row, document)}
    return (standing | _approved(session, document)) & set(session.scalars(done))


def _approved(session: Session, document: DocumentRow) -> set[int]:
    """Return the pages that somebody approved in the state they are in, and nobody rejected in it."""
    query = select(Review.number, Review.verdict).join(
        PageRow, (PageRow.run_id == Review.run_id) & (PageRow.number == Review.number)
    )
    fresh = (Review.document_id == document.id, Review.run_id == document.run_id, Review.revision == PageRow.revision)
    verdicts: list[tuple[int, str | None]] = [
        (number, verdict) for number, verdict in session.execute(query.where(*fresh))
    ]
    rejected = {number for number, verdict in verdicts if verdict == "rejected"}
    return {number for number, verdict in verdicts if verdict == "approved"} - rejected


def _taught(session: Session, document: DocumentRow, number: int) -> Taught:
    rows = [row for row in history(session, document, number) if _stands(row, document)]
    page = current_page(session, document, number)
    before = readings.load(session, document.run_id or "", number)
    operations = [row.operation for row in rows]
    kinds = {str(one.get("op")) for one in operations}
    named = {str(one["id"]) for one in operations if "id" in one}
    cells = {table.id for table in page.tables if named & ({cell.id for cell in table.cells} | {table.region_id})}
    label = select(DocumentLabel.name).where(DocumentLabel.document_id == document.id).order_by(DocumentLabel.name)
    return Taught(
        document,
        session.get_one(Run, document.run_id),
        page,
        _touched(page, before, rows),
        frozenset(cells if kinds & TABLE_OPERATIONS else ()),
        bool(kinds & LAYOUT_OPERATIONS),
        number in _approved(session, document),
        session.scalar(label.limit(1)) or "",
    )


def _touched(page: Page, before: Page | None, rows: list[CorrectionRow]) -> frozenset[str]:
    """Return the ids of words and lines that were named, made or changed by corrections."""
    named = {str(row.operation.get("id")) for row in rows}
    made = tuple(f"{row.id}-" for row in rows)
    old = {word.id: word.text for line in before.lines for word in line.words} if before else {}
    found: set[str] = set()
    for line in page.lines:
        whole = line.id in named or line.id.startswith(made)
        words = {
            word.id
            for word in line.words
            if whole or word.id in named or word.id.startswith(made) or old.get(word.id) != word.text
        }
        found |= words | ({line.id} if words else set())
    return frozenset(found) if rows else frozenset()


def _stands(row: CorrectionRow, document: DocumentRow) -> bool:
    return row.placed and row.undone_at is None and row.run_id == document.run_id
