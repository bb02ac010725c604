"""Joins printed rows into table rows: cells of several lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from docproc.tables.chunks import Chunk
from docproc.tables.grid import Columns, Rows

FULL = 0.8
"""Bands between rules hold several rows each when this share of their places is filled: cells of several
lines leave places empty, because some of their neighbours are shorter."""


LEADING = 0.6
"""Lines of one cell are no further apart than this share of the text height."""


def bands_are_rows(bands: Sequence[Rows], columns: Columns, height: float) -> bool:
    """Say whether what lies between two rules is one table row, not a group of rows.

    `bands` are the printed rows of each band that has any.
    """
    several = [band for band in bands if len(band) > 1]
    if len(bands) < 3 or max(len(band) for band in bands) > 0.5 * sum(len(band) for band in bands):
        return False
    if any(_spread(band, columns, height) for band in several):
        return False
    if len(bands) >= 4 and len(several) * 2 <= len(bands):
        return True
    used = [[_columns(row, columns) for row in band] for band in several]
    filled = sum(len(row) for band in used for row in band)
    places = sum(len(set().union(*band)) * len(band) for band in used)
    return not places or filled < FULL * places


def _spread(band: Rows, columns: Columns, height: float) -> bool:
    """Say whether some column of the band has lines too far apart to be one cell."""
    lines: dict[int, list[Chunk]] = {}
    for row in band:
        for one in row:
            lines.setdefault(columns.span(one.box)[0], []).append(one)
    pairs = (pair for column in lines.values() for pair in pairwise(column))
    return any(lower.box.top - upper.box.bottom > LEADING * height for upper, lower in pairs)


def usual_gap(bands: Sequence[Rows], columns: Columns) -> float:
    """Return the usual white space between rows that are surely different: they share several columns.

    Where none do, it is the widest there is.
    """
    gaps = [
        _gap(upper, lower)
        for band in bands
        for upper, lower in pairwise(band)
        if len(_columns(upper, columns) & _columns(lower, columns)) > 1
    ]
    return median(gaps) if gaps else max((_gap(a, b) for band in bands for a, b in pairwise(band)), default=0.0)


def group_rows(rows: Rows, columns: Columns, usual: float, height: float) -> list[int]:
    """Return for each printed row of a band the number of the table row it belongs to, from 0."""
    numbers = [0]
    for upper, lower in pairwise(rows):
        joined = _interleaved(upper, lower, columns, height) or _continues(upper, lower, columns, usual, height)
        numbers.append(numbers[-1] + (not joined))
    return numbers


def head_rows(rows: Rows, columns: Columns) -> list[int]:
    """Return for each printed row of a head between two rules the number of its table row, from 0.

    All that stands below its last heading over several columns is one row.
    """
    last = max((i for i, row in enumerate(rows) if _has_heading(row, columns)), default=-1)
    return [min(index, last + 1) for index in range(len(rows))]


def _has_heading(row: Sequence[Chunk], columns: Columns) -> bool:
    spans = [columns.span(one.box) for one in row]
    return any(last > first for first, last in spans)


def _gap(upper: Sequence[Chunk], lower: Sequence[Chunk]) -> float:
    return median(one.box.top for one in lower) - median(one.box.bottom for one in upper)


def _columns(row: Sequence[Chunk], columns: Columns) -> set[int]:
    return {columns.span(one.box)[0] for one in row}


def _interleaved(upper: Sequence[Chunk], lower: Sequence[Chunk], columns: Columns, height: float) -> bool:
    """Say whether two printed rows are too close to be lines of one column (cells are centred)."""
    apart = median(one.box.center[1] for one in lower) - median(one.box.center[1] for one in upper)
    return apart < 0.75 * height and not _columns(upper, columns) & _columns(lower, columns)


def _continues(upper: Sequence[Chunk], lower: Sequence[Chunk], columns: Columns, usual: float, height: float) -> bool:
    """Say whether the lower row only goes on with cells of the upper one, or leads on to them."""
    gap = _gap(upper, lower)
    if gap > min(LEADING * height, max(usual, 0.0) + 0.2 * height):
        return False
    above = {columns.span(one.box): one for one in upper}
    below = {columns.span(one.box): one for one in lower}
    goes_on = set(below) < set(above) or (set(below) == set(above) and min(first for first, _ in below) > 0)
    if not (goes_on or set(above) < set(below)):
        return False
    tight = (usual - gap) / height if goes_on else 0.0
    return all(
        wraps(above[c], below[c], columns.extents[c[0]][0], columns.extents[c[1]][1])
        and (tight > 0.25 or _reads_on(above[c].text, below[c].text, closer=tight > 0.1))
        for c in set(below) & set(above)
    )


def wraps(above: Chunk, below: Chunk, left: float, right: float) -> bool:
    """Say whether the first word of `below` would not have fitted behind `above` in their columns."""
    word = below.words[0].box
    indent = max(above.box.left - left, 0.0)  # centred print ends before the edge, as far as it starts after it
    return above.box.right + 0.25 * word.height + word.width > right - indent


def _reads_on(above: str, below: str, *, closer: bool) -> bool:
    """Say whether the text itself reads on: an open end above, or a small letter below.

    An opening bracket counts only where the lines stand closer than rows do: it may start a row.
    """
    return above[-1] in "-,/(&" or below[0].islower() or below[0] in "&/" or (closer and below[0] == "(")
