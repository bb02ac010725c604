"""Finds the columns of a table: where rules stand, or white space that most rows leave free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from docproc.geometry import Box
from docproc.rules import Rules
from docproc.tables.chunks import Chunk

STEP = 0.1
"""Positions are tried this far apart, as a share of the text height."""

AGAINST = 0.34
"""Rows of several chunks that may cross a gutter (headings over columns), per row that keeps it free."""

RULED_GAP = 1.2
"""Where rules part the columns, white space narrower than this share of the text height parts none."""

Rows = Sequence[Sequence[Chunk]]


def find_gutters(rows: Rows, box: Box, ruled: Sequence[float], height: float) -> list[float]:
    """Return the x positions (points) that part the columns, from left to right.

    `ruled` are those where rules stand; between two of them white space has to be wider to count.
    """
    gutters = list(ruled)
    for left, right in pairwise([box.left, *ruled, box.right]):
        between = [[one for one in row if left < one.box.center[0] < right] for row in rows]
        gutters += _white([row for row in between if row], left, right, height, bool(ruled))
    return sorted(gutters)


def ruled_gutters(box: Box, rules: Rules, height: float) -> list[float]:
    """Return the x of vertical rules that together run along at least half of the table, edges left out."""
    found: list[list[Box]] = []
    for rule in sorted(rules.vertical, key=lambda one: one.center[0]):
        if found and rule.center[0] - found[-1][-1].center[0] < 0.5 * height:
            found[-1].append(rule)
        else:
            found.append([rule])
    positions = []
    for group in found:
        x = sum(one.center[0] * one.height for one in group) / max(sum(one.height for one in group), 1e-6)
        inside = box.left + height < x < box.right - height
        if inside and covered((one.top, one.bottom) for one in group) > 0.5 * box.height:
            positions.append(x)
    return positions


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length that the spans cover together."""
    total, end = 0.0, -np.inf
    for start, stop in sorted(spans):
        total += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return total


def _white(rows: Rows, left: float, right: float, height: float, ruled: bool) -> list[float]:
    """Return the gutters of white space between two rules.

    Rows of one chunk say nothing: a title or a wrapped line may reach anywhere.
    """
    step = STEP * height
    count = max(int((right - left) / step), 1)

    def place(x: float) -> int:
        return min(max(int((x - left) / step), 0), count - 1)

    crossing, between = np.zeros(count, int), np.zeros(count, int)
    telling = [row for row in rows if len(row) > 1]
    for row in telling:
        for chunk in row:
            crossing[place(chunk.box.left) : place(chunk.box.right) + 1] += 1
        for before, after in pairwise(row):
            if after.box.left - before.box.right < (RULED_GAP if ruled else 0.0) * height:
                continue
            between[place(before.box.right) + 1 : place(after.box.left)] += 1
    needed = max(0.5 * len(rows), 2.0) if ruled else min(2, len(telling) - 1) or 1
    free = (between >= needed) & (crossing <= AGAINST * between)
    gutters = []
    for start, stop in _runs(free):
        span = (left + start * step, left + stop * step)
        gutters += _split_run(rows, span, crossing[start:stop], step)
    return gutters


def _split_run(rows: Rows, span: tuple[float, float], crossing: NDArray[np.int_], step: float) -> list[float]:
    """Return the gutters of a free run: one, or one on each side of every thinly filled column inside it."""
    inside = sorted(
        (chunk.box.left, chunk.box.right, chunk.row)
        for row in rows
        for chunk in row
        if span[0] < chunk.box.left and chunk.box.right < span[1]
    )
    columns: list[tuple[float, float, set[int]]] = []
    for start, stop, row in inside:
        if columns and start < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(stop, columns[-1][1]), columns[-1][2] | {row})
        else:
            columns.append((start, stop, {row}))
    real = [(start, stop) for start, stop, at in columns if len(at) > 1]
    if not real:
        best = np.flatnonzero(crossing == crossing.min())
        return [span[0] + (float(best[len(best) // 2]) + 0.5) * step]
    ends = [span[0], *(side for column in real for side in column), span[1]]
    return [(ends[i] + ends[i + 1]) / 2 for i in range(0, len(ends), 2)]


def _runs(free: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], free.astype(int), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
