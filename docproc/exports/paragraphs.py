"""Lines of a block to running text: which line ends are only the edge of the column, and which hyphens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from docproc.document import Line

BREAK = "\n"
"""Stands in the text where a line end was meant."""

HYPHENS = "-\u2010\u00ad"
SOFT_HYPHEN = "\u00ad"
OPENING = "([{\"'\u201c\u2018\u201e\u00ab"
"""Brackets and quotation marks that may stand before a word."""
BULLET = re.compile("^[\u2022\u2023\u25e6\u25aa\u25a0\u25cf\u25cb\u2219\u00b7*\u2013\u2014-]\\s*(?=\\S)")
NUMBER = re.compile(r"^(\d{1,3})[.)]\s+(?=\S)")
ENDS = (".", ";", ":", "!", "?")
"""What a sentence ends with."""
FULL = 0.15
"""A line is full when no more than this share of its width is missing at its right."""
NO_SPACES = re.compile(r"[\u2e80-\u303f\u3040-\u30ff\u31f0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Scripts written without spaces between words: Han, kana, their punctuation and full-width forms."""


def running_text(lines: Sequence[Line]) -> str:
    """Return the lines as one paragraph; `BREAK` stands where a line ended although more would have fitted.

    A line end inside a paragraph becomes a space, between Chinese or Japanese characters nothing. When a line
    ends in a letter and a hyphen and the next one begins in lower case, the word is joined without its hyphen
    ("exam-" + "ple" -> "example"), unless the piece is one letter ("e-" + "mail") or has a hyphen already
    ("state-of-" + "the-art"): then, and before a capital or a digit, it is joined with its hyphen.
    """
    texts = [line.text.strip() for line in lines]
    right = max((line.box.right for line in lines), default=0.0)
    joined = texts[0] if texts else ""
    for index, (line, following) in enumerate(pairwise(lines)):
        broken = _ends_early(line, following, right)
        joined = join(joined, texts[index + 1], gap=BREAK if broken else " ")
    return joined


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list: its number (empty for a bullet), its text without that mark, and its lines."""

    number: str
    text: str
    lines: tuple[Line, ...]


def list_items(lines: Sequence[Line]) -> list[Item]:
    """Return the items of a list from all its lines.

    A line that begins with a bullet or a number begins an item. Where no line does (bullets that are drawn are
    no text), a line goes on with the item before it when it begins in lower case, or when the line before it
    is full and no sentence ends there.
    """
    begins = [_begins_item(line.text.strip()) for line in lines]
    if not any(begins):
        begins = [not goes_on for goes_on in _continuations(lines)]
    starts = [index for index, begin in enumerate(begins) if begin or index == 0]
    return [_item(lines[start:end]) for start, end in pairwise([*starts, len(lines)])]


def _item(lines: Sequence[Line]) -> Item:
    text = " ".join(running_text(lines).split())
    number = NUMBER.match(text)
    rest = text[number.end() :] if number else BULLET.sub("", text)
    return Item(number.group(1) if number else "", rest, tuple(lines))


def _begins_item(text: str) -> bool:
    return bool(BULLET.match(text) or NUMBER.match(text))


def _continuations(lines: Sequence[Line]) -> list[bool]:
    """Say for each line of a list without marks whether it goes on with the item before."""
    right = max((line.box.right for line in lines), default=0.0)
    return [False] + [
        line.text.strip()[:1].islower()
        or (not _ends_early(before, line, right) and not before.text.rstrip().endswith(ENDS))
        for before, line in pairwise(lines)
    ]


def goes_on(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Say whether a paragraph goes on in the next block, as at the end of a column.

    So it does when `before` is several lines, its last one is full and ends no sentence, and `after` begins in
    lower case.
    """
    if len(before) < 2 or not after or before[-1].text.rstrip().endswith(ENDS):
        return False
    right = max(line.box.right for line in before)
    return right - before[-1].box.right < FULL * before[-1].box.width and after[0].text.strip()[:1].islower()


def join(before: str, after: str, *, gap: str = " ") -> str:
    """Return two pieces of a paragraph as one; `gap` stands between them where no word goes on."""
    last_word = before.rsplit(None, 1)[-1] if before.strip() else ""
    if before.endswith(SOFT_HYPHEN) and after:
        return before[:-1] + after
    if len(last_word) > 1 and last_word[-1] in HYPHENS and last_word[-2].isalnum() and after[:1].isalnum():
        piece = last_word[:-1].lstrip(OPENING)
        whole = len(piece) > 1 and piece.isalpha() and after[0].islower()
        return (before[:-1] if whole else before) + after
    if gap == " " and NO_SPACES.match(before[-1:]) and NO_SPACES.match(after[:1]):
        gap = ""
    return before + gap + after


def _ends_early(line: Line, following: Line, right: float) -> bool:
    """Say whether the next line's first word would have fitted behind this line: its end was meant, then.

    The block's own right edge is the measure; half a line height is added for the space between the words.
    """
    if line.text.rstrip()[-1:] in HYPHENS:
        return False
    first = following.words[0].box.width if following.words else _share_of_first_word(following)
    return right - line.box.right > max(first + line.box.height / 2, 2 * line.box.height)


def _share_of_first_word(line: Line) -> float:
    words = line.text.split()
    return line.box.width * len(words[0]) / max(len(line.text), 1) if words else 0.0
