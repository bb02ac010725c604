"""Finds the pairs of a page, the surest first: every item has one role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from docproc.document import KeyValue, Page
from docproc.geometry import Box
from docproc.labels import kinds, named
from docproc.labels.letters import CLOSING, GREETING
from docproc.pairs.items import CURRENCY, Item, rows
from docproc.pairs.shapes import (
    alike,
    box_of,
    cut,
    has_amount,
    is_head,
    is_plain_label,
    like_high,
    lined_up,
    room,
    same_row,
    starts_at,
    words_of,
)

FAR = 0.65
"""A value is no further right of its label than this share of the page's width."""
NEAR_BELOW, NEXT_LINE = 1.1, 0.75
"""A value below its label, and the next line of a value, follow within so many line heights."""
NEAR_BOX, FURTHER = 2.2, 2.5
"""The same for a value that begins right under the beginning of its label; and for further rows of a column."""
MOST_LINES = 5
"""Lines of a value, such as an address."""
PROSE, SHORT = 8, 0.1
"""Words of a line from which on it is running text; the last line of a paragraph is shorter by such a share."""
FIGURES = frozenset(("date", "money", "percent", "number", "code", "phone", "iban", "time"))
"""Kinds of values that have digits."""
AMOUNTS = frozenset(("money", "percent", "number"))


@dataclass(frozen=True, slots=True)
class _Way:
    """A value for a label: the items that it consists of, and how sure that is."""

    items: tuple[Item, ...]
    confidence: float


