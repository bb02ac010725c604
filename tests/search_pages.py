"""Documents with known words, put into the store and the search index."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from docproc.document import Line, Page, Region, Word
from docproc.geometry import Box
from docproc.store import readings, search
from docproc.store.access import Principal
from docproc.store.tables import DocumentRow, PageRow, Run, User


def page(*lines: str, number: int = 1) -> Page:
    """Return a page of lines; word w of line l lies at left 100 w, top 20 l, 90 x 15 points."""
    made = tuple(_line(index, text) for index, text in enumerate(lines))
    region = Region("r0", "text", Box(0, 0, 600, 800), 0, line_ids=tuple(line.id for line in made))
    return Page(number, 612, 792, lines=made, regions=(region,))


def _line(index: int, text: str) -> Line:
    words = tuple(
        Word(f"l{index}w{at}", one, (box := Box(100 * at, 20 * index, 100 * at + 90, 20 * index + 15)), box.corners)
        for at, one in enumerate(text.split(" "))
    )
    box = Box.union(word.box for word in words)
    return Line(f"l{index}", text, box, box.corners, words=words)


@dataclass
class Library:
    """Adds users and documents in one transaction."""

    session: Session

    def user(self, name: str, role: Any = "reviewer") -> Principal:
        row = User(name=name, role=role)
        self.session.add(row)
        self.session.flush()
        return Principal(row.id, name, role)

    def document(self, who: Principal, *pages: Page, filename: str = "file.pdf", **values: Any) -> DocumentRow:
        row = DocumentRow(
            owner_id=who.user_id, sha256="0" * 64, filename=filename, media_type="application/pdf", size=1, **values
        )
        self.session.add(row)
        self.session.flush()
        run = Run(document_id=row.id, user_id=who.user_id, options={}, status="done", page_count=len(pages))
        self.session.add(run)
        self.session.flush()
        row.run_id = run.id
        for one in pages:
            self.session.add(PageRow(run_id=run.id, number=one.number, status="done"))
            readings.save(self.session, run.id, one.number, one)
            search.index_page(self.session, row, one.number, one)
        self.session.flush()
        return row
