"""How items stand to each other, and what their looks say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docproc.document import Word
from docproc.geometry import Box
from docproc.labels import named
from docproc.pairs.items import Item

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


def lined_up(upper: Box, lower: Box) -> bool:
    """Whether two boxes begin at the same place, or the narrower stands mostly below the other."""
    if abs(upper.left - lower.left) < upper.height:
        return True
    shared = min(upper.right, lower.right) - max(upper.left, lower.left)
    return shared > 0.6 * min(upper.width, lower.width)


def starts_at(lower: Box, upper: Box) -> bool:
    """Whether a lower box begins where the upper does."""
    return abs(lower.left - upper.left) < 0.8 * upper.height


def room(row: Sequence[Item], value: Item, key: Item) -> bool:
    """Whether nothing stands left of the value and right of where the label begins: else it is their value."""
    return not any(
        key.box.left - key.box.height < other.box.left < value.box.left for other in row if other is not value
    ) or starts_at(value.box, key.box)


def alike(row: Sequence[Item]) -> bool:
    """Whether the items of a row are of one size."""
    heights = [item.box.height for item in row]
    return max(heights) < 1.3 * min(heights)


def like_high(one: Box, other: Box) -> bool:
    """Whether two boxes are of one height."""
    return max(one.height, other.height) < 1.3 * min(one.height, other.height)


def same_row(one: Box, other: Box) -> bool:
    """Whether two boxes stand in one row."""
    return min(one.bottom, other.bottom) - max(one.top, other.top) > 0.5 * min(one.height, other.height)


def is_head(row: Sequence[Item]) -> bool:
    """Whether a row is the head of a table: names of columns side by side, and no value among them."""
    columns = [item for item in row if any(one.field in COLUMNS and one.score >= 0.5 for one in named(item.text))]
    return len(columns) >= 2 and not any(item.typed for item in row)


def is_plain_label(item: Item) -> bool:
    """Whether what stands before a colon is a label and no sentence that goes on behind it."""
    first = item.text.lstrip("(*-\u2022 ")[:1]
    return item.like_label and not (first.islower() and len(item.tokens) > 2)


def cut(item: Item, end: int) -> tuple[Item, Item]:
    """Return the first `end` tokens of an item, and the others."""
    return replace(item, tokens=item.tokens[:end]), replace(item, tokens=item.tokens[end:])


def has_amount(item: Item) -> bool:
    """Whether there is a sum of money or a percent in an item."""
    return bool(set(item.values) & {"money", "percent"})


def words_of(items: Sequence[Item]) -> list[Word]:
    """Return the words of items, each once."""
    return list({token.word.id: token.word for item in items for token in item.tokens}.values())


def box_of(items: Sequence[Item]) -> Box:
    """Return the box on the page around items; parts of words take their part."""
    boxes = []
    for item in items:
        for token in item.tokens:
            own = token.word.box
            boxes.append(Box(token.box.left, own.top, token.box.right, own.bottom))
    return Box.union(boxes).rounded()
