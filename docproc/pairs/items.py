"""The rows of a page as items: a label that says so itself by a colon, or something else, each a run of words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from docproc.document import Page, Word
from docproc.geometry import Box
from docproc.labels import is_label
from docproc.values import find_values

WIDE = 1.2
"""Words of a line that stand further apart than so many line heights belong to different items."""
LONGEST_LABEL = 7
"""Words of a label."""

_LEADERS = re.compile(r"(?:[._\u2026\u00b7-]\s?){4,}|_{2,}|\u2026+")
_PARTS = re.compile(
    r"(?<=[^\W\d_)\].#])[:\uff1a](?!//)(?=\S)"  # Tel:03-555
    r"|(?<=[^\W\d_]{2})\.(?=[:\[])"  # No.[123]
)
_MARK = re.compile(r"[:\uff1a]\W*$|^[:\uff1a=]$")
CURRENCY = re.compile(r"(?:[^\w\s]{0,2}[$€£¥₹]|RM|EUR|USD|GBP|CHF|Rs\.?|Rp|kr\.?|zł|INR|MYR|SGD|AUD|CAD)[:.]?$")
_SENTENCE = re.compile(r"[^\W\d_]{3,}[.!?;,]$")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or the part of one before or after a colon; `marks`: a colon ends it."""

    word: Word
    text: str
    box: Box
    marks: bool = False


@dataclass(frozen=True)
class Item:
    """Tokens that stand together in row `row`; `label`: a colon says that they are one. Boxes as if without skew."""

    tokens: tuple[Token, ...]
    row: int
    label: bool = False

    @cached_property
    def text(self) -> str:
        """The tokens, joined, without the colon of a label."""
        return " ".join(token.text for token in self.tokens if token.text).strip()

    @cached_property
    def name(self) -> str:
        """The text of a label as it is given out: without colon and the like at its end."""
        return _balanced(self.text.strip(" :\uff1a.=*-|\u2022\u00b7")) or self.text

    @cached_property
    def value(self) -> str:
        """The text as a value is given out: without a bracket that opens or closes elsewhere."""
        return _balanced(self.text) or self.text

    @cached_property
    def box(self) -> Box:
        """The box around the tokens."""
        return Box.union(token.box for token in self.tokens)

    @cached_property
    def known(self) -> bool:
        """Whether this is a label that documents often have."""
        return len(self.tokens) <= LONGEST_LABEL and _named(self.text)

    @cached_property
    def begins_known(self) -> bool:
        """Whether it begins with a label that documents often have: "Tax 15% on $ 112.90"."""
        texts = [token.text for token in self.tokens]
        return any(_named(" ".join(texts[:end])) for end in range(1, min(len(texts), LONGEST_LABEL) + 1))

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The kinds of the values in it."""
        return tuple(value.kind for value in find_values(self.text))

    @cached_property
    def typed(self) -> bool:
        """Whether it is a value and little else: most of its letters are part of one."""
        covered = sum(value.end - value.start for value in find_values(self.text))
        return covered >= 0.6 * max(len(self.text), 1)

    @property
    def like_label(self) -> bool:
        """Whether it could be a label by its looks: short, with letters, no value, no end of a sentence."""
        letters = sum(char.isalpha() for char in self.text)
        return (
            0 < len(self.tokens) <= LONGEST_LABEL
            and len(self.text) <= 48
            and letters >= 2
            and letters >= 0.5 * len(self.text.replace(" ", ""))
            and not self.typed
            and not (len(self.tokens) > 2 and _SENTENCE.search(self.text))
        )


def _named(text: str) -> bool:
    """Whether a text is a known label and nothing beside it: neither begins nor ends with a figure."""
    bare = text.strip(" :.()[]*-")
    return bool(bare) and not bare[0].isdigit() and is_label(text)


def rows(page: Page) -> list[list[Item]]:
    """Return the rows of a page from top to bottom, each from left to right."""
    slope = math.tan(math.radians(page.skew))
    pieces = [piece for line in page.lines for piece in _pieces(_tokens(line.words, slope))]
    boxes = [Box.union(token.box for token in piece) for piece in pieces]
    found = []
    for number, row in enumerate(_in_rows(boxes)):
        items = [item for index in row for item in _items(pieces[index], number)]
        found.append(list(_with_currency(items)))
    return found


def _balanced(text: str) -> str:
    """Return the text without a bracket at its start or end that has no partner."""
    for opening, closing in ("()", "[]"):
        if text.count(opening) < text.count(closing):
            text = text.removesuffix(closing)
        elif text.count(opening) > text.count(closing):
            text = text.removeprefix(opening)
    return text.strip()


def _in_rows(boxes: Sequence[Box]) -> list[list[int]]:
    """Sort boxes into printed rows from top to bottom, each from left to right; in no row one is over another.

    A title beside several lines of small print is in the row of the one that is level with its middle.
    """
    found: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda one: (boxes[one].center[1], boxes[one].left)):
        box = boxes[index]
        near = [row for row in found[-4:] if all(_level(box, boxes[other]) for other in row)]
        if near:
            min(near, key=lambda row: abs(boxes[row[-1]].center[1] - box.center[1])).append(index)
        else:
            found.append([index])
    return [sorted(row, key=lambda one: boxes[one].left) for row in found]


def _level(one: Box, other: Box) -> bool:
    """Whether two boxes share most of their height and nothing of their width."""
    low = min(one.height, other.height)
    across = min(one.right, other.right) - max(one.left, other.left)
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    tall = max(one.height, other.height) > 1.8 * low and abs(one.center[1] - other.center[1]) > 0.35 * low
    return shared > 0.5 * low and across < 0.3 * min(one.width, other.width) and not tall


def _tokens(words: Sequence[Word], slope: float) -> list[Token]:
    """Return the words as tokens, moved to where they stood if the lines of the page were level."""
    found: list[Token] = []
    for word in words:
        box = word.box.moved(0.0, -slope * word.box.center[0])
        cuts = [match.end() for match in _PARTS.finditer(word.text)]
        leaders = [side for match in _LEADERS.finditer(word.text) for side in match.span()]
        ends = sorted({*cuts, *leaders, len(word.text)} - {0})
        start = 0
        for end in ends:
            text, place = word.text[start:end], _part(box, start, end, len(word.text))
            start = end
            if _LEADERS.fullmatch(text):
                if (found and found[-1].word is word) or found:
                    found[-1] = replace(found[-1], marks=True)
                continue
            marks = bool(_MARK.search(text))
            if not re.search(r"\w", text) and marks:
                if found:  # a colon on its own ends what stands before it
                    found[-1] = replace(found[-1], marks=True)
                continue
            if text[0] in ":\uff1a" and len(text) > 1 and found:  # "No. :123"
                found[-1] = replace(found[-1], marks=True)
                text = text.lstrip(":\uff1a ")
            found.append(Token(word, text, place, marks))
    return found


def _part(box: Box, start: int, end: int, length: int) -> Box:
    if start == 0 and end == length:
        return box
    unit = box.width / max(length, 1)
    return Box(box.left + start * unit, box.top, box.left + end * unit, box.bottom)


def _pieces(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield runs of tokens without a wide gap."""
    piece: list[Token] = []
    for token in tokens:
        if piece and token.box.left - piece[-1].box.right > WIDE * min(token.box.height, piece[-1].box.height):
            yield piece
            piece = []
        piece.append(token)
    if piece:
        yield piece


