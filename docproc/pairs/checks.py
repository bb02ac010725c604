"""Check boxes: printed as letters among the words, or drawn; each with the label beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from docproc.blocks import rows_of
from docproc.document import KeyValue, Page, Word
from docproc.geometry import Box

BESIDE = 2.5
"""A label begins within so many heights of its box."""
WIDE = 1.3
"""The words of a label stand no further apart."""
MOST_WORDS = 14
LOOKALIKE = 0.6
"""How sure a box is that was read as a letter of another script."""

_OPEN, _TICKED = "☐□▢◻❏❑", "☑☒✓✔✗✘▣⊠🗹🗷"
_CIRCLES, _FILLED = "○◯", "●◉⦿⊗⊙"
_LOOKALIKES_OPEN, _LOOKALIKES_TICKED = "口囗", "回区図図凶囚"
"""What a reader of pixels makes of boxes: they count at the end of a Latin text only."""
_BRACKETS = re.compile(r"[\[(][xX✓✔][\])]$")
_EMPTY_BRACKETS = re.compile(r"[\[(][_ ]?[\])]$")


@dataclass(frozen=True, slots=True)
class Square:
    """A drawn box to tick, in points of the upright page; `checked` when something stands in it."""

    box: Box
    checked: bool
    confidence: float = 0.8


@dataclass(frozen=True, slots=True)
class _Mark:
    """A box to tick; `words` are the ids of those that draw it. Its box as if the page had no skew."""

    box: Box
    place: Box
    checked: bool
    confidence: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    word: Word
    box: Box


def check_boxes(page: Page, squares: Sequence[Square]) -> tuple[list[KeyValue], frozenset[str]]:
    """Return the check boxes of a page that have a label, and the ids of the words that are theirs.

    A label stands right of its box, or left of it where the whole row has them so.
    """
    slope = math.tan(math.radians(page.skew))
    placed = [_Placed(word, _level(word.box, slope)) for line in page.lines for word in line.words]
    marks = _drawn(squares, slope) + _printed(placed)
    marks = _apart(marks)
    if not marks:
        return [], frozenset()
    own = {word_id for mark in marks for word_id in mark.words}
    texts = [
        one for one in placed if one.word.id not in own and not any(m.box.contains(one.box.center) for m in marks)
    ]
    found = [pair for row in _rows(marks, texts) for pair in _labelled(row)]
    taken = own | {word_id for pair in found for word_id in pair.key_word_ids}
    return found, frozenset(taken)


def _fills(word: Box, mark: Box) -> bool:
    """Whether a word is what somebody ticked a box with."""
    return mark.contains(word.center) and word.width < 1.5 * mark.width


def _level(box: Box, slope: float) -> Box:
    return box.moved(0.0, -slope * box.center[0])


def _drawn(squares: Sequence[Square], slope: float) -> list[_Mark]:
    return [_Mark(_level(one.box, slope), one.box, one.checked, one.confidence) for one in squares]


def _printed(placed: Sequence[_Placed]) -> list[_Mark]:
    """Return the boxes that are letters."""
    text = "".join(one.word.text for one in placed)
    foreign = sum("\u3040" <= char <= "\u9fff" for char in text) > 0.1 * max(len(text), 1)
    circles = _are_circles([one.word.text for one in placed])
    found = []
    for number, one in enumerate(placed):
        mark = _sign(one.word.text, foreign=foreign, circles=circles)
        following = placed[number + 1] if number + 1 < len(placed) else None
        if mark is None and one.word.text in "[(" and following is not None and following.word.text in "])":
            both = Box.union((one.box, following.box))
            if both.width < 3 * both.height:
                ids = (one.word.id, following.word.id)
                where = Box.union((one.word.box, following.word.box))
                found.append(_Mark(both, where, False, 0.8, ids))
        elif mark is not None:
            sure = LOOKALIKE if one.word.text in _LOOKALIKES_OPEN + _LOOKALIKES_TICKED else 0.85
            found.append(_Mark(one.box, one.word.box, mark, sure, (one.word.id,)))
    return found


def _are_circles(words: Sequence[str]) -> bool:
    """Whether circles are to be ticked: some are open, and short answers stand between them, or some are filled.

    Else they are the bullets of a list.
    """
    places = [place for place, word in enumerate(words) if word in _CIRCLES + _FILLED]
    if not any(words[place] in _CIRCLES for place in places):
        return False
    short = sum(after - before <= 4 for before, after in pairwise([*places, len(words)]))
    return any(words[place] in _FILLED for place in places) or (len(places) > 1 and short > 0.6 * len(places))


def _sign(text: str, *, foreign: bool, circles: bool) -> bool | None:
    """Return whether a word is a ticked box (True), an empty one (False), or none."""
    if text in _TICKED or _BRACKETS.match(text):
        return True
    if text in _OPEN or _EMPTY_BRACKETS.match(text):
        return False
    if circles and text in _CIRCLES + _FILLED:
        return text in _FILLED
    if not foreign and text in _LOOKALIKES_OPEN + _LOOKALIKES_TICKED:
        return text in _LOOKALIKES_TICKED
    return None


def _apart(marks: Sequence[_Mark]) -> list[_Mark]:
    """Return the marks without those that lie on an earlier one."""
    kept: list[_Mark] = []
    for mark in marks:
        same = next(
            (n for n, one in enumerate(kept) if one.box.overlap(mark.box) > 0.3 * min(one.box.area, mark.box.area)),
            None,
        )
        if same is None:
            kept.append(mark)
        else:
            kept[same] = replace(kept[same], words=kept[same].words + mark.words)
    return kept


def _rows(marks: Sequence[_Mark], texts: Sequence[_Placed]) -> list[list[_Mark | _Placed]]:
    """Return the rows that hold a mark, from left to right."""
    things: list[_Mark | _Placed] = [*marks, *texts]
    rows = [[things[index] for index in row] for row in rows_of([thing.box for thing in things])]
    return [row for row in rows if any(isinstance(thing, _Mark) for thing in row)]


def _labelled(row: Sequence[_Mark | _Placed]) -> list[KeyValue]:
    """Return the boxes of a row with their labels, all on the same side."""
    places = [place for place, thing in enumerate(row) if isinstance(thing, _Mark)]
    right = [_run(row, place, 1) for place in places]
    left = [_run(row, place, -1) for place in places]
    side = right
    if sum(map(bool, left)) > sum(map(bool, right)) or (
        sum(map(bool, left)) == sum(map(bool, right)) and _nearer(row, places, left, right)
    ):
        side = left
    found = []
    for place, words in zip(places, side, strict=True):
        mark = row[place]
        assert isinstance(mark, _Mark)  # noqa: S101  (`places` are those of marks)
        letters = sum(char.isalpha() for one in words for char in one.word.text)
        if letters > (0 if mark.confidence > LOOKALIKE else 2):
            found.append(_pair(mark, words))
    return found


def _nearer(
    row: Sequence[_Mark | _Placed], places: Sequence[int], left: list[list[_Placed]], right: list[list[_Placed]]
) -> bool:
    """Whether the words on the left stand clearly nearer to their boxes than those on the right."""
    gaps = [
        (row[p].box.left - a[-1].box.right, b[0].box.left - row[p].box.right)
        for p, a, b in zip(places, left, right, strict=True)
        if a and b
    ]
    return bool(gaps) and sum(a for a, _ in gaps) < 0.6 * sum(b for _, b in gaps)


def _run(row: Sequence[_Mark | _Placed], place: int, step: int) -> list[_Placed]:
    """Return the words beside the mark at `place`, up to a wide gap or the next mark."""
    words: list[_Placed] = []
    last: Box = row[place].box
    height = last.height
    at = place + step
    while 0 <= at < len(row) and len(words) < MOST_WORDS:
        thing = row[at]
        if isinstance(thing, _Mark):
            break
        gap = thing.box.left - last.right if step > 0 else last.left - thing.box.right
        if gap > (BESIDE * max(height, thing.box.height) if not words else WIDE * thing.box.height):
            break
        words.append(thing)
        last = thing.box
        at += step
        if thing.word.text.endswith(":") and step < 0:
            break
    if step < 0 and words and words[0].word.text.endswith(":") and len(words) == 1:
        return words
    return words if step > 0 else words[::-1]


def _pair(mark: _Mark, words: Sequence[_Placed]) -> KeyValue:
    return KeyValue(
        id="",
        key=" ".join(one.word.text for one in words).strip(" :.,;"),
        value="",
        key_box=Box.union(one.word.box for one in words),
        value_box=mark.place.rounded(),
        key_word_ids=tuple(one.word.id for one in words),
        checked=mark.checked,
        confidence=mark.confidence,
    )
