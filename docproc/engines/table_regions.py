"""Where the tables are: what the layout model says, corrected by what the words and rules show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from docproc.document import Line, Table
from docproc.geometry import Box
from docproc.rules import Rules
from docproc.tables import build_table

CROP_MARGIN = 3.0
"""A picture whose text starts this close to its left and right edge (in text heights) is a cut-out, no page."""


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


def is_table(table: Table) -> bool:
    """Say whether a grid of cells looks like a table rather than columns of text or a list.

    Most of its rows have several cells, most places are filled, and cells are short: a line of running text
    has 40 characters and more.
    """
    if table.rows < 2 or table.columns < 2:
        return False
    rows = Counter(row for cell in table.cells for row in range(cell.row, cell.row + cell.row_span))
    several = sum(count > 1 for count in rows.values()) / table.rows
    filled = sum(cell.row_span * cell.column_span for cell in table.cells) / (table.rows * table.columns)
    long = sum(len(cell.text) for cell in table.cells) / len(table.cells)
    return several >= 0.7 and filled >= 0.5 and long <= 30
