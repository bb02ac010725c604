"""The tables of a Markdown text, GFM or HTML, as cells that know their neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from docproc.evaluate.dataset import TruthCell

Place = int
"""The index of a cell in its table."""

_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_BAR = re.compile(r"(?<!\\)\|")
MAX_SPAN = 1000
"""HTML allows no larger column span; it keeps a broken one from filling memory."""


@dataclass(frozen=True)
class MarkdownTable:
    """A table of a Markdown text."""

    grid: tuple[TruthCell, ...]

    @property
    def cells(self) -> range:
        """The places of all cells."""
        return range(len(self.grid))

    def text(self, place: Place) -> str:
        """Return the text of a cell."""
        return self.grid[place].text

    def next(self, place: Place, way: str) -> list[Place]:
        """Return the cells that touch this one on its `up`, `down`, `left` or `right` side."""
        cell = self.grid[place]
        bottom, right = cell.row + cell.row_span, cell.column + cell.column_span
        row, column = {
            "up": (cell.row - 1, None),
            "down": (bottom, None),
            "left": (None, cell.column - 1),
            "right": (None, right),
        }[way]
        return [
            index
            for index, other in enumerate(self.grid)
            if _within(row, other.row, other.row_span, (cell.row, bottom))
            and _within(column, other.column, other.column_span, (cell.column, right))
        ]

    def headings(self, place: Place, way: str) -> list[Place]:
        """Return the header cells met going `up` or `left`; where there are none, the outermost cells."""
        seen, edge, todo = {place}, set[Place](), [place]
        while todo:
            here = todo.pop()
            onward = self.next(here, way)
            if not onward:
                edge.add(here)
            fresh = set(onward) - seen
            seen |= fresh
            todo += sorted(fresh)
        heads = {one for one in seen - {place} if self.grid[one].header}
        return sorted(heads or edge - {place})


def parse_tables(markdown: str) -> list[MarkdownTable]:
    """Return the GFM tables of a Markdown text, then its HTML tables."""
    return [MarkdownTable(tuple(cells)) for cells in (*_gfm_tables(markdown), *html_tables(markdown))]


def html_tables(html: str) -> list[list[TruthCell]]:
    """Return the cells of each `<table>`, laid out on its grid as browsers do; nested ones count as text."""
    reader = _TableReader()
    reader.feed(html)
    reader.close()
    return reader.tables


def _within(at: int | None, start: int, span: int, own: tuple[int, int]) -> bool:
    """Say whether [start, start+span) holds `at`, or meets the cell's own stretch where `at` is None."""
    if at is not None:
        return start <= at < start + span
    return start < own[1] and own[0] < start + span


def _gfm_tables(markdown: str) -> list[list[TruthCell]]:
    lines = markdown.splitlines()
    tables = []
    for index, line in enumerate(lines[1:], 1):
        if "|" in lines[index - 1] and "-" in line and _RULE.match(line):
            tables.append(_gfm_table(lines, index))
    return tables


def _gfm_table(lines: Sequence[str], rule: int) -> list[TruthCell]:
    rows = [lines[rule - 1]]
    for line in lines[rule + 1 :]:
        if "|" not in line:
            break
        rows.append(line)
    return [
        TruthCell(row, column, 1, 1, text.replace("\\|", "|").strip(), header=row == 0)
        for row, line in enumerate(rows)
        for column, text in enumerate(_BAR.split(_trimmed(line)))
    ]


def _trimmed(line: str) -> str:
    line = line.strip().removeprefix("|")
    return line if line.endswith("\\|") else line.removesuffix("|")


class _TableReader(HTMLParser):
    """Collects the cells of outermost tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[TruthCell]] = []
        self._depth = 0
        self._row = -1
        self._head = False
        self._spans: tuple[int, int] | None = None
        self._header = False
        self._text: list[str] = []
        self._taken: set[tuple[int, int]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self._row, self._taken, self._head = -1, set(), False
        elif self._depth == 1 and tag == "thead":
            self._head = True
        elif self._depth == 1 and tag == "tr":
            self._finish()
            self._row += 1
        elif self._depth == 1 and tag in ("td", "th"):
            self._finish()
            known = dict(attrs)
            self._row = max(self._row, 0)
            self._spans = _span(known.get("rowspan")), _span(known.get("colspan"))
            self._header = self._head or tag == "th"
        elif tag == "br":
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._depth == 1 and tag in ("td", "th", "tr", "table"):
            self._finish()
        if tag == "thead":
            self._head = False
        if tag == "table" and self._depth:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._spans is not None:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._finish()

    def _finish(self) -> None:
        """Put the open cell on the first free place of its row."""
        if self._spans is None:
            return
        column = 0
        while (self._row, column) in self._taken:
            column += 1
        rows, columns = self._spans
        self._taken |= {(self._row + r, column + c) for r in range(rows) for c in range(columns)}
        text = " ".join("".join(self._text).split())
        self.tables[-1].append(TruthCell(self._row, column, rows, columns, text, self._header))
        self._spans, self._text = None, []


def _span(value: str | None) -> int:
    return min(max(int(value), 1), MAX_SPAN) if value and value.strip().isdecimal() else 1
