"""A page as the portal shows it: blocks in reading order whose lines and words know what to mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from docproc.document import Line, Page, Table, Word
from docproc.exports.blocks import Block, blocks, lines_of_cells
from docproc.exports.markup import spaces_after
from docproc.geometry import Box
from web.pages.words import doubtful


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word with what is marked on it; `space`: white space follows."""

    text: str
    confidence: float | None
    doubtful: bool
    hit: bool
    space: bool


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line; its `words` may be none when the engine gave none, `text` is always there."""

    id: str
    text: str
    words: tuple[ShownWord, ...]


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell of a table; `tag` is the HTML element that it becomes."""

    tag: Literal["th", "td"]
    row_span: int
    column_span: int
    text: str
    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A region as shown; `rows` are those of its table."""

    label: str
    lines: tuple[ShownLine, ...]
    alt_text: str | None
    rows: tuple[tuple[ShownCell, ...], ...] = ()


def shown(page: Page, hits: Sequence[Box] = ()) -> list[ShownBlock]:
    """Return the blocks of `page` in reading order; words whose middle lies in one of `hits` are marked."""
    return [part for block in blocks(page) for part in _block(block, hits)]


def doubts(page: Page) -> list[tuple[str, Word]]:
    """Return the words to check with the ids of their lines, the least certain first."""
    found = [(line.id, word) for line in page.lines for word in line.words if doubtful(word)]
    return sorted(found, key=lambda one: one[1].confidence or 0.0)


def _block(block: Block, hits: Sequence[Box]) -> list[ShownBlock]:
    region = block.region
    if block.table is None:
        return [ShownBlock(region.label, _lines(block.lines, hits), region.alt_text)]
    cells, rest = lines_of_cells(block)
    lines = {cell.id: _lines(inside, hits) for cell, inside in cells}
    found = [ShownBlock("table", (), region.alt_text, _rows(block.table, lines))]
    return [*found, ShownBlock("text", _lines(rest, hits), None)] if rest else found


def _rows(table: Table, lines: dict[str, tuple[ShownLine, ...]]) -> tuple[tuple[ShownCell, ...], ...]:
    taken = {
        (cell.row + down, cell.column + across): cell
        for cell in table.cells
        for down in range(cell.row_span)
        for across in range(cell.column_span)
    }
    rows = []
    for row in range(table.rows):
        cells = []
        for column in range(table.columns):
            cell = taken.get((row, column))
            if cell is None:
                cells.append(ShownCell("td", 1, 1, "", ()))
            elif (cell.row, cell.column) == (row, column):
                tag: Literal["th", "td"] = "th" if cell.header else "td"
                cells.append(ShownCell(tag, cell.row_span, cell.column_span, cell.text, lines[cell.id]))
        rows.append(tuple(cells))
    return tuple(rows)


def _lines(lines: Sequence[Line], hits: Sequence[Box]) -> tuple[ShownLine, ...]:
    return tuple(ShownLine(line.id, line.text, _words(line, hits)) for line in lines)


def _words(line: Line, hits: Sequence[Box]) -> tuple[ShownWord, ...]:
    near = [hit for hit in hits if hit.bottom >= line.box.top and hit.top <= line.box.bottom]
    return tuple(
        ShownWord(
            word.text,
            word.confidence,
            doubtful(word),
            any(hit.contains(word.box.center) for hit in near),
            space,
        )
        for word, space in zip(line.words, spaces_after(line), strict=True)
    )
