"""Where a document is set: a sheet, and beside it what was said on it, so that it can be asked about."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from docproc.document import KeyValue, Label, Line, Word
from docproc.geometry import Box
from docproc.synth.questions.data import Split, fields, half, layouts
from docproc.synth.questions.values import Values
from docproc.synth.sheet import BLACK, GREY, Align, Sheet, Style

CURRENCIES = frozenset({"RM", "EUR", "USD", "GBP", "MYR", "AUD", "CHF", "Fr.", "Rs."})
"""Codes that stand beside a sum as words of their own: the sum is asked for, not they."""
NO_SLOTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the page says: `words` say it; `asks` are patterns of questions whose slots are filled from `slots`.

    Without `asks` the field's own questions are taken. `answer` replaces the words as the answer ("yes").
    """

    field: str
    words: tuple[Word, ...]
    kind: str
    asks: tuple[str, ...] = ()
    slots: Mapping[str, str] = dataclasses.field(default_factory=dict)
    also: tuple[str, ...] = ()
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that could be asked and that the page does not say."""

    kind: str
    asks: tuple[str, ...]
    slots: Mapping[str, str] = dataclasses.field(default_factory=dict)
    field: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with its value, to be written; no value: the place is left empty. `label` replaces the field's own."""

    field: str
    value: str | Sequence[str] = ""
    label: str = ""
    asks: tuple[str, ...] = ()
    slots: Mapping[str, str] = dataclasses.field(default_factory=dict)
    kind: str = ""

    @property
    def lines(self) -> list[str]:
        """The value's lines."""
        return [self.value] if isinstance(self.value, str) else list(self.value)


