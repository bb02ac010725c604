"""Words of a table joined into chunks: the smallest pieces that one cell can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.rules import Rules

SPACE = 0.7
"""Words closer than this share of their height belong together: wider than the space of justified print,
narrower than the gutters of most tables."""

SAME_ROW = 0.4
"""Middles of one printed row are no further apart than this share of the lower height (superscripts are)."""

_TYPED_RULE = re.compile(r"[-\u2013\u2014_=]{4,}$")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbouring words of one printed line; `row` counts the printed rows of the table from 0."""

    words: tuple[Word, ...]
    box: Box
    row: int

    @property
    def text(self) -> str:
        """Its words, with spaces."""
        return " ".join(word.text for word in self.words)


def words_inside(lines: Iterable[Line], box: Box) -> list[list[Word]]:
    """Return the words whose larger part lies inside `box`, line by line; typed rules (`-----`) left out."""
    inside = ([word for word in line.words if word.box.share_inside(box) > 0.5] for line in lines)
    kept = ([word for word in words if not _TYPED_RULE.match(word.text)] for words in inside)
    return [words for words in kept if words]


def typed_rules(lines: Iterable[Line], box: Box) -> tuple[Box, ...]:
    """Return the rules that are typed as rows of dashes."""
    return tuple(
        Box(word.box.left, word.box.center[1], word.box.right, word.box.center[1])
        for line in lines
        for word in line.words
        if _TYPED_RULE.match(word.text) and word.box.share_inside(box) > 0.5
    )


def text_height(lines: Sequence[Sequence[Word]]) -> float:
    """Return the usual height of the words, in points."""
    return max(median(word.box.height for words in lines for word in words), 1e-3)


def printed_rows(lines: Sequence[Sequence[Word]], rules: Rules) -> list[list[Chunk]]:
    """Return the chunks of each printed row, top to bottom and left to right."""
    rows: list[list[Sequence[Word]]] = []
    boxes: list[Box] = []
    for words in sorted(lines, key=lambda one: Box.union(word.box for word in one).center[1]):
        box = Box.union(word.box for word in words)
        if rows and abs(box.center[1] - boxes[-1].center[1]) < SAME_ROW * min(box.height, boxes[-1].height):
            rows[-1].append(words)
            boxes[-1] = _wider(boxes[-1], box)
        else:
            rows.append([words])
            boxes.append(box)
    flat = [sorted((word for words in row for word in words), key=lambda one: one.box.left) for row in rows]
    return [[_chunk(part, number) for part in _parts(row, rules)] for number, row in enumerate(flat)]


def _wider(a: Box, b: Box) -> Box:
    return a if a.width >= b.width else b


def _chunk(words: Sequence[Word], row: int) -> Chunk:
    return Chunk(tuple(words), Box.union(word.box for word in words), row)


def _parts(row: Sequence[Word], rules: Rules) -> list[list[Word]]:
    parts = [[row[0]]]
    for word in row[1:]:
        before = parts[-1][-1]
        apart = word.box.left - max(one.box.right for one in parts[-1])
        if apart > SPACE * min(before.box.height, word.box.height) or _ruled_apart(before, word, rules):
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


def _ruled_apart(left: Word, right: Word, rules: Rules) -> bool:
    """Say whether a vertical rule runs between two words of a row."""
    middle = (left.box.center[1] + right.box.center[1]) / 2
    slack = 0.3 * left.box.height
    return any(
        rule.top <= middle <= rule.bottom
        and left.box.center[0] < rule.center[0] < right.box.center[0]
        and left.box.right - slack <= rule.center[0] <= right.box.left + slack
        for rule in rules.vertical
    )
