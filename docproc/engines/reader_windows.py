"""What the reader sees of a page: windows of words as arrays, and the places of words to one another.

A window is at most `PIECES` word pieces in reading order. Where words stand is measured in heights of a line, so a
page looks the same whatever its size: `place` says where in its window each word is and how tall, `relation` how any
two words lie to one another (left of it on the same line, above it in the same column, ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from docproc.document import Page, Word
from docproc.embed import pieces
from docproc.geometry import Box

PIECES = 320
"""Word pieces of a window, marks included."""
STRIDE = 220
"""Pieces from the start of a window to that of the next on the same page."""
KEPT = 16
"""Pages whose windows are kept: half a megabyte each, for a tenth of the time of a question."""
LONGEST_WORD = 6
"""Pieces of one word that are looked at: half from its start, half from its end."""
QUESTION = 32
"""Pieces of a question that are looked at, marks included."""
GRID = 64
"""Steps of a place along each side of a window."""
FIRST, LAST, UNKNOWN = 101, 102, 100
_ROWS = np.array([-12, -6, -3.5, -2.2, -1.4, -0.5, 0.5, 1.4, 2.2, 3.5, 6, 12], np.float32)
_GAPS = np.array([0.8, 3.0, 8.0, 20.0], np.float32)
_COLUMNS = 13
RELATIONS = (len(_ROWS) + 1) * _COLUMNS + 1
"""Ways that two words can lie to one another; the last is for marks and words of other pages."""
_JOINED = re.compile(r"(?P<label>[^\W\d]\S{1,24}:)(?P<value>(?!//)\S+)")

Integers = NDArray[np.int64]
Placed = tuple[Word, int]
"""A word and the number of its page."""


@dataclass(frozen=True, slots=True)
class Part:
    """A word, or what stands before or after the colon inside one ("Date:3.5.2021"); `box` is its share of it."""

    word: Word
    page: int
    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Window:
    """Arrays of one window. N pieces, W parts of words.

    `ids` int64[N]; `first` int64[W], the place of each part's first piece; `place` int64[N, 4]: left, right, middle
    (0 to GRID - 1, 0 for marks) and height (0 to 15); `relation` int16[N, N] below RELATIONS, of a piece (row) to
    another (column).
    """

    parts: tuple[Part, ...]
    ids: Integers
    first: Integers
    place: Integers
    relation: NDArray[np.int16]


def reading_order(page: Page) -> list[Word]:
    """Return all words of a page: regions in order, then the lines that are in none."""
    ordered = [line_id for region in sorted(page.regions, key=lambda one: one.order) for line_id in region.line_ids]
    ids = dict.fromkeys([*ordered, *(line.id for line in page.lines)])
    return [word for line_id in ids for word in page.lines_by_id[line_id].words]


def question_ids(question: str) -> list[int]:
    """Return the pieces of a question, with marks, at most QUESTION; of a longer one the end is left out."""
    found = [piece for word in question[: QUESTION * 40].split() for piece in pieces(word)]
    return [FIRST, *found[: QUESTION - 2], LAST]


@lru_cache(maxsize=KEPT)
def page_windows(page: Page) -> tuple[Window, ...]:
    """Return the windows that cover a page, overlapping; none where it has no words. The last pages are kept."""
    return tuple(windows([(word, page.number) for word in reading_order(page)]))


def windows(words: Sequence[Placed]) -> Iterator[Window]:
    """Yield the windows that cover words in reading order."""
    parts = [part for word, number in words for part in _parts(word, number)]
    lengths = [len(_word_pieces(part.text)) for part in parts]
    ends = np.cumsum([0, *lengths])
    start, room = 0, PIECES - 2
    while start < len(parts):
        end = int(np.searchsorted(ends, ends[start] + room, side="right")) - 1
        yield _window(parts[start:end])
        if end == len(parts):
            return
        start = max(start + 1, int(np.searchsorted(ends, ends[start] + STRIDE, side="right")) - 1)


def _parts(word: Word, page: int) -> Iterator[Part]:
    found = _JOINED.fullmatch(word.text)
    if not found:
        yield Part(word, page, word.text, word.box)
        return
    box = word.box
    middle = box.left + box.width * found.end("label") / len(word.text)
    yield Part(word, page, found["label"], Box(box.left, box.top, middle, box.bottom))
    yield Part(word, page, found["value"], Box(middle, box.top, box.right, box.bottom))


def _word_pieces(text: str) -> tuple[int, ...]:
    found = pieces(text[:400]) or (UNKNOWN,)
    half = LONGEST_WORD // 2
    return found if len(found) <= LONGEST_WORD else found[:half] + found[-half:]


def _window(parts: Sequence[Part]) -> Window:
    ids, owner = [FIRST], [-1]
    first = []
    for index, part in enumerate(parts):
        first.append(len(ids))
        found = _word_pieces(part.text)
        ids += found
        owner += [index] * len(found)
    ids.append(LAST)
    owner.append(-1)
    sides = np.array([part.box.as_list() for part in parts], np.float32)
    pages = np.array([part.page for part in parts])
    heights = sides[:, 3] - sides[:, 1]
    unit = max(float(np.median(heights)), 1e-3)
    place = np.vstack([_places(sides, heights / unit), np.zeros((1, 4), np.int64)])
    relation = np.pad(_relations(sides, pages, unit), ((0, 1), (0, 1)), constant_values=RELATIONS - 1)
    owners = np.array(owner)
    return Window(
        tuple(parts), np.array(ids, np.int64), np.array(first, np.int64), place[owners],
        relation[np.ix_(owners, owners)].astype(np.int16),
    )  # fmt: skip


def _places(sides: NDArray[np.float32], heights: NDArray[np.float32]) -> Integers:
    """Return int64[W, 4]; `heights` are those of words in lines."""
    low, high = sides[:, :2].min(axis=0), sides[:, 2:].max(axis=0)
    size = np.maximum(high - low, 1e-3)
    left, right = ((sides[:, side] - low[0]) / size[0] for side in (0, 2))
    middle = ((sides[:, 1] + sides[:, 3]) / 2 - low[1]) / size[1]
    steps = np.stack([left, right, middle], axis=1) * (GRID - 1)
    height = 8 + 4 * np.log2(np.maximum(heights, 1e-3))
    return np.column_stack([np.clip(steps, 0, GRID - 1), np.clip(height, 0, 15)]).astype(np.int64)


def _relations(sides: NDArray[np.float32], pages: NDArray[np.int64], unit: float) -> Integers:
    """Return int64[W, W]: how the word of the column lies to that of the row."""
    left, top, right, bottom = (sides / unit).T
    middle = (top + bottom) / 2
    rows = np.searchsorted(_ROWS, (middle[None] - middle[:, None]).ravel()).reshape(len(sides), -1)
    after, before = left[None] - right[:, None], left[:, None] - right[None]
    steps = 1 + np.searchsorted(_GAPS, np.maximum(after, before).ravel()).reshape(len(sides), -1)
    columns = np.where(after > 0, 2 + steps, np.where(before > 0, 7 + steps, 0))
    beside = (after > 0) | (before > 0)
    columns = np.where(~beside & (np.abs(right[None] - right[:, None]) < 0.5), 1, columns)
    columns = np.where(~beside & (np.abs(left[None] - left[:, None]) < 0.5), 2, columns)
    found = rows * _COLUMNS + columns
    return np.where(pages[None] == pages[:, None], found, RELATIONS - 1).astype(np.int64)