class Finder:
    """The rows of a page, and which items have a role already."""

    def __init__(self, page: Page, checks: Sequence[KeyValue], taken: frozenset[str]) -> None:
        self._page = page
        self._checks = checks
        self._rows = [
            [item for item in row if not all(token.word.id in taken for token in item.tokens)] for row in rows(page)
        ]
        self._used: set[int] = set()
        self._keys: set[int] = set()
        self._grids = [table.box for table in page.tables if table.columns > 2 and table.rows > 3]

        self._heads = {number for number, row in enumerate(self._rows) if is_head(row)}

        # many unknown words with a price are what was bought
        priced = [row for row in self._rows if len(row) > 1 and "money" in row[-1].values and not row[0].begins_known]
        self._has_items = sum(any(map(str.isalpha, row[0].text)) for row in priced) > 1

    def pairs(self) -> Iterator[KeyValue]:
        """Yield the pairs: those that a colon shows first, then known labels, then what only its place shows."""
        for find in (self._marked, self._strips, self._known, self._peers, self._ends, self._inside):
            yield from find()

    def _marked(self) -> Iterator[KeyValue]:
        """Yield the pairs of labels with a colon, empty ones too."""
        for number, row in enumerate(self._rows):
            for place, item in enumerate(row):
                if not item.label or not (item.known or is_plain_label(item)):
                    continue
                if number in self._heads and not any(other.typed for other in row):
                    continue
                if group := self._ticked(row, place):
                    yield group
                    continue
                way = self._right(number, place) or self._below(number, item)
                if way and not _fitting(item, way):
                    way = _fitting(item, self._below(number, item)) or replace(way, confidence=0.5)
                bonus = 0.07 if item.known else 0.0
                if way is None and not (item.known or item.row == 0 or len(item.tokens) <= 4):
                    continue
                yield self._pair(item, way, bonus)

    def _ticked(self, row: Sequence[Item], place: int) -> KeyValue | None:
        """Return what is ticked of the check boxes that follow a label in its row: "Sex: [ ] male [x] female"."""
        item = row[place]
        box = box_of([item])
        end = row[place + 1].box.left if place + 1 < len(row) else self._page.width
        beside = [one for one in self._checks if same_row(box, one.key_box) and box.right < one.key_box.left < end]
        if not beside or min(one.key_box.left for one in beside) - box.right > 12 * box.height:
            return None
        self._used.add(id(item))
        ticked = [one for one in beside if one.checked]
        return KeyValue(
            id="",
            key=item.name,
            value=", ".join(one.key for one in ticked),
            key_box=box,
            value_box=Box.union(one.key_box for one in ticked) if ticked else None,
            key_word_ids=tuple(word.id for word in words_of([item])),
            value_word_ids=tuple(word_id for one in ticked for word_id in one.key_word_ids),
            confidence=0.8,
        )

    def _known(self) -> Iterator[KeyValue]:
        """Yield the pairs of known labels without a colon."""
        for number, row in enumerate(self._rows):
            for place, item in enumerate(row):
                if number in self._heads or item.label or id(item) in self._used or not item.known:
                    continue
                way = _fitting(item, self._right(number, place)) or _fitting(item, self._below(number, item))
                if way is not None:
                    yield self._pair(item, replace(way, confidence=way.confidence - 0.1), 0.0)

    def _inside(self) -> Iterator[KeyValue]:
        """Yield items that begin with a known label and go on with nothing but a value: "IBAN NL50..."."""
        for row in self._rows:
            for item in row:
                if item.label or id(item) in self._used:
                    continue
                for end in range(min(len(item.tokens) - 1, 5), 0, -1):
                    key, value = cut(item, end)
                    if CURRENCY.match(key.tokens[-1].text):
                        continue
                    if any(map(str.isdigit, key.tokens[-1].text)) and "%" not in key.tokens[-1].text:
                        continue
                    if value.text.isdigit() and len(value.text) < 3:
                        continue  # Section 3, Page 1
                    if key.known and value.typed and any(map(str.isdigit, value.text)) and key.text[0].isalpha():
                        self._used.add(id(item))
                        yield self._pair(key, _Way((value,), 0.75), 0.0)
                        break

    def _strips(self) -> Iterator[KeyValue]:
        """Yield the pairs of a row of labels over a row of values: boxes along a form, some of them empty."""
        for number, row in enumerate(self._rows[:-1]):
            if number in self._heads or len(row) < 2 or not all(self._free(item) and item.like_label for item in row):
                continue
            if not any(item.known for item in row) or not alike(row):
                continue
            below = self._rows[number + 1]
            heads = [(head, self._under(number, head)) for head in row]
            under = {id(found[1]): head for head, found in heads if found}
            if not under or not all(id(item) in under for item in below):
                continue
            has_values = any(item.typed for item in below)
            if not has_values and sum(item.known for item in row) < 2:
                continue
            sure = 0.75 if has_values else 0.6
            for head in row:
                value = next((item for item in below if under[id(item)] is head), None)
                if value is not None:
                    lines = [] if value.typed else self._more_lines(number + 1, value, head)
                    yield self._pair(head, _Way((value, *lines), sure), 0.05 if head.known else 0.0)
                else:
                    yield self._pair(head, None, 0.05 if head.known else 0.0)

    def _under(self, number: int, head: Item) -> tuple[int, Item] | None:
        """Return what begins right under the beginning of a head, in the next row."""
        found = self._beneath(number, head, reach=NEAR_BOX)
        if found is None or found[0] != number + 1 or abs(found[1].box.left - head.box.left) > 0.7 * head.box.height:
            return None
        return found

    def _peers(self) -> Iterator[KeyValue]:
        """Yield the pairs of items that stand in a column of labels, or in a row of labels and values in turn."""
        lefts = [item.box for row in self._rows for item in row if id(item) in self._keys]
        for number, row in enumerate(self._rows):
            for place, item in enumerate(row):
                if not self._free(item) or not item.like_label or self._in_grid(item) or number in self._heads:
                    continue
                peers = sum(
                    abs(box.left - item.box.left) < 1 + 0.15 * box.height and like_high(box, item.box)
                    for box in lefts
                )
                turn = place % 2 == 0 and len(row) > 2 and any(id(one) in self._keys for one in row[::2])
                priced = place + 1 < len(row) and "money" in row[place + 1].values and not item.known
                if (peers < 2 and not turn) or (priced and self._has_items):
                    continue
                if place + 1 == len(row) or row[place + 1].label or id(row[place + 1]) in self._keys:
                    if item.known and peers > 1 and len(row) == 1 and self._beside_pairs(number):
                        yield self._pair(item, None, 0.0)
                    continue
                way = self._right(number, place)
                if way is not None and (way.items[0].typed or not way.items[0].known):
                    yield self._pair(item, replace(way, confidence=0.6), 0.0)

    def _beside_pairs(self, number: int) -> bool:
        """Whether the rows above and below hold labels, too."""
        near = [row for row in (number - 1, number + 1) if 0 <= row < len(self._rows)]
        return all(any(id(item) in self._keys for item in self._rows[row]) for row in near)

    def _ends(self) -> Iterator[KeyValue]:
        """Yield what stands alone in a row with an amount or a date at its right end: "Rounding Adj   0.02"."""
        for row in self._rows:
            free = [item for item in row if self._free(item)]
            if len(row) != 2 or len(free) != 2:
                continue
            key, value = row
            if (self._in_grid(key) or (self._has_items and "money" in value.values)) and not key.begins_known:
                continue
            kinds = {"money", "percent", "date", "iban", "vat", "email", "phone", "time"}
            if (
                (key.like_label or key.begins_known)
                and value.typed
                and kinds & set(value.values)
                and key.text[0].isalpha()
            ):
                yield self._pair(key, _Way((value,), 0.7 if key.begins_known else 0.5), 0.0)

    def _right(self, number: int, place: int) -> _Way | None:
        """Return the value to the right of an item in its row."""
        row = self._rows[number]
        item = row[place]
        values: list[Item] = []
        for other in row[place + 1 :]:
            following = [one for one in row[place + 1 :] if one.box.left > other.box.right]
            if other.label or id(other) in self._used:
                break
            if other.known and not other.typed and (not item.label or following):
                break
            gap = other.box.left - (values[-1] if values else item).box.right
            if values and (gap > 3 * item.box.height or values[-1].typed):
                break
            values.append(other)
        if not values:
            return None
        gap = values[0].box.left - item.box.right
        height = item.box.height
        typed = values[0].typed
        if gap > FAR * self._page.width and not typed:
            return None
        if not item.label and not typed and gap > 12 * height:
            return None
        if gap > 8 * height and not typed and self._beneath(number, item):
            return None  # a block of its own stands there
        confidence = 0.88 if gap < 8 * height or typed else 0.65
        if not typed:
            values += self._more_lines(number, values[-1], item)
        return _Way(tuple(values), confidence)

    def _below(self, number: int, item: Item) -> _Way | None:
        """Return the value below an item; a column of figures is none."""
        first = self._beneath(number, item)
        if first is None and item.known:
            first = self._under(number, item)
        if first is None:
            return None
        row, value = first
        rest = [] if value.typed and len(value.values) == 1 else self._more_lines(row, value, item)
        following = self._beneath(row, value, reach=FURTHER, anywhere=True) if not rest else None
        if (
            following
            and following[1].typed
            and value.typed
            and set(value.values) & set(following[1].values) & AMOUNTS
        ):
            return None
        confidence = 0.72 if value.typed else 0.6
        return _Way((value, *rest), confidence)

    def _beneath(
        self, number: int, item: Item, *, reach: float = NEAR_BELOW, anywhere: bool = False
    ) -> tuple[int, Item] | None:
        """Return the row and item that stands close below an item and lines up with it, unless it is a label."""
        height = item.box.height
        for below in range(number + 1, min(number + 4, len(self._rows))):
            for other in self._rows[below]:
                if not lined_up(item.box, other.box):
                    continue
                gap = other.box.top - item.box.bottom
                if gap > reach * max(height, other.box.height) or gap < -0.5 * height:
                    return None
                if other.label or (other.known and not other.typed) or id(other) in self._used:
                    return None
                if not anywhere and not room(self._rows[below], other, item):
                    return None
                return below, other
        return None

    def _more_lines(self, number: int, value: Item, key: Item) -> list[Item]:
        """Return the items that go on with a value in the lines below it."""
        lines: list[Item] = []
        last, row = value, number
        while len(lines) < MOST_LINES - 1 and not _ends_paragraph([value, *lines]):
            following = self._next_line(row, last)
            if following is None:
                break
            row, item = following
            beside = [other for other in self._rows[row] if other.box.right <= item.box.left]
            if any(starts_at(other.box, key.box) for other in beside) or (
                item.typed and len(item.values) == 1 and has_amount(item)
            ):
                break
            if GREETING.match(item.text) or CLOSING.match(item.text):
                break
            lines.append(item)
            last = item
        return lines

    def _next_line(self, number: int, value: Item) -> tuple[int, Item] | None:
        for below in range(number + 1, min(number + 4, len(self._rows))):
            for item in self._rows[below]:
                if not starts_at(item.box, value.box):
                    continue
                gap = item.box.top - value.box.bottom
                if gap > NEXT_LINE * value.box.height or gap < -0.5 * value.box.height:
                    return None
                tall = max(item.box.height, value.box.height) > 1.5 * min(item.box.height, value.box.height)
                if item.label or item.known or tall or id(item) in self._used:
                    return None
                return below, item
        return None

    def _pair(self, key: Item, way: _Way | None, bonus: float) -> KeyValue:
        self._used.add(id(key))
        self._keys.add(id(key))
        items = way.items if way else ()
        self._used.update(map(id, items))
        key_words, words = words_of([key]), words_of(items)
        return KeyValue(
            id="",
            key=key.name,
            value=" ".join(item.value for item in items),
            key_box=box_of([key]),
            value_box=box_of(items) if items else None,
            key_word_ids=tuple(word.id for word in key_words),
            value_word_ids=tuple(word.id for word in words),
            confidence=round(min((way.confidence if way else 0.5) + bonus, 0.97), 2),
        )

    def _free(self, item: Item) -> bool:
        return id(item) not in self._used and not item.label

    def _in_grid(self, item: Item) -> bool:
        middle = item.tokens[0].word.box.center
        return any(grid.contains(middle) for grid in self._grids)


def _ends_paragraph(lines: Sequence[Item]) -> bool:
    """Whether running text ends with the last line: with a sentence, and before the line above is full."""
    last, widest = lines[-1], max(item.box.right for item in lines)
    prose = max(len(item.tokens) for item in lines) >= PROSE and last.text.endswith((".", "!", "?"))
    return prose and len(lines) > 1 and widest - last.box.right > SHORT * (widest - last.box.left)


def _fitting(key: Item, way: _Way | None) -> _Way | None:
    """Return the way unless the label names a figure and what it found has none."""
    if way is None:
        return None
    known = named(key.text)
    figures = bool(known) and all(kinds()[one.field] in FIGURES for one in known if one.score >= 0.9)
    return None if figures and known[0].score >= 0.9 and not any(map(str.isdigit, way.items[0].text)) else way