def _items(piece: Sequence[Token], row: int) -> Iterator[Item]:
    """Yield what a piece consists of: labels up to their colons, and what stands between them."""
    start = 0
    marks = [place for place, token in enumerate(piece) if token.marks and _is_mark(piece, place)]
    for number, mark in enumerate(marks):
        first = _label_start(piece[start : mark + 1], begins=number == 0) + start
        if mark + 1 - first > LONGEST_LABEL:
            continue
        if first > start:
            yield Item(tuple(piece[start:first]), row)
        yield Item(tuple(piece[first : mark + 1]), row, label=True)
        start = mark + 1
    if start < len(piece):
        yield Item(tuple(piece[start:]), row)


def _is_mark(piece: Sequence[Token], place: int) -> bool:
    """Whether the colon after a token ends a label: there are letters before it."""
    return any(char.isalpha() for char in piece[place].text) or (
        place > 0 and any(char.isalpha() for char in piece[place - 1].text)
    )


def _label_start(tokens: Sequence[Token], *, begins: bool) -> int:
    """Return where in `tokens`, which end with a colon, the label starts."""
    texts = [token.text for token in tokens]
    if begins and len(tokens) <= LONGEST_LABEL:
        return 0
    for start in range(max(len(tokens) - LONGEST_LABEL, 0), len(tokens)):
        if _named(" ".join(texts[start:])):
            return start
    if begins:
        return 0
    # The value of the label before ends somewhere: behind its last digits, else before the last word.
    digits = [place for place, text in enumerate(texts[:-1]) if any(map(str.isdigit, text))]
    return digits[-1] + 1 if digits else len(tokens) - 1


def _with_currency(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items, each currency joined with the amount that follows it."""
    waiting: Item | None = None
    for item in items:
        if waiting is not None:
            if item.values and not item.label:
                item = replace(item, tokens=(*waiting.tokens, *item.tokens))  # noqa: PLW2901
            else:
                yield waiting
            waiting = None
        if not item.label and CURRENCY.match(item.text):
            waiting = item
        else:
            yield item
    if waiting is not None:
        yield waiting