class Desk:
    """A sheet, its random stream, and what is known about what is written on it."""

    def __init__(
        self,
        document: Any | None,
        random: Random,
        split: Split,
        width: float = 595.0,
        height: float = 842.0,
        values: Values | None = None,
    ) -> None:
        self.sheet = Sheet(document, width, height)
        self.random = random
        self.split: Split = split
        self.values = values or Values(random)
        self.facts: list[Fact] = []
        self.missing: list[Missing] = []
        self.pairs: list[KeyValue] = []
        self.body = Style(
            random.choice(("helv", "helv", "tiro", "cour")),
            random.choice((8.0, 9.0, 9.5, 10.0, 11.0)),
            leading=random.uniform(1.2, 1.7),
        )
        self._colon = random.choice((":", ":", " :", "", "."))
        self._upper = random.random() < 0.15
        self._labels = set[str]()
        self.groups = set[str]()
        self.loud = False
        """Whether what is filled in is in capitals, as on a typewriter."""
        self.noun = "document"
        """What people call this kind of document."""
        self.tabular = False
        """Whether there is a table that says all sorts of things."""

    def layout(self, name: str, count: int) -> int:
        """Return one of `count` layouts, of those of this half."""
        return self.random.choice(layouts(name, count, self.split))

    def label(self, name: str) -> str:
        """Return a label of a field in this document's language (English where it has none, and at times so)."""
        known = fields()[name].labels
        language = self.values.locale.language
        options = known.get(language, known.get("en", ())) if self.values.chance(0.75) else known.get("en", ())
        options = half(options, self.split) or options
        text = self.random.choice([option for option in options if option not in self._labels] or options)
        self._labels.add(text)
        return text.upper() if self._upper else text

    def colon(self, label: str) -> str:
        """Return a label with this document's mark after it."""
        return label if label.endswith((".", "#", ":", "?")) and self._colon != ":" else label + self._colon

    def say(self, name: str, words: Sequence[Word], **more: Any) -> None:
        """Remember that `words` give the value of a field; `more` are fields of `Fact`."""
        kind = more.pop("kind", "") or (fields()[name].kind if name in fields() else "text")
        if kind == "money":
            words = [word for word in words if word.text not in CURRENCIES] or words
        if words or more.get("answer"):
            self.facts.append(Fact(name, tuple(words), kind, **more))

    def lack(
        self, name: str, asks: tuple[str, ...] = (), slots: Mapping[str, str] = NO_SLOTS, kind: str = ""
    ) -> None:
        """Remember that the page has no value for a field whose label it may carry."""
        known = fields().get(name)
        kind = kind or (known.kind if known else "text")
        self.missing.append(Missing(kind, asks or (known.asks if known else ()), slots, name))

    def write(self, x: float, y: float, text: str, style: Style | None = None, **more: Any) -> Line:
        """Write one line of text, smaller where it would run off the sheet; see `Sheet.write`."""
        style, right = style or self.body, self.sheet.box.right - 2
        room = {"left": right - x, "right": x - 2, "center": 2 * min(x, right - x)}[more.get("align", "left")]
        return self.sheet.write(x, y, text, _fitting(style, style.width(text), room), **more)

    def region(self, label: Label, lines: Sequence[Line]) -> None:
        """Say that `lines` are the next region, if there are any."""
        if lines:
            self.sheet.region(label, lines)

    def join(
        self, key: Sequence[Line], value: Sequence[Line], *, place: Box | None = None, checked: bool | None = None
    ) -> None:
        """Remember a label and what is filled in for it; `place` where nothing is written."""
        key_words = [word for line in key for word in line.words]
        words = [word for line in value for word in line.words]
        if not key_words:
            return
        self.pairs.append(
            KeyValue(
                id=f"k{len(self.pairs) + 1}",
                key=" ".join(word.text for word in key_words).strip(" :."),
                value=" ".join(word.text for word in words),
                key_box=Box.union(word.box for word in key_words),
                value_box=Box.union(word.box for word in words) if words else place,
                key_word_ids=tuple(word.id for word in key_words),
                value_word_ids=tuple(word.id for word in words),
                checked=checked,
                confidence=1.0,
            )
        )

    def known(self, pair: Pair, label: str, value: Sequence[Line]) -> None:
        """Remember what a written pair says, or that it says nothing; `label` as it stands on the page."""
        words = [word for line in value for word in line.words]
        slots = {**pair.slots, "label": label.strip(" :.")}
        if words:
            self.say(pair.field, words, asks=pair.asks, slots=slots, kind=pair.kind)
        else:
            self.lack(pair.field, pair.asks, slots, pair.kind)

    def column(  # noqa: PLR0912  (six ways to set a pair)
        self, pairs: Sequence[Pair], box: Box, how: int, bold: bool | None = None
    ) -> tuple[float, list[Line]]:
        """Write pairs below one another from the top of `box`; return the lower end and the lines.

        `how`: 0 value close behind its label, 1 values in a column, 2 values at the right edge, 3 value below
        its label, 4 label below a line with the value on it, 5 values in a column with the labels at its right.
        """
        style, lines = self.body, list[Line]()
        key_style = Style(style.font, style.size, GREY if self.values.chance(0.2) else BLACK, style.leading)
        value_style = key_style
        if bold if bold is not None else self.values.chance(0.3):
            (key_style, value_style) = (
                (key_style.bold(), style) if self.values.chance(0.7) else (key_style, style.bold())
            )
        small = Style(style.font, max(style.size * 0.8, 6.0), key_style.color, style.leading)
        labels = [self.colon(pair.label or self.label(pair.field)) for pair in pairs]
        stop = box.left + min(max(key_style.width(text) for text in labels) + 8, box.width * 0.6)
        y = box.top + style.size
        for pair, text in zip(pairs, labels, strict=True):
            if y + style.step * (1 + len(pair.lines)) > box.bottom:
                break
            key, value = list[Line](), list[Line]()
            if how in {3, 4}:
                up, down = (small, value_style) if how == 3 else (value_style, small)
                first = [self.write(box.left, y, text.rstrip(" :"), up)] if how == 3 else []
                for line in pair.lines:
                    if line:
                        y += style.step if how == 3 or value else 0
                        value.append(self.write(box.left + 1, y, line, value_style))
                if how == 4:
                    self.sheet.rule((box.left, y + 3), (box.right - 10, y + 3), 0.5)
                    y += style.step
                    first = [self.write(box.left, y, text.rstrip(" :"), down)]
                key = first
                place = Box(box.left, y - style.size, box.right, y + 2)
                y += style.step * 1.3
            else:
                align: Align = "left"
                x = stop
                if how == 5:
                    key = [self.write(stop - 6, y, text, key_style, align="right")]
                else:
                    key = [self.write(box.left, y, text, key_style)]
                if how == 0:
                    x = box.left + key_style.width(text + " ")
                if how == 2:
                    x, align = box.right, "right"
                place = Box(min(stop, box.right - 5), y - style.size, box.right, y + 2)
                for index, line in enumerate(pair.lines):
                    if line:
                        value.append(self.write(x, y + index * style.step, line, value_style, align=align))
                y += style.step * max(len(pair.lines), 1)
            lines += key + value if how != 4 else value + key
            self.join(key, value, place=place)
            self.known(pair, text, value)
        return y - style.size, lines

    def inline(
        self, x: float, y: float, pairs: Sequence[Pair], style: Style, align: Align = "left", gap: str = "   "
    ) -> list[Line]:
        """Write pairs beside one another on one line, `gap` apart."""
        parts = [(f"{self.colon(pair.label or self.label(pair.field))} ", " ".join(pair.lines)) for pair in pairs]
        whole = sum(style.width(key + value) for key, value in parts) + style.width(gap) * (len(parts) - 1)
        room = {"left": self.sheet.box.right - 4 - x, "right": x - 4, "center": self.sheet.box.width - 8}[align]
        style, whole = _fitting(style, whole, room), min(whole, room)
        x -= {"left": 0.0, "right": whole, "center": whole / 2}[align]
        lines = []
        for pair, (key, value) in zip(pairs, parts, strict=True):
            line = self.write(x, y, key + value, style)
            count = len(value.split())
            self.known(pair, key, [line_of(line, len(line.words) - count)] if count else [])
            self.join(
                [line_of(line, 0, len(line.words) - count)], [line_of(line, len(line.words) - count)] if count else []
            )
            x += style.width(key + value + gap)
            lines.append(line)
        return lines


def _fitting(style: Style, width: float, room: float) -> Style:
    """Return a style in which a text of `width` points fills no more than `room`."""
    return style if width <= room else replace(style, size=style.size * room / width)


def line_of(line: Line, start: int, end: int | None = None) -> Line:
    """Return a line with some of the words of `line`."""
    return replace(line, words=line.words[start:end])


def words_of(lines: Sequence[Line]) -> list[Word]:
    """Return the words of `lines`, in order."""
    return [word for line in lines for word in line.words]
