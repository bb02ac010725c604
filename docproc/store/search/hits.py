"""Where on a page the words of a query stand, and the piece of text to show for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from docproc.geometry import Box
from docproc.store.search.passages import Passage
from docproc.store.search.query import Phrase
from docproc.store.search.texts import Text
from docproc.store.search.tokenize import unspaced

BEFORE, AFTER = 8, 24
"""Words shown before and after the first match."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of text, divided where matches begin and end (`(text, is a match)`), and the boxes of all matches."""

    parts: tuple[tuple[str, bool], ...]
    boxes: tuple[Box, ...]


def show(text: Text, phrases: Iterable[Phrase]) -> Shown:
    """Find the phrases in the text of a page; boxes are in points, one per word, in reading order."""
    found = sorted({index for phrase in phrases for index in _occurrences(text, phrase)})
    boxes = tuple(Box.from_list(text.boxes[index]) for index in found)
    first = found[0] if found else 0
    around = range(max(0, first - BEFORE), min(len(text.words), first + AFTER))
    return Shown(_snippet(text, around, set(found)), boxes)


def show_passage(text: Text, passage: Passage) -> Shown:
    """Show a passage, in the boxes of its regions; nothing in it is marked as a match."""
    return Shown(_snippet(text, passage.words, set()), passage.boxes)


def _occurrences(text: Text, phrase: Phrase) -> Iterable[int]:
    """Yield the indexes of the words in every place where the phrase stands."""
    wanted, length = phrase.tokens, len(phrase.tokens)
    starts_so = length == 1 and phrase.prefix
    for start, token in enumerate(text.tokens[: len(text.tokens) - length + 1]):
        if token == wanted[0] or (starts_so and token.startswith(wanted[0])):
            here = slice(start, start + length)
            if length == 1 or _follow(text.tokens[here], phrase):
                for words in text.places[here]:
                    yield from words


def _follow(texts: Sequence[str], phrase: Phrase) -> bool:
    """Say whether the tokens are those of the phrase."""
    *first, last = phrase.tokens
    return list(texts[:-1]) == first and (texts[-1].startswith(last) if phrase.prefix else texts[-1] == last)


def _snippet(text: Text, words: range, marked: set[int]) -> tuple[tuple[str, bool], ...]:
    parts = [("\u2026 ", False)] if words.start else []
    for index in words:
        if index > words.start:
            parts.append((_space(text, index), {index - 1, index} <= marked))
        parts.append((text.words[index], index in marked))
    if words.stop < len(text.words):
        parts.append((" \u2026", False))
    return tuple(_merged(parts))


def _space(text: Text, index: int) -> str:
    before, after = text.words[index - 1], text.words[index]
    return "" if before and after and unspaced(before[-1]) and unspaced(after[0]) else " "


def _merged(parts: Iterable[tuple[str, bool]]) -> Iterable[tuple[str, bool]]:
    for is_marked, group in groupby(parts, key=lambda part: part[1]):
        text = "".join(text for text, _ in group)
        yield text.encode("utf-8", "replace").decode(), is_marked  # a lone surrogate could not be sent
