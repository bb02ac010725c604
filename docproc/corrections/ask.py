"""Reads an operation as a person sent it: every value is checked, every id looked up on the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, TypeVar

from docproc.document import Cell, Line, Page, Region, Word
from docproc.errors import Rejected
from docproc.geometry import Box

LONGEST_TEXT = 10_000
"""Characters of one text."""

MOST_ROWS, MOST_COLUMNS = 500, 100
"""Of one table."""

Thing = Word | Line | Region | Cell
Kind = TypeVar("Kind", bound=Thing)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell of a table is to be, counted from 0, its spans from 1. None: as its words say, as it was."""

    row: int
    column: int
    row_span: int = 1
    column_span: int = 1
    text: str | None = None
    header: bool | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """One operation of a person (see `docproc.corrections`). What it makes anew gets ids that begin with `id`."""

    id: str
    operation: Mapping[str, Any]


def things(page: Page) -> dict[str, Thing]:
    """Return everything on the page that has an id and can be corrected."""
    found: dict[str, Thing] = {cell.id: cell for table in page.tables for cell in table.cells}
    found |= {region.id: region for region in page.regions}
    for line in page.lines:
        found[line.id] = line
        found |= {word.id: word for word in line.words}
    return found


@dataclass(frozen=True, slots=True)
class Ask:
    """One operation on one page; every method raises Rejected with what is wrong."""

    page: Page
    correction: Correction

    def new_id(self, kind: str, number: int = 1) -> str:
        """Return the id of something the operation makes: `kind` w, l, r, t or c."""
        return f"{self.correction.id}-{kind}{number}"

    def has(self, key: str) -> bool:
        """Say whether the operation has a value for `key`; null counts as none."""
        return self.correction.operation.get(key) is not None

    def says(self, key: str) -> bool:
        """Say whether the operation has `key`, if only as null."""
        return key in self.correction.operation

    def text(self, *, may_be_empty: bool = False) -> str:
        """Return `text` in NFC; every white space is one space, or one newline where it had one."""
        return _text(self.correction.operation.get("text"), may_be_empty=may_be_empty)

    def edges(self, key: str) -> list[float]:
        """Return the edges of the rows or columns of a table, in points: from the first to the last, ascending."""
        values = self.correction.operation.get(key)
        most, end = (MOST_ROWS, self.page.height) if key == "rows" else (MOST_COLUMNS, self.page.width)
        if not isinstance(values, list) or not 2 <= len(values) <= most + 1 or not all(map(_is_coordinate, values)):
            raise Rejected(
                f"`{key}` must be 2 to {most + 1} coordinates: where each begins, and where the last ends."
            )
        if not all(first < second for first, second in pairwise(values)) or values[0] < 0 or values[-1] > end + 1:
            raise Rejected(f"`{key}` must ascend, in points of the page.")
        return [round(float(min(value, end)), 2) for value in values]

    def places(self, rows: int, columns: int) -> list[Place]:
        """Return the cells of a grid of so many rows and columns: those of `cells`, and single ones elsewhere."""
        given = self.correction.operation.get("cells", [])
        if not isinstance(given, list) or len(given) > rows * columns:
            raise Rejected("`cells` must be a list of cells of the grid.")
        named = [_place(one, rows, columns) for one in given]
        taken: set[tuple[int, int]] = set()
        for one in named:
            mine = {(one.row + i, one.column + j) for i in range(one.row_span) for j in range(one.column_span)}
            if taken & mine:
                raise Rejected(f"two cells take the same place: row {one.row}, column {one.column}.")
            taken |= mine
        free = (Place(row, column) for row in range(rows) for column in range(columns) if (row, column) not in taken)
        return sorted([*named, *free], key=lambda one: (one.row, one.column))

    def box(self) -> Box:
        """Return `box`, which lies on the page."""
        sides = self.correction.operation.get("box")
        if not isinstance(sides, list) or len(sides) != 4 or not all(map(_is_coordinate, sides)):
            raise Rejected("`box` must be [left, top, right, bottom] in points.")
        left, top, right, bottom = map(float, sides)
        if not (left < right and top < bottom):
            raise Rejected("`box` must be [left, top, right, bottom] in that order.")
        box = Box(left, top, right, bottom)
        if box.share_inside(Box(0, 0, self.page.width, self.page.height)) < 0.5:
            raise Rejected("`box` lies outside the page.", hint="Points, from the top left of the upright page.")
        return box.clipped(Box(0, 0, self.page.width, self.page.height)).rounded()

    def count(self, key: str, below: int) -> int:
        """Return the whole number `key`, from 1 to `below` - 1."""
        value = self.correction.operation.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < below:
            raise Rejected(f"`{key}` must be a whole number from 1 to {below - 1}.")
        return value

    def thing(self, key: str, *kinds: type[Kind]) -> Kind:
        """Return what the id in `key` names, which must be one of `kinds`."""
        return self._named(self.correction.operation.get(key), kinds)

    def is_region(self, key: str) -> bool:
        """Say whether the id in `key` names a region."""
        return any(region.id == self.correction.operation.get(key) for region in self.page.regions)

    def word_or_line(self, key: str) -> Word | Line:
        """Return the word or line that the id in `key` names."""
        found = self.thing(key, *(Word, Line))
        assert isinstance(found, Word | Line)  # noqa: S101  (for the type checker, which joins both to more)
        return found

    def several(self, key: str, *kinds: type[Kind]) -> list[Kind]:
        """Return what the two or more different ids in `key` name."""
        ids = self.correction.operation.get(key)
        if not isinstance(ids, list) or len(ids) < 2 or not all(isinstance(one, str) for one in ids):
            raise Rejected(f"`{key}` must be a list of two or more ids.")
        if len(set(ids)) < len(ids):
            raise Rejected(f"`{key}` names the same twice.")
        return [self._named(one, kinds) for one in ids]

    def _named(self, name: object, kinds: tuple[type[Kind], ...]) -> Kind:
        found = things(self.page).get(name) if isinstance(name, str) else None
        if not isinstance(found, kinds):
            wanted = " or ".join(kind.__name__.lower() for kind in kinds)
            raise Rejected(f"{name!r:.60} is no {wanted} of this page.", hint="Fetch the page again.")
        return found


