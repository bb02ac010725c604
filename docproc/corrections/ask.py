"""Reads an operation as a person sent it: every value is checked, every id looked up on the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from docproc.document import Cell, Line, Page, Region, Word
from docproc.errors import Rejected
from docproc.geometry import Box

LONGEST_TEXT = 10_000
"""Characters of one text."""

Thing = Word | Line | Region | Cell
Kind = TypeVar("Kind", bound=Thing)


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
        """Return the id of something the operation makes: `kind` w, l or r."""
        return f"{self.correction.id}-{kind}{number}"

    def has(self, key: str) -> bool:
        """Say whether the operation has a value for `key`; null counts as none."""
        return self.correction.operation.get(key) is not None

    def says(self, key: str) -> bool:
        """Say whether the operation has `key`, if only as null."""
        return key in self.correction.operation

    def text(self, *, may_be_empty: bool = False) -> str:
        """Return `text` in NFC; every white space is one space, or one newline where it had one."""
        text = self.correction.operation.get("text")
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
