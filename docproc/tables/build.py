"""Builds a table from the words inside its box."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from docproc.document import Cell, Line, Table, Word
from docproc.geometry import Box
from docproc.rules import Rules
from docproc.tables.bands import Separator, bands_of, separators
from docproc.tables.chunks import Chunk, printed_rows, text_height, typed_rules, words_inside
from docproc.tables.columns import covered, find_gutters, ruled_gutters
from docproc.tables.grid import Columns, Piece, Rows
from docproc.tables.head import head_height
from docproc.tables.rows import LEADING, bands_are_rows, group_rows, head_rows, usual_gap, wraps
from docproc.tables.spans import widen


def build_table(box: Box, lines: Sequence[Line], rules: Rules) -> Table | None:
    """Return the table inside `box` (points), or None when no words lie in it.

    `rules` are all rules of the page. The cells carry the text of their words; ids are given later.
    """
    words = words_inside(lines, box)
    if not words:
        return None
    height = text_height(words)
    near = _clear(rules.inside(box, 0.7 * height), words)
    near = Rules((*near.horizontal, *typed_rules(lines, box)), near.vertical)
    rows = _inside_frame(printed_rows(words, near), near, box)
    columns = _columns(rows, box, near, height)
    rows = [[part for one in row for part in _split(one, columns, rows)] for row in rows]
    pieces = widen(_pieces(rows, columns, near, height), columns, near, height)
    head = head_height(pieces, columns, near, height)
    cells = tuple(_cell(piece, head) for piece in sorted(pieces, key=lambda one: (one.row, one.first)))
    bottom = max(cell.row + cell.row_span for cell in cells)
    return Table("", _box(pieces, near, box), bottom, len(columns.extents), cells)


def _clear(rules: Rules, lines: Iterable[Iterable[Word]]) -> Rules:
    """Drop what runs through words: strokes and edges of large or coloured print."""
    cores = [
        Box(w.box.left, w.box.top + 0.15 * w.box.height, w.box.right, w.box.bottom - 0.15 * w.box.height)
        for words in lines
        for w in words
    ]

    def hidden(rule: Box, *, lying: bool) -> bool:
        x, y = rule.center
        if lying:
            spans = [(max(c.left, rule.left), min(c.right, rule.right)) for c in cores if c.top < y < c.bottom]
            return covered(one for one in spans if one[0] < one[1]) > 0.3 * rule.width
        spans = [(max(c.top, rule.top), min(c.bottom, rule.bottom)) for c in cores if c.left < x < c.right]
        return covered(one for one in spans if one[0] < one[1]) > 0.3 * rule.height

    return Rules(
        tuple(one for one in rules.horizontal if not hidden(one, lying=True)),
        tuple(one for one in rules.vertical if not hidden(one, lying=False)),
    )


def _inside_frame(rows: Rows, rules: Rules, box: Box) -> list[Sequence[Chunk]]:
    """Drop rows before the first and after the last long rule that are captions or notes, not cells."""
    long = [one for one in rules.horizontal if one.width > 0.6 * box.width]
    if len(long) < 2:
        return list(rows)
    top, bottom = long_span = min(one.top for one in long), max(one.bottom for one in long)
    sides = [one for one in rules.vertical if one.height > 0.5 * (bottom - top)]
    if len(sides) > 1:
        top, bottom = min(top, *(one.top for one in sides)), max(bottom, *(one.bottom for one in sides))
    inner = [row for row in rows if long_span[0] < row[0].box.center[1] < long_span[1]]
    if len(inner) * 2 < len(rows):
        return list(rows)
    kept = list(rows)
    while kept[0][0].box.center[1] < top and len(kept[0]) == 1:
        kept.pop(0)
    while kept[-1][0].box.center[1] > bottom and (len(sides) > 1 or len(kept[-1]) == 1):
        kept.pop()
    return kept


def _columns(rows: Rows, box: Box, rules: Rules, height: float) -> Columns:
    ruled = ruled_gutters(box, rules, height)
    text = Box.union(one.box for row in rows for one in row).grown(height).clipped(box)
    edges = (text.left, *find_gutters(rows, text, ruled, height), text.right)
    extents = []
    for left, right in pairwise(edges):
        inside = [
            one.box
            for row in rows
            for one in row
            if left <= one.box.center[0] <= right and one.box.width < 1.2 * (right - left)
        ]
        start = min((one.left for one in inside), default=left)
        stop = max((one.right for one in inside), default=right)
        extents.append((max(left, start), min(right, stop)))
    return Columns(edges, tuple(extents), tuple(edge in ruled for edge in edges[1:-1]))


def _split(chunk: Chunk, columns: Columns, rows: Rows) -> list[Chunk]:
    """Split a chunk at a gutter that runs between its words, when both parts are aligned with their columns.

    Headings of narrow columns stand closer than their figures; a heading over two columns is not aligned.
    """
    for x in columns.edges[1:-1]:
        before = tuple(word for word in chunk.words if word.box.center[0] < x)
        after = chunk.words[len(before) :]
        if not before or not after or before[-1].box.right > after[0].box.left:
            continue
        left, right = (Chunk(part, Box.union(word.box for word in part), chunk.row) for part in (before, after))
        if all(_aligned(part.box, columns, rows) for part in (left, right)):
            return [left, *_split(right, columns, rows)]
    return [chunk]


def _aligned(box: Box, columns: Columns, rows: Rows) -> bool:
    """Say whether some others in its column start, end or have their middle where the box has."""
    span = columns.span(box)
    others = [one.box for row in rows for one in row if columns.span(one.box) == span]
    near = 0.3 * box.height
    return any(
        sum(abs(place - other) < near for other in ends) > 1
        for place, ends in (
            (box.left, [one.left for one in others]),
            (box.right, [one.right for one in others]),
            (box.center[0], [one.center[0] for one in others]),
        )
    )


def _pieces(rows: Rows, columns: Columns, rules: Rules, height: float) -> list[Piece]:
    found = separators(columns, rules, height)
    homes = _homes(rows, columns, found, height)
    bands: list[Rows] = []
    for index in range(len(found) + 1):
        inside = [[one for one in row if homes[id(one)] == (index, index)] for row in rows]
        bands.append([row for row in inside if row])
    numbers = _numbers(bands, columns, [all(one.over) for one in found], height)
    starts = [0, *accumulate(max(one, default=-1) + 1 for one in numbers)]
    pieces = [
        Piece(starts[index] + number, *_across(one, columns, 1), (one,))
        for index, band in enumerate(bands)
        for row, number in zip(band, numbers[index], strict=True)
        for one in row
    ]
    for row in rows:
        for one in row:
            first, last = homes[id(one)]
            if last > first:
                tall = max(starts[last + 1] - starts[first], 1)
                pieces.append(Piece(starts[first], *_across(one, columns, tall), (one,)))
    return _merged(pieces)


def _homes(rows: Rows, columns: Columns, found: Sequence[Separator], height: float) -> dict[int, tuple[int, int]]:
    """Return the first and last band of each chunk, by its `id()`.

    Where a wall is missing, what stands far apart is still not one cell: the wall was only not seen. Nor are
    lines that end before the edge although more would have fitted: subtotals are ruled off under figures only.
    """
    homes: dict[int, tuple[int, int]] = {}
    last: dict[tuple[int, tuple[int, int]], list[Chunk]] = {}
    for row in rows:
        for one in row:
            span = columns.span(one.box)
            homes[id(one)] = bands_of(one.box, span, found)
            last.setdefault((span[0], homes[id(one)]), []).append(one)
    for (column, (first, end)), chunks in last.items():
        if first < end and not _is_one_cell(chunks, columns.extents[column], height):
            for one in chunks:
                band = sum(separator.y < one.box.center[1] for separator in found)
                homes[id(one)] = (band, band)
    return homes


def _is_one_cell(chunks: Sequence[Chunk], extent: tuple[float, float], height: float) -> bool:
    return all(
        lower.box.top - upper.box.bottom <= LEADING * height
        and (upper.row == lower.row or wraps(upper, lower, *extent))
        for upper, lower in pairwise(chunks)
    )


def _numbers(bands: Sequence[Rows], columns: Columns, full: Sequence[bool], height: float) -> list[list[int]]:
    """Return for each band the table row of each of its printed rows, from 0."""
    real = [band for band in bands if band]
    if bands_are_rows(real, columns, height):
        return [[0] * len(band) for band in bands]
    first = next((index for index, band in enumerate(bands) if band), 0)
    head = next((index + 1 for index in range(first, len(full)) if full[index]), 0)
    if 2 * sum(len(band) for band in bands[head:]) <= sum(len(band) for band in bands[:head]):
        head = 0  # what stands above the rule is no head
    usual = usual_gap(bands[head:], columns)
    body = [group_rows(band, columns, usual, height) if band else [] for band in bands[head:]]
    return [head_rows(band, columns) for band in bands[:head]] + body


def _across(chunk: Chunk, columns: Columns, rows: int) -> tuple[int, int, int]:
    first, last = columns.span(chunk.box)
    return first, rows, last - first + 1


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Join pieces that meet in a place of the grid."""
    owner: dict[tuple[int, int], Piece] = {}
    for piece in sorted(pieces, key=lambda one: (one.row, one.first)):
        grown = piece
        while clash := next((owner[place] for place in sorted(grown.places) if place in owner), None):
            for place in clash.places:
                del owner[place]
            grown = clash.joined(grown)
        owner |= dict.fromkeys(grown.places, grown)
    return list(dict.fromkeys(owner.values()))


def _cell(piece: Piece, head: int) -> Cell:
    chunks = sorted(piece.chunks, key=lambda one: (one.row, one.box.left))
    text = " ".join(one.text for one in chunks)
    heads = piece.row < head
    return Cell("", piece.row, piece.first, piece.rows, piece.columns, text, piece.box, header=heads)


def _box(pieces: Sequence[Piece], rules: Rules, box: Box) -> Box:
    """Return the box of the cells and of the long rules around them."""
    text = Box.union(piece.box for piece in pieces)
    long = [one for one in rules.horizontal if one.width > 0.6 * box.width]
    return Box.union([text, *(one for one in long if text.top - 20 < one.center[1] < text.bottom + 20)])