def _is_coordinate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def _text(text: object, *, may_be_empty: bool) -> str:
    if not isinstance(text, str):
        raise Rejected("`text` must be a string.")
    if len(text) > LONGEST_TEXT:
        raise Rejected(f"`text` has {len(text)} characters.", hint=f"It may have {LONGEST_TEXT}.")
    lines = [" ".join(line.split()) for line in unicodedata.normalize("NFC", text).splitlines()]
    text = "\n".join(line for line in lines if line)
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text if char != "\n"):
        raise Rejected("`text` has control characters.", hint="Send what is printed.")
    if not text and not may_be_empty:
        raise Rejected("`text` is empty.", hint="Use `delete` to take a word or line away.")
    return text


def _place(value: object, rows: int, columns: int) -> Place:
    known = {field.name for field in fields(Place)}
    if not isinstance(value, dict) or not {"row", "column"} <= value.keys() <= known:
        raise Rejected(
            f"a cell must have `row` and `column`, and may have {', '.join(sorted(known - {'row', 'column'}))}."
        )
    text, header = value.get("text"), value.get("header")
    spoken = None if text is None else _text(text, may_be_empty=True)
    if not (header is None or isinstance(header, bool)):
        raise Rejected("`header` must be true or false.")
    spans = [value.get(key, 1) for key in ("row", "column", "row_span", "column_span")]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in spans):
        raise Rejected("rows, columns and spans of cells must be whole numbers.")
    row, column, down, across = spans
    if row < 0 or column < 0 or down < 1 or across < 1 or row + down > rows or column + across > columns:
        raise Rejected(f"the cell at row {row}, column {column} is not in the grid.", hint="They count from 0.")
    return Place(row, column, down, across, spoken, header)
