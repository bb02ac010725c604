"""Splits a block of lines into columns and paragraphs, by gutters, indents and white space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from docproc.blocks import rows_of
from docproc.geometry import Box

FLUSH = 0.4
"""A line starts at the margin when it is no further from it than this share of the text height."""

INDENT = (0.7, 5.0)
"""First lines are indented by so much, in text heights."""

APART = 0.6
"""Paragraphs stand this much further apart than lines do, in text heights."""

COLUMN_GAP = 0.7
"""Columns stand at least this far apart, in text heights."""

LONG = 8.0
"""Lines of running text are longer than this many text heights."""


def split_paragraphs(boxes: Sequence[Box]) -> list[list[int]]:
    """Return the line boxes of one block as paragraphs: lists of indices, in reading order.

    A paragraph starts where a line is indented between lines that are not, or after more white space than
    usual. A block whose lines mostly start elsewhere than at its margin (centred print, verse) is split at
    white space alone.
    """
    rows = rows_of(boxes)
    if len(rows) < 2:
        return [[index for row in rows for index in row]] if rows else []
    printed = [Box.union(boxes[index] for index in row) for row in rows]
    height = median(box.height for box in printed)
    starts = _indented(printed, height) | _after_space(printed, height)
    paragraphs: list[list[int]] = []
    for number, row in enumerate(rows):
        if number in starts or not paragraphs:
            paragraphs.append([])
        paragraphs[-1] += row
    return paragraphs


def split_columns(boxes: Sequence[Box]) -> list[list[int]]:
    """Return the line boxes of one block as columns of running text, from left to right: lists of indices.

    A gutter that no line crosses parts columns when the lines on both sides are long, as running text is;
    short ones (a label and its value) belong together.
    """
    order = sorted(range(len(boxes)), key=lambda index: (boxes[index].left, index))
    columns: list[list[int]] = []
    end = float("-inf")
    for index in order:
        box = boxes[index]
        if not columns or box.left - end > COLUMN_GAP * box.height:
            columns.append([])
        columns[-1].append(index)
        end = max(end, box.right)
    if all(_runs_on([boxes[index] for index in column]) for column in columns):
        return columns
    return [order] if order else []


def _runs_on(column: Sequence[Box]) -> bool:
    return len(column) > 1 and median(box.width for box in column) > LONG * median(box.height for box in column)


def _indented(rows: Sequence[Box], height: float) -> set[int]:
    margin = sorted(box.left for box in rows)[len(rows) // 4]
    flush = [abs(box.left - margin) < FLUSH * height for box in rows]
    if 2 * sum(flush) < len(rows) or len(rows) < 3:
        return set()
    followed = [*flush[1:], True]
    low, high = INDENT
    return {
        number
        for number in range(1, len(rows))
        if low * height < rows[number].left - margin < high * height and flush[number - 1] and followed[number]
    }


def _after_space(rows: Sequence[Box], height: float) -> set[int]:
    gaps = [lower.top - upper.bottom for upper, lower in pairwise(rows)]
    usual = median(gaps)
    return {number for number, gap in enumerate(gaps, 1) if gap > usual + APART * height}
