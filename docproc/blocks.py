"""Groups lines into blocks by geometry alone: for text that no layout model put anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from docproc.geometry import Box

GAP = 0.8
"""Lines of a paragraph are no further apart than this share of their height (leading up to about 1.8)."""

WORD_GAP = 0.8
"""Pieces of one printed line are no further apart than this share of their height; columns are."""

ALIKE = 1.6
"""Lines of a block differ in height by no more than this factor (capitals change a box a little)."""

VALUE_GAP, SHORT = 8.0, 10.0
"""A label is shorter than so many times its height, and its value stands no further away."""


def group_lines(boxes: Sequence[Box]) -> list[list[int]]:
    """Group line boxes into paragraphs; return lists of indices, each from top to bottom.

    Lines are joined when they follow each other closely, are of like height and share an edge or the middle.
    Two columns are never joined: a line that runs over both of them (a heading) is joined with neither.
    Short labels and the values beside them, line for line, are one block.
    """
    links = _links(boxes)
    parent = list(range(len(boxes)))
    for a, b in links:
        if not _beside(boxes, a, b):
            parent[_root(parent, a)] = _root(parent, b)
    for a, b in _same_line(boxes):
        parent[_root(parent, a)] = _root(parent, b)
    groups: dict[int, list[int]] = {}
    for index in sorted(range(len(boxes)), key=lambda i: (boxes[i].top, boxes[i].left)):
        groups.setdefault(_root(parent, index), []).append(index)
    return _with_values(boxes, list(groups.values()))


def rows_of(boxes: Sequence[Box]) -> list[list[int]]:
    """Sort boxes into printed rows, from top to bottom; in a row from left to right. Returns indices.

    A box is in the row of the one whose middle comes next above its own when they share more than half of
    the smaller height.
    """
    rows: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda i: (boxes[i].center[1], boxes[i].left)):
        if rows and _shared_height(boxes[rows[-1][-1]], boxes[index]) > 0.5:
            rows[-1].append(index)
        else:
            rows.append([index])
    return [sorted(row, key=lambda i: boxes[i].left) for row in rows]


def _shared_height(a: Box, b: Box) -> float:
    shared = min(a.bottom, b.bottom) - max(a.top, b.top)
    return shared / max(min(a.height, b.height), 1e-6)


def _links(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    """Return which line follows which; only lines that start soon after are looked at, so it stays quick."""
    order = sorted(range(len(boxes)), key=lambda index: (boxes[index].top, index))
    links = []
    for place, a in enumerate(order):
        end = boxes[a].bottom + GAP * boxes[a].height
        for b in order[place + 1 :]:
            if boxes[b].top > end:
                break
            if _follows(boxes, a, b):
                links.append((a, b))
    return links


def _follows(boxes: Sequence[Box], a: int, b: int) -> bool:
    """Say whether line `b` continues the block of line `a` underneath."""
    upper, lower = boxes[a], boxes[b]
    tall, low = max(upper.height, lower.height), min(upper.height, lower.height)
    if lower.center[1] <= upper.center[1] or tall > ALIKE * low:
        return False
    if not -0.5 * low <= lower.top - upper.bottom <= GAP * low:
        return False
    shared = min(upper.right, lower.right) - max(upper.left, lower.left)
    if shared < 0.5 * min(upper.width, lower.width):
        return False
    edges = (
        abs(upper.left - lower.left),
        abs(upper.right - lower.right),
        abs(upper.center[0] - lower.center[0]),
    )
    return min(edges) < 2 * tall


def _same_line(boxes: Sequence[Box]) -> list[tuple[int, int]]:
    """Return neighbouring pieces of one printed line."""
    return [
        (a, b)
        for row in rows_of(boxes)
        for a, b in pairwise(row)
        if boxes[b].left - boxes[a].right < WORD_GAP * min(boxes[a].height, boxes[b].height)
    ]


def _with_values(boxes: Sequence[Box], groups: list[list[int]]) -> list[list[int]]:
    """Join a block of labels with the block of values to its right."""
    groups = sorted(groups, key=lambda group: min(boxes[index].left for index in group))
    joined: list[list[int]] = []
    for group in groups:
        labels = next((one for one in joined if _are_pairs(boxes, one, group)), None)
        if labels is None:
            joined.append(group)
        else:
            labels += group
    return sorted(joined, key=lambda group: min((boxes[index].top, boxes[index].left) for index in group))


def _are_pairs(boxes: Sequence[Box], labels: list[int], values: list[int]) -> bool:
    if len(labels) != len(values) or len(labels) < 2:
        return False
    pairs = [(boxes[a], boxes[b]) for a, b in zip(labels, values, strict=True)]
    return all(
        abs(a.center[1] - b.center[1]) < 0.3 * a.height
        and 0 < b.left - a.right < VALUE_GAP * a.height
        and a.width < SHORT * a.height
        for a, b in pairs
    )


def _beside(boxes: Sequence[Box], a: int, b: int) -> bool:
    """Say whether the wider of two lines runs over something that stands beside the other: over two columns."""
    wide, other = (boxes[a], boxes[b]) if boxes[a].width >= boxes[b].width else (boxes[b], boxes[a])
    reach = other.height
    return any(
        one.top < other.bottom + reach
        and one.bottom > other.top - reach
        and (one.bottom <= wide.top + reach / 2 or one.top >= wide.bottom - reach / 2)
        and min(one.right, wide.right) - max(one.left, wide.left) > 0.5 * one.width
        and max(one.left - other.right, other.left - one.right) > WORD_GAP * other.height
        for one in boxes
    )


def _root(parent: list[int], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index
