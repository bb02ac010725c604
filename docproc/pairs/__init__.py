"""Label-value pairs of a page: what forms, invoices and receipts say without a sentence, from words alone.

A value stands behind its label, to the right of it across a gap, or below it; labels are known by a colon or leaders,
by their wording (`docproc.labels`), or by standing over or beside something that can only be a value. Confidences say
how many of these agree, and are calibrated where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from docproc.document import KeyValue, Page, Word
from docproc.geometry import Box
from docproc.labels import kinds, named
from docproc.pairs.checks import Square, check_boxes
from docproc.pairs.items import CURRENCY, Item, rows

__all__ = ["Square", "key_values", "with_pairs"]

FAR = 0.65
"""A value is no further right of its label than this share of the page's width."""
NEAR_BELOW, NEXT_LINE = 1.1, 0.75
"""A value below its label, and the next line of a value, follow within so many line heights."""
MOST_LINES = 5
"""Lines of a value, such as an address."""
COLUMNS = frozenset(
    (
        "description",
        "quantity",
        "unit_price",
        "line_total",
        "item_code",
        "unit",
        "line_number",
        "tax",
        "tax_rate",
        "discount",
    )
)
"""Fields that head the columns of a table."""
FIGURES = frozenset(("date", "money", "percent", "number", "code", "phone", "iban", "time"))
"""Kinds of values that have digits."""
AMOUNTS = frozenset(("money", "percent", "number"))


def key_values(page: Page, squares: Sequence[Square] = ()) -> tuple[KeyValue, ...]:
    """Return the pairs and check boxes of a page, in reading order, with ids `p1-k1` and on.

    `squares` are check boxes seen in its pixels; those printed as letters are found in the words. Words are used
    once, as a label or in a value; but what is ticked behind a label is the value of that too.
    """
    checks, taken = check_boxes(page, squares)
    found = [*_Finder(page, checks, taken).pairs(), *checks]
    place = {word.id: number for number, word in enumerate(_words(page))}
    found.sort(key=lambda one: min((place[word_id] for word_id in one.key_word_ids), default=0))
    return tuple(replace(one, id=f"p{page.number}-k{number}") for number, one in enumerate(found, 1))


def with_pairs(page: Page) -> Page:
    """Return the page with the pairs that its words make now; drawn check boxes stay ticked or not."""
    squares = [
        Square(one.value_box, one.checked, one.confidence or 0.0)
        for one in page.key_values
        if one.checked is not None and one.value_box is not None
    ]
    return replace(page, key_values=key_values(page, squares))


@dataclass(frozen=True, slots=True)
class _Way:
    """A value for a label: the items that it consists of, and how sure that is."""

    items: tuple[Item, ...]
    confidence: float


class _Finder:
    """The rows of a page, and which items have a role already."""

    def __init__(self, page: Page, checks: Sequence[KeyValue], taken: frozenset[str]) -> None:
        self._page = page
        self._checks = checks
        self._rows = [
            [item for item in row if not all(token.word.id in taken for token in item.tokens)] for row in rows(page)
        ]
        self._used: set[int] = set()
        self._grids = [table.box for table in page.tables if table.columns > 2 and table.rows > 3]

        self._heads = {number for number, row in enumerate(self._rows) if _is_head(row)}

    def pairs(self) -> Iterator[KeyValue]:
        """Yield the pairs: those that a colon shows first, then known labels, then what only its place shows."""
        for find in (self._marked, self._known, self._ends, self._inside, self._strips):
            yield from find()

    def _marked(self) -> Iterator[KeyValue]:
        """Yield the pairs of labels with a colon, empty ones too."""
        for number, row in enumerate(self._rows):
            for place, item in enumerate(row):
                if not item.label or not (item.known or _plain_label(item)):
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
        box = _box_of([item])
        end = row[place + 1].box.left if place + 1 < len(row) else self._page.width
        beside = [one for one in self._checks if _same_row(box, one.key_box) and box.right < one.key_box.left < end]
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
            key_word_ids=tuple(word.id for word in _words_of([item])),
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
                    key, value = _cut(item, end)
                    if CURRENCY.match(key.tokens[-1].text):
                        continue
                    if key.known and value.typed and any(map(str.isdigit, value.text)) and key.text[0].isalpha():
                        self._used.add(id(item))
                        yield self._pair(key, _Way((value,), 0.75), 0.0)
                        break

    def _strips(self) -> Iterator[KeyValue]:
        """Yield the pairs of a row of labels over a row of values: boxes along a form."""
        for number, row in enumerate(self._rows[:-1]):
            heads = [item for item in row if self._free(item) and item.like_label]
            if (
                number in self._heads
                or len(heads) < 2
                or len(heads) < 0.6 * len(row)
                or not any(item.known for item in heads)
            ):
                continue
            ways = [(head, self._below(number, head)) for head in heads]
            found = [(head, way) for head, way in ways if way]
            if len(found) >= 2 and any(way.items[0].typed for _, way in found):
                for head, way in found:
                    yield self._pair(head, replace(way, confidence=0.55), 0.0)

    def _ends(self) -> Iterator[KeyValue]:
        """Yield what stands alone in a row with an amount or a date at its right end: "Rounding Adj   0.02"."""
        for row in self._rows:
            free = [item for item in row if self._free(item)]
            if len(row) != 2 or len(free) != 2:
                continue
            key, value = row
            if self._in_grid(key) and not key.begins_known:
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
        if gap > FAR * self._page.width:
            return None
        typed = values[0].typed
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
        if first is None:
            return None
        row, value = first
        rest = [] if value.typed and len(value.values) == 1 else self._more_lines(row, value, item)
        following = self._beneath(row, value, anywhere=True) if not rest else None
        if (
            following
            and following[1].typed
            and value.typed
            and set(value.values) & set(following[1].values) & AMOUNTS
        ):
            return None
        confidence = 0.72 if value.typed else 0.6
        return _Way((value, *rest), confidence)

    def _beneath(self, number: int, item: Item, *, anywhere: bool = False) -> tuple[int, Item] | None:
        """Return the row and item that stands close below an item and lines up with it, unless it is a label."""
        height = item.box.height
        reach = 2.5 if anywhere else NEAR_BELOW
        for below in range(number + 1, min(number + 4, len(self._rows))):
            for other in self._rows[below]:
                if not _lined_up(item.box, other.box):
                    continue
                gap = other.box.top - item.box.bottom
                if gap > reach * max(height, other.box.height) or gap < -0.5 * height:
                    return None
                if other.label or (other.known and not other.typed) or id(other) in self._used:
                    return None
                if not anywhere and not _room(self._rows[below], other, item):
                    return None
                return below, other
        return None

    def _more_lines(self, number: int, value: Item, key: Item) -> list[Item]:
        """Return the items that go on with a value in the lines below it."""
        lines: list[Item] = []
        last, row = value, number
        while len(lines) < MOST_LINES - 1:
            following = self._next_line(row, last)
            if following is None:
                break
            row, item = following
            beside = [other for other in self._rows[row] if other.box.right <= item.box.left]
            if any(_starts_at(other.box, key.box) for other in beside) or (
                item.typed and len(item.values) == 1 and _amount(item)
            ):
                break
            lines.append(item)
            last = item
        return lines

    def _next_line(self, number: int, value: Item) -> tuple[int, Item] | None:
        for below in range(number + 1, min(number + 4, len(self._rows))):
            for item in self._rows[below]:
                if not _starts_at(item.box, value.box):
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
        items = way.items if way else ()
        self._used.update(map(id, items))
        key_words, words = _words_of([key]), _words_of(items)
        return KeyValue(
            id="",
            key=key.name,
            value=" ".join(item.value for item in items),
            key_box=_box_of([key]),
            value_box=_box_of(items) if items else None,
            key_word_ids=tuple(word.id for word in key_words),
            value_word_ids=tuple(word.id for word in words),
            confidence=round(min((way.confidence if way else 0.5) + bonus, 0.97), 2),
        )

    def _free(self, item: Item) -> bool:
        return id(item) not in self._used and not item.label

    def _in_grid(self, item: Item) -> bool:
        middle = item.tokens[0].word.box.center
        return any(grid.contains(middle) for grid in self._grids)


