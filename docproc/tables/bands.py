"""Horizontal rules of a table, and the bands between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docproc.geometry import Box
from docproc.rules import Rules
from docproc.tables.columns import covered
from docproc.tables.grid import Columns

COVERED = 0.8
"""A rule parts rows where it covers this share of a column's text."""


@dataclass(frozen=True, slots=True)
class Separator:
    """A rule, or several at one height: its `y` and for each column whether it runs over it."""

    y: float
    over: tuple[bool, ...]


def separators(columns: Columns, rules: Rules, height: float) -> list[Separator]:
    """Return the rules that run over at least one whole column, from top to bottom."""
    groups: list[list[Box]] = []
    for rule in sorted(rules.horizontal, key=lambda one: one.center[1]):
        if groups and rule.center[1] - groups[-1][-1].center[1] < 0.35 * height:
            groups[-1].append(rule)
        else:
            groups.append([rule])
    found = []
    for group in groups:
        spans = [(one.left, one.right) for one in group]
        over = tuple(_share(spans, left, right) > COVERED for left, right in columns.extents)
        if any(over):
            found.append(Separator(sum(one.center[1] for one in group) / len(group), over))
    return found


def bands_of(box: Box, span: tuple[int, int], found: Sequence[Separator]) -> tuple[int, int]:
    """Return the first and last band of a text box in columns `span`.

    Bands count from 0 above the first rule. A box between rules that leave its columns out reaches over
    several bands.
    """
    middle, (first, last) = box.center[1], span
    walls = [
        (index, one.y) for index, one in enumerate(found) if sum(one.over[first : last + 1]) * 2 > last - first + 1
    ]
    above = max((index for index, y in walls if y <= middle), default=-1)
    below = min((index for index, y in walls if y > middle), default=len(found))
    return above + 1, below


def _share(spans: Sequence[tuple[float, float]], left: float, right: float) -> float:
    inside = [(max(a, left), min(b, right)) for a, b in spans if a < right and b > left]
    return covered(inside) / max(right - left, 1e-6)
