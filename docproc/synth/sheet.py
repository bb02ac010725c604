"""A sheet of paper that remembers what was written on it: every word, line and region with its box."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from math import cos, radians, sin
from types import MappingProxyType
from typing import Any, Literal

import pymupdf

from docproc.document import Label, Line, Page, Region, Table, Word
from docproc.geometry import Box, Polygon
from docproc.synth.asked import Asked
from docproc.synth.things import Thing

Align = Literal["left", "right", "center"]
Color = tuple[float, float, float]

BLACK: Color = (0.0, 0.0, 0.0)
GREY: Color = (0.35, 0.35, 0.38)

ASCENT, DESCENT = 0.75, 0.22
"""A word's box reaches so far over and under its baseline (shares of the font size): from the tallest letters
to the lowest in the Times and Helvetica of PyMuPDF, accents aside."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks: `font` is a PyMuPDF font code, `size` in points, `leading` in font sizes."""

    font: str = "tiro"
    size: float = 10.0
    color: Color = BLACK
    leading: float = 1.25

    @property
    def step(self) -> float:
        """Points from one baseline to the next."""
        return self.size * self.leading

    def bold(self) -> Style:
        """Return the bold version."""
        return replace(self, font={"tiro": "tibo", "helv": "hebo", "cour": "cobo", "tiit": "tibi"}[self.font])

    def italic(self) -> Style:
        """Return the italic version."""
        return replace(self, font={"tiro": "tiit", "helv": "heit", "cour": "coit", "tibo": "tibi"}[self.font])

    def width(self, text: str) -> float:
        """Return the length of `text` in points."""
        return sum(advance(self.font, character) for character in text) * self.size

    def wrap(self, text: str, width: float) -> list[list[str]]:
        """Return the words of `text` in lines no longer than `width` points (one too long stands alone)."""
        lines: list[list[str]] = []
        blank, used = self.width(" "), 0.0
        for word in text.split():
            long = self.width(word)
            if lines and used + blank + long <= width:
                lines[-1].append(word)
                used += blank + long
            else:
                lines.append([word])
                used = long
        return lines


SEEN: Mapping[str, str] = {"noto": "tiro"}
"""Fonts of documents that are learned: none is written in Noto Serif."""
HELD_OUT: Mapping[str, str] = dict.fromkeys(("tiro", "tibo", "tiit", "tibi"), "noto")
"""Fonts of documents that are measured on: what is Times in others is Noto Serif."""
_INSTEAD: ContextVar[Mapping[str, str]] = ContextVar("fonts", default=MappingProxyType({}))


@contextmanager
def written_in(fonts: Mapping[str, str]) -> Iterator[None]:
    """Write with other fonts while this lasts: code -> the one that is taken instead."""
    before = _INSTEAD.set(fonts)
    try:
        yield
    finally:
        _INSTEAD.reset(before)


def font(code: str) -> Any:
    """Return a font that PyMuPDF carries: a base-14 code, or "noto" for Noto Serif."""
    return _loaded(_INSTEAD.get().get(code, code))


def advance(code: str, character: str) -> float:
    """Return the advance of one character, in font sizes. PyMuPDF's own text_length does not kern either."""
    return _advance(_INSTEAD.get().get(code, code), character)


@cache
def _loaded(code: str) -> Any:
    return pymupdf.Font(script=1) if code == "noto" else pymupdf.Font(code)


@cache
def _advance(code: str, character: str) -> float:
    return float(_loaded(code).glyph_advance(ord(character)))


