"""Finds how many rows the head of a table has."""

from __future__ import annotations

from collections.abc import Sequence

from docproc.rules import Rules
from docproc.tables.bands import separators
from docproc.tables.grid import Columns, Piece


def head_height(pieces: Sequence[Piece], columns: Columns, rules: Rules, height: float) -> int:
    """Return how many rows the head has.

    It ends at the first rule across the table or under its headings over several columns; else it is the
    first row, unless that holds numbers as the others do.
    """
    rows = max(piece.row + piece.rows for piece in pieces)
    first = min(piece.box.bottom for piece in pieces if piece.row == 0)
    cuts = [one.y for one in separators(columns, rules, height) if all(one.over) and one.y > first - 0.3 * height]
    ruled = len({piece.row for piece in pieces if piece.box.center[1] < cuts[0]}) if cuts else 0
    headed = heading_rows(pieces, len(columns.extents))
    found = max(ruled if 2 * ruled <= rows else 0, headed)
    if found:
        return found
    top = [piece for piece in pieces if piece.row == 0]
    return int(2 * sum(is_number(piece) for piece in top) < len(top) and rows > 1)


def heading_rows(pieces: Sequence[Piece], width: int) -> int:
    """Return the number of rows down to the one under the last heading over several columns, 0 without any."""
    head = 0
    for row in range(max((one.row for one in pieces), default=0)):
        if row <= head and any(one.row == row and 1 < one.columns < width for one in pieces):
            head = row + 1
    return head + 1 if head else 0


def is_number(piece: Piece) -> bool:
    """Say whether most letters of a cell are digits."""
    text = "".join(one.text for one in piece.chunks)
    return 2 * sum(char.isdigit() for char in text) > len(text)
