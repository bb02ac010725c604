"""Tables with known cells: ruled, booktabs or striped, with spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from docproc.document import Cell, Line, Table
from docproc.geometry import Box
from docproc.synth.sheet import ASCENT, DESCENT, Align, Sheet, Style

Rules = Literal["grid", "booktabs", "stripes", "none"]
PADDING = 4.0


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in a cell; a cell that spans is written once, its other places are None."""

    text: str
    row_span: int = 1
    column_span: int = 1
    align: Align = "left"
    bold: bool = False


Rows = Sequence[Sequence[Entry | None]]


def draw_table(
    sheet: Sheet, box: Box, rows: Rows, widths: Sequence[float], *, style: Style, rules: Rules = "booktabs"
) -> Box:
    """Draw `rows` from the top of `box`, columns as wide as `widths` share its width; return what it covers.

    The first row is the header. Truth goes to the sheet: lines, cells, the table and its region.
    """
    xs = _edges(box.left, [box.width * width / sum(widths) for width in widths])
    ys = _edges(box.top, _heights(rows, xs, style))
    _background(sheet, xs, ys, rules)
    cells: list[Cell] = []
    lines: list[Line] = []
    for row, column, entry in _entries(rows):
        place = Box(xs[column], ys[row], xs[column + entry.column_span], ys[row + entry.row_span])
        lines += _write(sheet, place, entry, style)
        cells.append(_cell(row, column, entry, place))
    covered = Box(xs[0], ys[0], xs[-1], ys[-1])
    _rules(sheet, cells, covered, rules)
    sheet.table(Table("", covered, len(rows), len(widths), tuple(cells)), lines)
    return covered


def table_height(box_width: float, rows: Rows, widths: Sequence[float], style: Style) -> float:
    """Return the height that `draw_table` will need, in points."""
    xs = _edges(0.0, [box_width * width / sum(widths) for width in widths])
    return sum(_heights(rows, xs, style))


def _entries(rows: Rows) -> Iterator[tuple[int, int, Entry]]:
    for row, entries in enumerate(rows):
        for column, entry in enumerate(entries):
            if entry is not None:
                yield row, column, entry


def _cell(row: int, column: int, entry: Entry, place: Box) -> Cell:
    return Cell(
        f"c{row}-{column}", row, column, entry.row_span, entry.column_span, entry.text, place, header=row == 0
    )


def _edges(start: float, steps: Sequence[float]) -> list[float]:
    edges = [start]
    for step in steps:
        edges.append(edges[-1] + step)
    return edges


def _heights(rows: Rows, xs: Sequence[float], style: Style) -> list[float]:
    heights = [style.step + PADDING for _ in rows]
    for row, column, entry in _entries(rows):
        if entry.row_span == 1 and entry.text:
            look = style.bold() if entry.bold else style
            width = xs[column + entry.column_span] - xs[column] - 2 * PADDING
            heights[row] = max(heights[row], len(look.wrap(entry.text, width)) * style.step + PADDING)
    return heights


def _write(sheet: Sheet, place: Box, entry: Entry, style: Style) -> list[Line]:
    if not entry.text:
        return []
    look = style.bold() if entry.bold else style
    wrapped = look.wrap(entry.text, place.width - 2 * PADDING)
    ink = (len(wrapped) - 1) * look.step + (ASCENT + DESCENT) * look.size
    baseline = place.top + (place.height - ink) / 2 + ASCENT * look.size
    x = {"left": place.left + PADDING, "right": place.right - PADDING, "center": place.center[0]}[entry.align]
    return [
        sheet.write(x, baseline + index * look.step, " ".join(words), look, align=entry.align)
        for index, words in enumerate(wrapped)
    ]


def _background(sheet: Sheet, xs: Sequence[float], ys: Sequence[float], rules: Rules) -> None:
    if rules == "stripes":
        sheet.fill(Box(xs[0], ys[0], xs[-1], ys[1]), (0.82, 0.86, 0.90))
        for top, bottom in list(pairwise(ys))[2::2]:
            sheet.fill(Box(xs[0], top, xs[-1], bottom), (0.94, 0.95, 0.96))


def _rules(sheet: Sheet, cells: Sequence[Cell], covered: Box, rules: Rules) -> None:
    if rules == "grid":
        for cell in cells:
            sheet.canvas.draw_rect(cell.box.as_list(), width=0.5)
    if rules == "booktabs":
        header = max(cell.box.bottom for cell in cells if cell.row == 0)
        for y, width in ((covered.top, 1.0), (header, 0.5), (covered.bottom, 1.0)):
            sheet.rule((covered.left, y), (covered.right, y), width)
