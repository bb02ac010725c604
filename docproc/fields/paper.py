"""What is known of a document while its fields are looked for: its pairs with what they name, and how it writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from docproc.document import KeyValue, Line, Page, Word
from docproc.labels import Named, named
from docproc.pairs import key_values
from docproc.values import Conventions, Value, conventions, find_values

Place = tuple[int, Word]
"""A word and the number of its page."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a field may be: `text` as printed with the words it rests on; `value` normalised; `confidence` 0-1."""

    text: str
    places: tuple[Place, ...]
    confidence: float
    value: Any = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A pair of page `page`, and the fields that its label names."""

    page: int
    pair: KeyValue
    fields: tuple[Named, ...]

    def score(self, field: str) -> float:
        """Return how well the label names `field`, 0-1."""
        return next((one.score for one in self.fields if one.field == field), 0.0)


class Paper:
    """The pages of a document, looked at once for all fields."""

    def __init__(self, pages: Sequence[Page]) -> None:
        # readings from before pairs were kept with them have none
        self.pages = [
            page if page.key_values else replace(page, key_values=key_values(page))
            for page in pages
            if not page.failed
        ]
        self._words = {
            (page.number, word.id): word for page in self.pages for line in page.lines for word in line.words
        }
        self._lines = {
            (page.number, word.id): line for page in self.pages for line in page.lines for word in line.words
        }

    @cached_property
    def known(self) -> Conventions:
        """How the document writes dates and numbers."""
        return conventions(line.text for page in self.pages for line in page.lines)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The pairs that have a value, in order."""
        return tuple(
            Entry(page.number, pair, named(pair.key))
            for page in self.pages
            for pair in page.key_values
            if pair.checked is None and pair.value
        )

    @cached_property
    def checks(self) -> tuple[Entry, ...]:
        """The check boxes, in order."""
        return tuple(
            Entry(page.number, pair, named(pair.key))
            for page in self.pages
            for pair in page.key_values
            if pair.checked is not None
        )

    @cached_property
    def values(self) -> tuple[tuple[int, Line, Value], ...]:
        """Every typed value with its page and line."""
        return tuple(
            (page.number, line, value)
            for page in self.pages
            for line in page.lines
            for value in find_values(line.text, self.known)
        )

    @cached_property
    def currency(self) -> str:
        """The ISO 4217 code that most amounts have beside them, "" where none has."""
        codes = Counter(
            value.normal.split()[-1] for _, _, value in self.values if value.kind == "money" and " " in value.normal
        )
        if not codes:
            text = " ".join(line.text for page in self.pages for line in page.lines)
            codes = Counter("MYR" if word == "RM" else word for word in re.findall(r"\b(RM|EUR|USD|GBP|CHF)\b", text))
        return codes.most_common(1)[0][0] if codes else ""

    def line_of(self, page: int, word_id: str) -> Line | None:
        """Return the line that a word is in."""
        return self._lines.get((page, word_id))

    def places(self, page: int, word_ids: Sequence[str]) -> tuple[Place, ...]:
        """Return the words of these ids."""
        return tuple((page, self._words[page, one]) for one in word_ids if (page, one) in self._words)

    def lines_of(self, entry: Entry) -> list[tuple[str, tuple[Place, ...]]]:
        """Return the value of a pair line by line: text and words."""
        lines: dict[str, list[Place]] = {}
        for place in self.places(entry.page, entry.pair.value_word_ids):
            line = self.line_of(entry.page, place[1].id)
            lines.setdefault(line.id if line else "", []).append(place)
        texts = [(" ".join(word.text for _, word in some), tuple(some)) for some in lines.values()]
        return texts if len(texts) > 1 else [(entry.pair.value, self.places(entry.page, entry.pair.value_word_ids))]


def words_in(page: int, line: Line, start: int = 0, end: int | None = None) -> tuple[Place, ...]:
    """Return the words of a line that characters `start` up to `end` of its text touch."""
    stop = len(line.text) if end is None else end
    found, at = [], 0
    for word in line.words:
        begin = line.text.find(word.text, at)
        if begin < 0:
            return tuple((page, one) for one in line.words)
        at = begin + len(word.text)
        if begin < stop and at > start:
            found.append((page, word))
    return tuple(found)
