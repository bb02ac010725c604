"""Where the tables are: what the layout model says, corrected by what the words and rules show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from docproc.blocks import rows_of
from docproc.document import Line, Table
from docproc.geometry import Box
from docproc.rules import Rules
from docproc.tables import build_table

CROP_MARGIN = 3.0
"""A picture whose text starts this close to its left and right edge (in text heights) is a cut-out, no page."""

ROW_GAP = 2.0
"""Rows of a table are no further apart than this many text heights, where no rules hold them together."""

TOTALS_GAP, INDENT = 2.2, 0.35
"""Sums stand further from the items than these from each other, by this factor; and begin in this share's right."""

COLUMN_GAP = 1.5
"""Columns without rules stand at least this many text heights apart, in most rows."""


def crop_table(page: Box, lines: Sequence[Line], rules: Rules) -> Table | None:
    """Return the table that fills a whole picture, or None when it is a page, a receipt or a photo."""
    boxes = [word.box for line in lines for word in line.words]
    if len(boxes) < 4:
        return None
    text = Box.union(boxes)
    height = sorted(box.height for box in boxes)[len(boxes) // 2]
    if max(text.left - page.left, page.right - text.right) > CROP_MARGIN * height:
        return None
    table = build_table(text, lines, rules)
    return table if table is not None and is_table(table) else None


def missed_tables(lines: Sequence[Line], rules: Rules) -> list[Table]:
    """Return tables in lines that the layout model put in none: ruled grids, then rows of aligned columns."""
    found = []
    left = list(lines)
    for box, trusted in [*((grid, True) for grid in _ruled_grids(rules)), *((run, False) for run in _runs(left))]:
        for part in (
            [box] if trusted else _cut_apart(box, [line for line in left if line.box.share_inside(box) > 0.5])
        ):
            inside = [line for line in left if line.box.share_inside(part) > 0.5]
            table = build_table(part, inside, rules) if len(inside) > 3 else None
            if table is not None and is_table(table) and (trusted or _is_aligned(table)):
                found.append(table)
                left = [line for line in left if line not in inside]
    return found


def is_table(table: Table) -> bool:
    """Say whether a grid of cells looks like a table rather than columns of text or a list.

    Most of its rows have several cells, most places are filled, and cells are short: a line of running text
    has 40 characters and more.
    """
    filled = sum(cell.row_span * cell.column_span for cell in table.cells) / (table.rows * table.columns)
    long = sum(len(cell.text) for cell in table.cells) / len(table.cells)
    return has_rows(table, 0.7) and filled >= 0.5 and long <= 30


def has_rows(table: Table, share: float = 0.55) -> bool:
    """Say whether at least `share` of the rows have several cells.

    Blocks side by side whose lines stand at different heights, such as two addresses, have not.
    """
    if table.rows < 2 or table.columns < 2:
        return False
    rows = Counter(row for cell in table.cells for row in range(cell.row, cell.row + cell.row_span))
    return sum(count > 1 for count in rows.values()) >= share * table.rows


def build_tables(box: Box, lines: Sequence[Line], rules: Rules) -> list[Table]:
    """Return the tables in a region that the layout model calls a table: one, several or none.

    It is cut where rows stand unusually far apart: the model likes to take what stands above with it.
    """
    inside = [line for line in lines if line.box.share_inside(box) > 0.5]
    tables = [build_table(part, inside, rules) for part in _cut_apart(box, inside)]
    return [one for one in tables if one is not None and has_rows(one) and _is_sure(one, rules)]


def _cut_apart(box: Box, lines: Sequence[Line]) -> list[Box]:
    rows = [Box.union(lines[index].box for index in row) for row in rows_of([line.box for line in lines])]
    if len(rows) < 6:
        return [box]
    gaps = [lower.top - upper.bottom for upper, lower in pairwise(rows)]
    limit = max(3 * median(gaps), 2.5 * median(row.height for row in rows))
    cuts = [
        (upper.bottom + lower.top) / 2
        for gap, (upper, lower) in zip(gaps, pairwise(rows), strict=True)
        if gap > limit
    ]
    edges = [box.top, *cuts, box.bottom]
    sums = (_totals(box, [row for row in rows if top < row.center[1] < bottom]) for top, bottom in pairwise(edges))
    edges = sorted([*edges, *(place for place in sums if place is not None)])
    return [Box(box.left, top, box.right, bottom) for top, bottom in pairwise(edges)]


def _totals(box: Box, rows: Sequence[Box]) -> float | None:
    """Return where the sums under the items of an invoice begin, None when there are none.

    They stand apart by more than the items do, and half of them leave the first columns empty.
    """
    gaps = [lower.top - upper.bottom for upper, lower in pairwise(rows)]
    for index in range(2, len(gaps)):
        below = rows[index + 1 :]
        indented = sum(row.left > box.left + INDENT * box.width for row in below)
        if len(below) > index:
            continue  # sums are fewer than items
        usual = max(median(gaps[:index]), median(row.height for row in rows) / 2)
        if gaps[index] > TOTALS_GAP * usual and indented >= 0.5 * len(below):
            return (rows[index].bottom + rows[index + 1].top) / 2
    return None


def _is_sure(table: Table, rules: Rules) -> bool:
    """Say whether a small table has rules, or else columns that only a table has."""
    near = rules.inside(table.box, 5.0)
    ruled = near.vertical or any(one.width > 0.6 * table.box.width for one in near.horizontal)
    return bool(ruled) or table.rows > 5 or _is_aligned(table)


def _is_aligned(table: Table) -> bool:
    """Say whether a table without rules is sure enough: many columns, or a column of numbers.

    Two blocks side by side, such as two addresses, are none.
    """
    if table.rows < 3:
        return False
    numbers = Counter(cell.column for cell in table.cells if _is_number(cell.text))
    return table.columns > 3 or max((numbers[c] for c in range(1, table.columns)), default=0) >= 0.7 * table.rows


def _is_number(text: str) -> bool:
    return 2 * sum(char.isdigit() for char in text) >= len(text.replace(" ", ""))


def _ruled_grids(rules: Rules) -> list[Box]:
    """Return the boxes around rules that cross: at least three lying ones on at least three standing ones."""
    grids: list[tuple[set[Box], set[Box]]] = []
    for standing in rules.vertical:
        crossed = {one for one in rules.horizontal if _cross(one, standing)}
        near = [grid for grid in grids if grid[0] & crossed]
        grids = [grid for grid in grids if grid not in near]
        grids.append((crossed.union(*(one[0] for one in near)), {standing}.union(*(one[1] for one in near))))
    return [Box.union(lying | standing) for lying, standing in grids if len(lying) > 2 and len(standing) > 2]


def _cross(lying: Box, standing: Box, slack: float = 3.0) -> bool:
    return (
        lying.left - slack <= standing.center[0] <= lying.right + slack
        and standing.top - slack <= lying.center[1] <= standing.bottom + slack
    )


def _runs(lines: Sequence[Line]) -> list[Box]:
    """Return the boxes of runs of printed rows that each have several pieces far apart."""
    boxes = [line.box for line in lines]
    runs: list[list[Box]] = []
    for row in rows_of(boxes):
        here = [boxes[index] for index in row]
        box = Box.union(here)
        height = min(one.height for one in here)
        apart = sum(b.left - a.right > COLUMN_GAP * height for a, b in pairwise(here))
        if not apart:
            continue
        if runs and box.top - runs[-1][-1].bottom < ROW_GAP * height:
            runs[-1].append(box)
        else:
            runs.append([box])
    return [Box.union(run) for run in runs if len(run) > 2]
