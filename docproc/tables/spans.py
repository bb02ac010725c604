"""Widens cells over the places they govern: headings over several columns, labels beside several rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docproc.rules import Rules
from docproc.tables.grid import Columns, Piece
from docproc.tables.head import heading_rows, is_number

HEADS = 3
"""Rows in which headings over several columns are looked for."""


def widen(pieces: Sequence[Piece], columns: Columns, rules: Rules, height: float) -> list[Piece]:
    """Return the cells with their full spans."""
    wide = [_over_columns(piece, pieces, columns, rules, height) for piece in pieces]
    return _over_rows(_without_overlap(wide, pieces), len(columns.extents))


def _without_overlap(wide: Sequence[Piece], before: Sequence[Piece]) -> list[Piece]:
    """Take back what would cover another cell."""
    taken = [piece.places for piece in before]
    result = []
    for index, piece in enumerate(wide):
        others = set().union(*(places for i, places in enumerate(taken) if i != index))
        kept = before[index] if piece.places & others else piece
        taken[index] = kept.places
        result.append(kept)
    return result


def _over_columns(piece: Piece, pieces: Sequence[Piece], columns: Columns, rules: Rules, height: float) -> Piece:
    """Widen a cell to the rules around it, a heading also to the rule under it or to be in the middle."""
    first, last = piece.first, piece.first + piece.columns
    row = [
        one
        for one in pieces
        if one is not piece and one.row < piece.row + piece.rows and piece.row < one.row + one.rows
    ]
    left = max((one.first + one.columns for one in row if one.first < first), default=0)
    right = min((one.first for one in row if one.first >= last), default=len(columns.extents))
    y = piece.box.center[1]
    if any(columns.ruled):
        while first > left and columns.ruled[first - 1] and not _wall(columns.edges[first], y, rules, height):
            first -= 1
        while last < right and columns.ruled[last - 1] and not _wall(columns.edges[last], y, rules, height):
            last += 1
    if not any(columns.ruled):
        # further down, a rule under a figure is that of a sum
        heads = piece.row < HEADS or not is_number(piece)
        over = _ruled_columns(piece, columns, rules, height) if heads else []
        if not row and len(over) == len(columns.extents):
            over = []  # the rule of the whole table, under a line on its own
        if over and left <= over[0] <= first and last <= over[-1] + 1 <= right:  # else it rules off a row
            first, last = over[0], over[-1] + 1
        elif row and piece.row < HEADS:
            below = {c for one in pieces if one.row == piece.row + piece.rows for _, c in one.places}
            first, last = _centred(piece, columns, (left, right), below, height)
    return replace(piece, first=first, columns=last - first)


def _wall(x: float, y: float, rules: Rules, height: float) -> bool:
    return any(one.top <= y <= one.bottom and abs(one.center[0] - x) < 0.7 * height for one in rules.vertical)


def _ruled_columns(piece: Piece, columns: Columns, rules: Rules, height: float) -> list[int]:
    """Return the columns over which the rule right under a heading runs."""
    box = piece.box
    for rule in rules.horizontal:
        near = -0.3 * height <= rule.center[1] - box.bottom < height
        if near and min(rule.right, box.right) - max(rule.left, box.left) > 0.7 * box.width:
            span = (rule.left, rule.right)
            return [c for c, extent in enumerate(columns.extents) if _share(extent, span) > 0.5]
    return []


def _share(extent: tuple[float, float], span: tuple[float, float]) -> float:
    shared = min(extent[1], span[1]) - max(extent[0], span[0])
    return shared / max(extent[1] - extent[0], 1e-6)


def _centred(
    piece: Piece, columns: Columns, room: tuple[int, int], below: set[int], height: float
) -> tuple[int, int]:
    """Return the run of columns inside `room` whose middle lies nearest to the middle of the heading.

    A heading that is aligned with its own column governs that alone.
    """
    box, first, last = piece.box, piece.first, piece.first + piece.columns
    best = (abs(_middle(columns, first, last) - box.center[0]), 0, first, last)
    for a in range(room[0], first + 1):
        for b in range(last, room[1] + 1):
            if all(c in below for c in (*range(a, first), *range(last, b))):
                best = min(best, (abs(_middle(columns, a, b) - box.center[0]), a - b, a, b))
    if piece.columns == 1:
        left, right = columns.extents[first]
        away = min(abs(box.left - left), abs(box.right - right), abs(box.center[0] - (left + right) / 2))
        if away < 0.3 * height or best[0] > 0.5 * away:
            return first, last
    return best[2], best[3]


def _middle(columns: Columns, first: int, last: int) -> float:
    return (columns.extents[first][0] + columns.extents[last - 1][1]) / 2


def _over_rows(pieces: Sequence[Piece], width: int) -> list[Piece]:
    """Stretch headings over the empty places above and below them in the rows of the head."""
    head = heading_rows(pieces, width)
    taken = set().union(*(piece.places for piece in pieces))
    result = []
    for piece in pieces:
        across = range(piece.first, piece.first + piece.columns)
        top, bottom = piece.row, piece.row + piece.rows
        if bottom <= head:
            while top > 0 and not any((top - 1, c) in taken for c in across):
                top -= 1
            while bottom < head and not any((bottom, c) in taken for c in across):
                bottom += 1
        result.append(replace(piece, row=top, rows=bottom - top))
        taken |= result[-1].places
    return result
