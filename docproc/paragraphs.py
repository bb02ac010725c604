"""Splits a block of lines into paragraphs, by indents and by white space."""

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