def _plain_label(item: Item) -> bool:
    """Whether what stands before a colon is a label and no sentence that goes on behind it."""
    first = item.text.lstrip("(*-\u2022 ")[:1]
    return item.like_label and not (first.islower() and len(item.tokens) > 2)


def _is_head(row: Sequence[Item]) -> bool:
    """Whether a row is the head of a table: names of columns side by side, and no value among them."""
    columns = [item for item in row if any(one.field in COLUMNS and one.score >= 0.5 for one in named(item.text))]
    return len(columns) >= 2 and not any(item.typed for item in row)


def _fitting(key: Item, way: _Way | None) -> _Way | None:
    """Return the way unless the label names a figure and what it found has none."""
    if way is None:
        return None
    known = named(key.text)
    figures = bool(known) and all(kinds()[one.field] in FIGURES for one in known if one.score >= 0.9)
    return None if figures and known[0].score >= 0.9 and not any(map(str.isdigit, way.items[0].text)) else way


def _cut(item: Item, end: int) -> tuple[Item, Item]:
    return replace(item, tokens=item.tokens[:end]), replace(item, tokens=item.tokens[end:])


def _lined_up(upper: Box, lower: Box) -> bool:
    """Whether two boxes begin at the same place, or the narrower stands mostly below the other."""
    if abs(upper.left - lower.left) < upper.height:
        return True
    shared = min(upper.right, lower.right) - max(upper.left, lower.left)
    return shared > 0.6 * min(upper.width, lower.width)


def _same_row(one: Box, other: Box) -> bool:
    return min(one.bottom, other.bottom) - max(one.top, other.top) > 0.5 * min(one.height, other.height)


def _starts_at(lower: Box, upper: Box) -> bool:
    return abs(lower.left - upper.left) < 0.8 * upper.height


def _room(row: Sequence[Item], value: Item, key: Item) -> bool:
    """Whether nothing stands left of the value and right of where the label begins: else it is their value."""
    return not any(
        key.box.left - key.box.height < other.box.left < value.box.left for other in row if other is not value
    ) or _starts_at(value.box, key.box)


def _amount(item: Item) -> bool:
    return bool(set(item.values) & {"money", "percent"})


def _words_of(items: Sequence[Item]) -> list[Word]:
    return list({token.word.id: token.word for item in items for token in item.tokens}.values())


def _box_of(items: Sequence[Item]) -> Box:
    """Return the box on the page around items; parts of words take their part."""
    boxes = []
    for item in items:
        for token in item.tokens:
            own = token.word.box
            boxes.append(Box(token.box.left, own.top, token.box.right, own.bottom))
    return Box.union(boxes).rounded()


def _words(page: Page) -> Iterator[Word]:
    by_region = [line_id for region in page.regions for line_id in region.line_ids]
    rest = [line.id for line in page.lines if line.id not in set(by_region)]
    for line_id in (*by_region, *rest):
        yield from page.lines_by_id[line_id].words
