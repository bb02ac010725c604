"""Lines of a block to running text: which line ends are only the edge of the column, and which hyphens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
        joined = _join(joined, texts[index + 1], gap=BREAK if broken else " ")
    return joined


def list_items(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Yield (number, text) of each item, the number empty for a bullet; neither has its mark any more.

    Each line that begins with a bullet or a number begins an item; lines before the first are one, too.
    """
    starts = [index for index, line in enumerate(lines) if index == 0 or _begins_item(line.text.strip())]
    for start, end in pairwise([*starts, len(lines)]):
        text = " ".join(running_text(lines[start:end]).split())
        number = NUMBER.match(text)
        yield (number.group(1), text[number.end() :]) if number else ("", BULLET.sub("", text))


def _begins_item(text: str) -> bool:
    return bool(BULLET.match(text) or NUMBER.match(text))


def _join(before: str, after: str, *, gap: str) -> str:
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
