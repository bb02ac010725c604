"""A page as a question looks at it: words in reading order, pieces of rows, and what stands beside and above each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import snowballstemmer

from docproc.blocks import rows_of
from docproc.document import Line, Page, Word
from docproc.geometry import Box

WIDE = 1.2
"""Words of a line that stand further apart than so many line heights are pieces of their own: columns, values."""
NEAR_ABOVE = 3.0
"""What labels a piece from above is no further away than so many of its heights."""
PART = 30
MOST_WORDS = 12_000
"""Words of a page that are looked at."""

_STEMMER = snowballstemmer.stemmer("english")
_TOKENS = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "could", "did", "do", "does", "for",
        "from", "give", "had", "has", "have", "how", "i", "in", "is", "it", "its", "list", "many", "me",
        "much", "of", "on", "or", "please", "say", "says", "shall", "should", "show", "state", "stated",
        "tell", "that", "the", "their", "there", "these", "this", "to", "us", "was", "we", "were", "what",
        "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "would", "you", "your",
        "find", "mentioned", "mention", "according", "document", "page", "text", "shown", "given",
        "written", "name",
    }
)  # fmt: skip
"""Words of a question that say nothing of what is looked for. "name" is one: what follows it says whose."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of one line that stand together; `first` and `last` are indexes of words (`last` is not one of them)."""

    first: int
    last: int
    box: Box
    line: int
    region: int


@dataclass(frozen=True)
class PageText:
    """The words of a page in reading order, with the line and the region that each is in (-1: in none)."""

    page: Page
    words: tuple[Word, ...]
    lines: tuple[Line, ...]
    line_of: tuple[int, ...]
    region_of: tuple[int, ...]
    index: dict[str, int] = field(repr=False)

    @classmethod
    def of(cls, page: Page) -> PageText:
        """Return the text of a page: by regions, then the lines in none."""
        regions = sorted(page.regions, key=lambda one: one.order)
        place = {line_id: number for number, one in enumerate(regions) for line_id in one.line_ids}
        lines: list[Line] = [page.lines_by_id[line_id] for one in regions for line_id in one.line_ids]
        lines += [line for line in page.lines if line.id not in place]
        words: list[Word] = []
        line_of: list[int] = []
        region_of: list[int] = []
        for number, line in enumerate(lines):
            for word in line.words or (Word(line.id, line.text, line.box, line.polygon, line.confidence),):
                words.append(word)
                line_of.append(number)
                region_of.append(place.get(line.id, -1))
        kept = slice(MOST_WORDS)
        index = {word.id: at for at, word in enumerate(words[kept])}
        return cls(page, tuple(words[kept]), tuple(lines), tuple(line_of[kept]), tuple(region_of[kept]), index)

    def text(self, first: int, last: int) -> str:
        """Return the words from `first` up to `last`, joined."""
        return " ".join(word.text for word in self.words[first:last])

    def box(self, first: int, last: int) -> Box:
        """Return the box around words."""
        return Box.union(word.box for word in self.words[first:last])

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The lines, divided at wide gaps, in reading order."""
        found: list[Piece] = []
        start = 0
        for at in range(1, len(self.words) + 1):
            if at == len(self.words) or self._apart(at):
                box = self.box(start, at)
                found.append(Piece(start, at, box, self.line_of[start], self.region_of[start]))
                start = at
        return tuple(found)

    @cached_property
    def piece_of(self) -> tuple[int, ...]:
        """For each word the number of the piece that it is in."""
        return tuple(number for number, piece in enumerate(self.pieces) for _ in range(piece.first, piece.last))

    @cached_property
    def around(self) -> tuple[str, ...]:
        """For each word the part of its region that it is in: some lines, about `PART` words."""
        found: list[str] = []
        start = 0
        for at in range(1, len(self.words) + 1):
            other = at == len(self.words) or self.region_of[at] != self.region_of[start]
            if other or (at - start >= PART and self.line_of[at] != self.line_of[at - 1]):
                found += [self.text(start, at)] * (at - start)
                start = at
        return tuple(found)

    def _apart(self, at: int) -> bool:
        one, other = self.words[at - 1], self.words[at]
        if self.line_of[at - 1] != self.line_of[at]:
            return True
        return other.box.left - one.box.right > WIDE * min(one.box.height, other.box.height)

    @cached_property
    def height(self) -> float:
        """The usual height of a line, in points."""
        heights = sorted(line.box.height for line in self.lines)
        return heights[len(heights) // 2] if heights else 1.0

    @cached_property
    def rows(self) -> tuple[tuple[int, ...], ...]:
        """The printed rows of pieces, from top to bottom, each from left to right."""
        return tuple(map(tuple, rows_of([piece.box for piece in self.pieces])))

    @cached_property
    def left_of(self) -> tuple[tuple[int, ...], ...]:
        """For each piece the pieces in its printed row that stand left of it, the nearest first."""
        found: list[tuple[int, ...]] = [()] * len(self.pieces)
        for row in self.rows:
            for at, piece in enumerate(row):
                found[piece] = tuple(reversed(row[:at]))
        return tuple(found)

    @cached_property
    def above(self) -> tuple[int, ...]:
        """For each piece the nearest one above that shares half of the narrower width; -1 where there is none."""
        order = sorted(range(len(self.pieces)), key=lambda at: self.pieces[at].box.bottom)
        return tuple(self._above(at, order) for at in range(len(self.pieces)))

    def _above(self, at: int, order: Sequence[int]) -> int:
        box = self.pieces[at].box
        best, nearest = -1, NEAR_ABOVE * max(box.height, self.height)
        for other in order:
            upper = self.pieces[other].box
            if upper.bottom > box.top + 0.3 * box.height:
                break
            if other == at or box.top - upper.bottom > nearest:
                continue
            shared = min(box.right, upper.right) - max(box.left, upper.left)
            if shared > 0.4 * min(box.width, upper.width):
                best, nearest = other, box.top - upper.bottom
        return best

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """For each region the title or heading that it stands under."""
        texts: list[str] = []
        last = ""
        for region in sorted(self.page.regions, key=lambda one: one.order):
            texts.append(last)
            if region.label in ("section-header", "title", "caption"):
                last = " ".join(self.page.lines_by_id[line_id].text for line_id in region.line_ids)[:200]
        return tuple(texts)


def content(text: str) -> tuple[str, ...]:
    """Return the stems of the words that say something, in order."""
    return tuple(stem for word in tokens(text) if word not in STOP_WORDS and (stem := stemmed(word)))


@lru_cache(maxsize=16384)
def tokens(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case without accents and signs."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return tuple(_TOKENS.findall("".join(char for char in plain if not unicodedata.combining(char))))


@lru_cache(maxsize=65536)
def stemmed(word: str) -> str:
    """Return the stem of an English word; other languages lose an ending now and then, on both sides alike."""
    return str(_STEMMER.stemWord(word))
