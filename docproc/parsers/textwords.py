"""The words of a PDF page's own text layer, in the order of the file, and whether a reader can see them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymupdf

MAX_WORDS = 50_000
FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_COLLECT_STYLES
"""Ligatures come apart; a code that stands for no character is U+FFFD, so that garbage shows as garbage."""
ASCENT, DESCENT = (0.7, 1.0), (-0.3, -0.15)
"""Shares of the font size that letters can reach above and below the baseline: fonts claim far more."""
AXIS = 0.999
"""Cosine from which a line counts as parallel to a side of the page (2.5 degrees)."""
COVERING = 0.05
"""Share of the page from which a picture can hide words."""
HIDDEN, BOLD = 1, 2


@dataclass(frozen=True, slots=True)
class _Char:
    text: str
    origin: tuple[float, float]
    box: tuple[float, float, float, float]
    span: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Coordinates along a line: u in reading direction, v towards the top of the letters."""

    cosine: float
    sine: float

    def to(self, x: float, y: float) -> tuple[float, float]:
        return x * self.cosine + y * self.sine, x * self.sine - y * self.cosine

    def back(self, u: float, v: float) -> tuple[float, float]:
        return u * self.cosine + v * self.sine, u * self.sine - v * self.cosine

    @property
    def on_axis(self) -> bool:
        return max(abs(self.cosine), abs(self.sine)) > AXIS


def words_of(page: Any, area: pymupdf.Rect, opaque: Sequence[Sequence[float]]) -> list[list[Any]]:
    """Return the words of `page`: [text, 8 numbers, block, line, size, flags], at most `MAX_WORDS`.

    Everything is before /Rotate, as PyMuPDF gives it; `area` is the page there. The 8 numbers are the corners
    (x, y) top-left, top-right, bottom-right, bottom-left *of the text* in points; flags are 1 hidden (render
    mode 3, transparent, under one of the `opaque` pictures) and 2 bold.
    """
    blocks = page.get_text("rawdict", flags=FLAGS)["blocks"]
    words: list[list[Any]] = []
    for number, block in enumerate(blocks):
        for line_number, line in enumerate(block.get("lines", ())):
            for chars, end in _split(line):
                words.append([*_word(chars, end, line), number, line_number, *_style(chars)])
    sound = _sound(words[:MAX_WORDS], area)
    large = [rect for rect in map(pymupdf.Rect, opaque) if (rect & area).get_area() > COVERING * area.get_area()]
    return _covered(page, sound, large) if large else sound


def _split(line: dict[str, Any]) -> Iterator[tuple[list[_Char], _Char | None]]:
    """Yield each word's characters and the character after it in the line."""
    word: list[_Char] = []
    for span in line["spans"]:
        for char in span["chars"]:
            one = _Char(char["c"], char["origin"], char["bbox"], span)
            if not one.text.isspace():
                word.append(one)
            elif word:
                yield word, one
                word = []
    if word:
        yield word, None


def _word(chars: Sequence[_Char], after: _Char | None, line: dict[str, Any]) -> list[Any]:
    frame = _Frame(1, 0) if line["wmode"] else _Frame(*line["dir"])
    if line["wmode"]:  # letters below each other
        u0, u1, v0, v1 = _extent(chars, frame)
    elif frame.on_axis:
        u0, u1, v0, v1 = _level(chars, frame)
    else:
        u0, u1, v0, v1 = _tilted(chars, after, frame)
    corners = ((u0, v1), (u1, v1), (u1, v0), (u0, v0))
    text = "".join(char.text for char in chars)
    return [text, *(side for corner in corners for side in frame.back(*corner))]


def _level(chars: Sequence[_Char], frame: _Frame) -> tuple[float, float, float, float]:
    """Return the characters' extent, no higher than letters of their sizes are."""
    u0, u1, low, high = _extent(chars, frame)
    bottom, top = _letters(chars, frame)
    if max(low, bottom) < min(high, top):
        low, high = max(low, bottom), min(high, top)
    return u0, u1, low, high


def _extent(chars: Sequence[_Char], frame: _Frame) -> tuple[float, float, float, float]:
    # on an axis two opposite corners say it all
    points = [frame.to(*corner) for char in chars for corner in (char.box[:2], char.box[2:])]
    us, vs = zip(*points, strict=True)
    return min(us), max(us), min(vs), max(vs)


def _tilted(chars: Sequence[_Char], after: _Char | None, frame: _Frame) -> tuple[float, float, float, float]:
    """Return u0, u1, v0, v1 from the origins: the upright boxes of tilted letters are too large."""
    starts = [frame.to(*char.origin)[0] for char in chars]
    advance = (starts[-1] - starts[0]) / (len(starts) - 1) if len(starts) > 1 else chars[0].span["size"] / 2
    end = frame.to(*after.origin)[0] if after else starts[-1] + advance
    return min(starts), max(*starts, end), *_letters(chars, frame)


def _letters(chars: Sequence[_Char], frame: _Frame) -> tuple[float, float]:
    """Return how far down and up (v) letters of these sizes reach."""
    lows, highs = [], []
    for char in chars:
        _, base = frame.to(*char.origin)
        size, low, high = char.span["size"], char.span["descender"], char.span["ascender"]
        lows.append(base + size * min(max(low, DESCENT[0]), DESCENT[1]))
        highs.append(base + size * min(max(high, ASCENT[0]), ASCENT[1]))
    return min(lows), max(highs)


def _style(chars: Sequence[_Char]) -> tuple[float, int]:
    hidden = all(char.span["alpha"] == 0 for char in chars)
    bold = bool(chars[0].span["flags"] & pymupdf.TEXT_FONT_BOLD)
    return max(char.span["size"] for char in chars), HIDDEN * hidden + BOLD * bold


def _sound(words: list[list[Any]], page: pymupdf.Rect) -> list[list[Any]]:
    """Return the words with finite numbers whose middle lies on the page."""
    return [word for word in words if all(map(math.isfinite, word[1:])) and _inside(_middle(word), page)]


def _middle(word: Sequence[Any]) -> tuple[float, float]:
    return (word[1] + word[5]) / 2, (word[2] + word[6]) / 2


def _inside(point: tuple[float, float], rect: pymupdf.Rect) -> bool:
    return bool(rect.x0 <= point[0] <= rect.x1 and rect.y0 <= point[1] <= rect.y1)


def _covered(page: Any, words: list[list[Any]], opaque: Sequence[pymupdf.Rect]) -> list[list[Any]]:
    """Mark the words over which one of the `opaque` pictures is painted later."""
    if all(word[-1] & HIDDEN for word in words):
        return words
    log = [(kind, pymupdf.Rect(rect)) for kind, rect in page.get_bboxlog()]
    for place, (kind, rect) in enumerate(log):
        if kind == "fill-image" and any(_same(rect, one) for one in opaque):
            later = [text for kind, text in log[place + 1 :] if kind.endswith("-text")]
            for word in words:
                middle = _middle(word)
                if _inside(middle, rect) and not any(_inside(middle, text) for text in later):
                    word[-1] |= HIDDEN
    return words


def _same(one: pymupdf.Rect, other: pymupdf.Rect) -> bool:
    return all(abs(a - b) < 1 for a, b in zip(one, other, strict=True))
