"""A table as HTML, by models that were fine-tuned for it (PaliGemma 2, arXiv 2412.03555, section 4.3).

Cells may carry their place, `<td coords="<locLEFT><locTOP><locRIGHT><locBOTTOM>">`: x first there. The HTML is
untrusted: it is read into a `Table`, and what is passed on is written anew from that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from docproc.document import Cell, Table
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.locations import LAST, mean_score
from docproc.tasks.writing import plain

name = "table"
needs = ""
reads: Reads = "padded"  # as those models were trained
tokens = 4000  # with the 4096 of an image at 896 px about what the models can hold
side = 896

LARGEST = 500
"""Rows and columns that a table may have; more is a model that does not stop."""
_COORDS = re.compile(r"<loc([0-9]{4})>" * 4)


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt; raise Usage for the released models, none of which can."""
    return write_prompt(trained, name, Words())


def parse(seen: Seen) -> Parsed:
    """Return one finding whose text is the table as plain HTML."""
    table = read_table(seen.generation.text, seen.view, seen.page)
    if table is None:
        return Parsed(invalid=int(bool(seen.generation.text.strip())))
    finding = Finding(
        task=name,
        prompt=seen.prompt,
        page=seen.number,
        label="table",
        box=table.box,
        text=write_html(table),
        confidence=mean_score(seen.generation.scores),
    )
    return Parsed([finding])


def read_table(html: str, view: View, page: Box) -> Table | None:
    """Return the first table that a model wrote about `view`; None when there is no cell in it.

    A cell that has no place of its own gets its share of the table's box.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    placed = _grid(reader.rows)
    if not placed:
        return None
    rows = max(row + cell.down for row, _, cell in placed)
    columns = max(column + cell.across for _, column, cell in placed)
    box = view.box.clipped(page)
    cells = []
    for index, (row, column, cell) in enumerate(placed):
        share = _share(box, (row, column), cell, (rows, columns))
        where = _place(cell.coords, view, box) or share
        text = " ".join(plain("".join(cell.texts)).split())
        cells.append(Cell(f"c{index}", row, column, cell.down, cell.across, text, where.rounded(), cell.header))
    return Table("", box, rows, columns, tuple(cells))


def write_html(table: Table) -> str:
    """Return a table as HTML of `table`, `tr`, `td` and `th` with spans, and nothing else."""
    rows: list[list[str]] = [[] for _ in range(table.rows)]
    for cell in sorted(table.cells, key=lambda cell: (cell.row, cell.column)):
        tag = "th" if cell.header else "td"
        spans = [("rowspan", cell.row_span), ("colspan", cell.column_span)]
        more = "".join(f' {key}="{value}"' for key, value in spans if value > 1)
        rows[cell.row].append(f"<{tag}{more}>{escape(cell.text)}</{tag}>")
    return "<table>" + "".join(f"<tr>{''.join(row)}</tr>" for row in rows) + "</table>"


@dataclass(slots=True)
class _Cell:
    """A cell as it stands in the HTML."""

    down: int
    across: int
    header: bool
    coords: str
    texts: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects the rows of the first table; it has ended when `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[_Cell]] = []
        self.done = self._open = self._head = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if self.done:
            return
        if tag == "thead":
            self._head = True
        elif tag == "tr":
            self.rows.append([])
            self._open = False
        elif tag in ("td", "th"):
            given = dict(attrs)
            self.rows = self.rows or [[]]
            down, across = _span(given.get("rowspan")), _span(given.get("colspan"))
            self.rows[-1].append(_Cell(down, across, tag == "th" or self._head, given.get("coords") or ""))
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self.done = self.done or tag == "table"
        self._head = self._head and tag != "thead"
        self._open = self._open and tag not in ("td", "th", "tr")

    def handle_data(self, data: str) -> None:
        if self._open and not self.done:
            self.rows[-1][-1].texts.append(data)


def _span(value: str | None) -> int:
    return min(max(int(value), 1), LARGEST) if value and re.fullmatch("[0-9]{1,4}", value) else 1


def _grid(rows: Sequence[Sequence[_Cell]]) -> list[tuple[int, int, _Cell]]:
    """Return each cell with its row and column, as browsers lay them out; what is over `LARGEST` is left out."""
    taken: set[tuple[int, int]] = set()
    placed: list[tuple[int, int, _Cell]] = []
    rows = rows[:LARGEST]
    for row, cells in enumerate(rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            if column >= LARGEST:
                break
            cell.down, cell.across = min(cell.down, len(rows) - row), min(cell.across, LARGEST - column)
            taken.update((row + y, column + x) for y in range(cell.down) for x in range(cell.across))
            placed.append((row, column, cell))
    return placed


def _share(box: Box, where: tuple[int, int], cell: _Cell, size: tuple[int, int]) -> Box:
    high, wide = box.height / size[0], box.width / size[1]
    left, top = box.left + where[1] * wide, box.top + where[0] * high
    return Box(left, top, left + cell.across * wide, top + cell.down * high)


def _place(coords: str, view: View, within: Box) -> Box | None:
    found = _COORDS.fullmatch(coords.strip())
    if not found or max(map(int, found.groups())) > LAST:
        return None
    x0, y0, x1, y1 = (int(number) / LAST for number in found.groups())
    box = view.place((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))).clipped(within)
    return box if box.area > 0 else None