class Unseen:
    """A canvas that draws nothing: for the truth of a page alone, a hundred times as fast as the page."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args, **_named: None


class Sheet:
    """One page being drawn, in points; the regions come in reading order.

    `canvas` is for rules and pictures that carry no words. Without a document nothing is drawn and everything
    is remembered all the same.
    """

    def __init__(self, document: Any | None, width: float = 595.0, height: float = 842.0) -> None:
        if document is not None:
            document.new_page(width=width, height=height)
        self._document = document
        self.number = document.page_count if document is not None else 1
        self.box = Box(0, 0, width, height)
        self._lines: list[Line] = []
        self._regions: list[Region] = []
        self._tables: list[Table] = []
        self.things: list[Thing] = []
        self.asked: list[Asked] = []
        """What is asked about the page."""
        self.fields: dict[str, str] = {}
        """Values as printed, by the names that they have in schemas."""
        self.language = "en"
        self._words = 0

    @property
    def canvas(self) -> Any:
        """The pymupdf page; PyMuPDF lets go of it when another page is made, so it is asked for every time."""
        return self._document[self.number - 1] if self._document is not None else Unseen()

    def cut(self, height: float) -> None:
        """Cut the paper off `height` points below its top, as a till does."""
        if self._document is not None:
            whole = self.box.bottom
            self.canvas.set_mediabox(pymupdf.Rect(0, whole - height, self.box.right, whole))
        self.box = Box(0, 0, self.box.right, height)

    @property
    def lines(self) -> Sequence[Line]:
        """The lines so far, as they were written."""
        return self._lines

    @property
    def regions(self) -> Sequence[Region]:
        """The regions so far, in reading order."""
        return self._regions

    @property
    def tables(self) -> Sequence[Table]:
        """The tables so far."""
        return self._tables

    def words_in(self, region: Region, box: Box) -> list[Word]:
        """Return the words of a region whose middle lies in `box`, in reading order."""
        wanted = set(region.line_ids)
        return [
            word
            for line in self._lines
            if line.id in wanted and box.contains(line.box.center)
            for word in line.words
            if box.contains(word.box.center)
        ]

    def truth(self) -> Page:
        """Return everything that was written, as an engine would give it."""
        return Page(
            self.number,
            self.box.right,
            self.box.bottom,
            drawn_by="pymupdf",
            lines=tuple(self._lines),
            regions=tuple(self._regions),
            tables=tuple(self._tables),
        )

    def write(
        self, x: float, baseline: float, text: str, style: Style, *, align: Align = "left", tilt: float = 0.0
    ) -> Line:
        """Write one line; `x` is its start, end or middle by `align`; `tilt` turns it there (degrees)."""
        shift = {"left": 0.0, "right": 1.0, "center": 0.5}[align] * style.width(text)
        return self.write_words(text.split(), (x - shift, baseline), style, pivot=(x, baseline), tilt=tilt)

    def write_words(
        self,
        words: Sequence[str],
        start: tuple[float, float],
        style: Style,
        *,
        space: float | None = None,
        pivot: tuple[float, float] | None = None,
        tilt: float = 0.0,
    ) -> Line:
        """Write `words` from `start` (left end of the baseline), `space` points apart (default: a blank)."""
        turn = _turn(pivot or start, tilt) if tilt else None
        space = style.width(" ") if space is None else space
        x, baseline = start
        written = []
        for word in words:
            right = x + style.width(word)
            box = Box(x, baseline - ASCENT * style.size, right, baseline + DESCENT * style.size)
            self._words += 1
            polygon = tuple(map(turn, box.corners)) if turn else box.corners
            written.append(Word(f"w{self._words}", word, Box.around(polygon) if turn else box, polygon, 1.0))
            x = right + space
        if self._document is not None:
            self._draw(words, start, style, space, (pivot or start, tilt))
        return self._line(written)

    def paragraph(
        self, box: Box, text: str, style: Style, *, justify: bool = False, indent: float = 0.0
    ) -> tuple[list[Line], str]:
        """Write `text` into `box` from its top; return the lines and the text that found no room.

        `indent` moves every line but the first to the right, as below a list mark.
        """
        first = " ".join(style.wrap(text, box.width)[0])
        rest = style.wrap(text[len(first) :], box.width - indent)
        wrapped = [first.split(), *rest]
        room = int((box.height + 0.25 * style.step) / style.step)
        lines = []
        for index, words in enumerate(wrapped[:room]):
            left = box.left + (indent if index else 0.0)
            last = index == len(wrapped) - 1
            space = _stretched(words, box.right - left, style) if justify and not last else None
            baseline = box.top + ASCENT * style.size + index * style.step
            lines.append(self.write_words(words, (left, baseline), style, space=space))
        return lines, " ".join(word for words in wrapped[room:] for word in words)

    def region(self, label: Label, lines: Sequence[Line] = (), box: Box | None = None) -> Region:
        """Say that `lines` (or `box`) are the next region in reading order."""
        region = Region(
            id=f"r{len(self._regions) + 1}",
            label=label,
            box=box or Box.union(line.box for line in lines),
            order=len(self._regions),
            confidence=1.0,
            line_ids=tuple(line.id for line in lines),
        )
        self._regions.append(region)
        return region

    def table(self, table: Table, lines: Sequence[Line]) -> None:
        """Add a table that has been drawn, and its region."""
        region = self.region("table", lines, table.box)
        self._tables.append(replace(table, id=f"t{len(self._tables) + 1}", region_id=region.id))

    def thing(
        self, label: str, outline: Sequence[Polygon], text: str = "", values: Sequence[tuple[str, str, float]] = ()
    ) -> None:
        """Remember something that has been drawn; see `Thing`."""
        self.things.append(Thing(label, tuple(outline), text, tuple(values)))

    def rule(self, start: tuple[float, float], end: tuple[float, float], width: float = 0.6) -> None:
        """Draw a straight black rule of so many points."""
        if self._document is not None:
            self.canvas.draw_line(start, end, width=width)

    def fill(self, box: Box, color: Color) -> None:
        """Fill a rectangle."""
        if self._document is not None:
            self.canvas.draw_rect(pymupdf.Rect(*box.as_list()), color=None, fill=color)

    def frame(self, box: Box, width: float = 0.6) -> None:
        """Draw the outline of a rectangle, black, so many points wide."""
        if self._document is not None:
            self.canvas.draw_rect(pymupdf.Rect(*box.as_list()), width=width)

    def _draw(
        self,
        words: Sequence[str],
        start: tuple[float, float],
        style: Style,
        space: float,
        turn: tuple[tuple[float, float], float],
    ) -> None:
        canvas, (x, baseline), (pivot, tilt) = self.canvas, start, turn
        writer = pymupdf.TextWriter(canvas.rect)
        for word in words:
            writer.append((x, baseline), word + " ", font=font(style.font), fontsize=style.size)
            x += style.width(word) + space
        morph = (pymupdf.Point(pivot), pymupdf.Matrix(-tilt)) if tilt else None
        writer.write_text(canvas, color=style.color, morph=morph)

    def _line(self, words: Sequence[Word]) -> Line:
        first, last = words[0].polygon, words[-1].polygon
        polygon = (first[0], last[1], last[2], first[3])
        line = Line(
            id=f"l{len(self._lines) + 1}",
            text=" ".join(word.text for word in words),
            box=Box.around(polygon),
            polygon=polygon,
            confidence=1.0,
            words=tuple(words),
        )
        self._lines.append(line)
        return line


def _turn(pivot: tuple[float, float], degrees: float) -> Any:
    """Return the function that turns a point clockwise about `pivot`."""
    c, s = cos(radians(degrees)), sin(radians(degrees))

    def turn(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point[0] - pivot[0], point[1] - pivot[1]
        return pivot[0] + c * x - s * y, pivot[1] + s * x + c * y

    return turn


def _stretched(words: Sequence[str], width: float, style: Style) -> float:
    """Return the blank that makes a line exactly `width` long."""
    gaps = max(len(words) - 1, 1)
    return max((width - sum(style.width(word) for word in words)) / gaps, style.width(" "))


__all__ = ["ASCENT", "BLACK", "DESCENT", "GREY", "Align", "Color", "Polygon", "Sheet", "Style", "Unseen", "font"]
