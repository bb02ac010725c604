"""A page divided into passages: runs of lines about as long as the model of meaning looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docproc.geometry import Box
from docproc.store.search.texts import Text

ENOUGH, FULL = 200, 450
"""Characters: a region that begins later than `ENOUGH` begins a passage, and none is longer than about `FULL`. 128
tokens of the model are about 500 characters of prose, fewer of numbers."""
MOST = 200
"""Passages of a page; the rest of it is found by its words only."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Some words of a page, by index, and one box for each region that they are from, in points."""

    words: range
    text: str
    boxes: tuple[Box, ...]


def passages(text: Text) -> list[Passage]:
    """Divide the text of a page, in reading order."""
    return [_passage(text, words) for words, _ in zip(_runs(text), range(MOST), strict=False)]


def _runs(text: Text) -> Iterator[range]:
    """Yield the words of each passage."""
    begin = at = length = 0
    for number, line in enumerate(text.lines):
        whole = sum(map(len, line)) + len(line)
        if length and (length + whole > FULL or (length > ENOUGH and number in text.starts)):
            yield range(begin, at)
            begin, length = at, 0
        for word in line:
            if length > FULL:
                yield range(begin, at)
                begin, length = at, 0
            at, length = at + 1, length + len(word) + 1
    if at > begin:
        yield range(begin, at)


def _passage(text: Text, words: range) -> Passage:
    parts: list[list[Box]] = []
    for index in words:
        if not parts or index in text.region_starts:
            parts.append([])
        parts[-1].append(Box.from_list(text.boxes[index]))
    joined = " ".join(text.words[index] for index in words)
    return Passage(words, joined, tuple(map(Box.union, parts)))
