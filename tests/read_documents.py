"""Pages to correct, and documents in the store that are read already, without a worker."""

from collections.abc import Mapping, Sequence
from typing import Any

from exports_samples import a_line, han_line, page_of
from sqlalchemy.orm import Session

from docproc.corrections import Correction, apply
from docproc.document import Page
from docproc.store import corrections, readings, search
from docproc.store.tables import DocumentRow, PageRow, Run


def page_read(text: str = "the quick brovvn fox", number: int = 1) -> Page:
    """Return a page with a title, line t in region r0, and a text, line a in region r1; words are aw0, aw1, ..."""
    return page_of(number, [("title", [a_line("t", "Letter", 40, 40)]), ("text", [a_line("a", text, 40, 100)])])


def add_run(session: Session, document: DocumentRow, *pages: Page) -> str:
    """Add a finished run with these pages; return its id."""
    run = Run(document_id=document.id, user_id=document.owner_id, status="done", options={}, page_count=len(pages))
    session.add(run)
    session.flush()
    for page in pages:
        session.add(PageRow(run_id=run.id, number=page.number, status="done", width=420.0, height=595.0))
        readings.save(session, run.id, page.number, page)
    return run.id


def add_document(session: Session, owner_id: str, sha256: str = "0" * 64) -> str:
    """Add a document of two pages, read and indexed; return its id."""
    return add_pages(session, owner_id, [page_read(), page_read("second page", 2)], sha256)


def add_pages(session: Session, owner_id: str, pages: Sequence[Page], sha256: str = "0" * 64) -> str:
    """Add a document of these pages, read and indexed; return its id."""
    document = DocumentRow(
        owner_id=owner_id, sha256=sha256, filename="letter.pdf", media_type="application/pdf", size=1, status="done"
    )
    session.add(document)
    session.flush()
    document.run_id = add_run(session, document, *pages)
    document.page_count = len(pages)
    for page in pages:
        search.index_page(session, document, page.number, corrections.current_page(session, document, page.number))
    return document.id


def letter() -> Page:
    return page_of(
        1,
        [
            ("title", [a_line("t", "Invoice No 7", 40, 40)]),
            ("text", [a_line("a", "the quick brovvn fox", 40, 100), a_line("b", "jumps over", 40, 115)]),
            ("text", [a_line("r", "مرحبا بالعالم", 40, 200, right_to_left=True)]),
            ("text", [han_line("h", 40, 300)]),
        ],
    )


def done(page: Page, *operations: Mapping[str, Any]) -> Page:
    return apply(page, [Correction(f"c{index}", one) for index, one in enumerate(operations)])


def line_text(page: Page, name: str) -> str:
    return page.lines_by_id[name].text
