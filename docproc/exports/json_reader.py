"""JSON values back to the values of `docproc.document`, with the place of whatever is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from docproc.document import (
    Cell,
    Document,
    KeyValue,
    Label,
    Line,
    Page,
    Problem,
    Region,
    Source,
    Table,
    TextSource,
    Tile,
    Word,
)
from docproc.errors import Rejected
from docproc.findings import Answer, Evidence, Finding, Mask
from docproc.geometry import Box, Polygon

LABELS: tuple[Label, ...] = get_args(Label)
TEXT_SOURCES: tuple[TextSource, ...] = get_args(TextSource)
Choice = TypeVar("Choice", bound=str)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Node:
    """A JSON value and its place, like `pages[0].lines[3].box`; every method raises Rejected with that."""

    value: Any
    place: str = ""

    def wrong(self, expected: str) -> Rejected:
        """Return the error that says what should stand here."""
        return Rejected(
            f"This is no reading: {self.place or 'the whole'} should be {expected}, not {self.value!r:.60}.",
            code="bad-reading",
        )

    def key(self, name: str) -> Node:
        """Return the value of a key that must be there."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        place = f"{self.place}.{name}".lstrip(".")
        if name not in self.value:
            raise Rejected(f"This is no reading: {place} is missing.", code="bad-reading")
        return Node(self.value[name], place)

    def has(self, name: str) -> bool:
        """Say whether there is a key that may be left out."""
        return isinstance(self.value, dict) and name in self.value

    def items(self) -> Iterator[Node]:
        """Yield the values of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.place}[{index}]")

    def all(self, read: Callable[[Node], Item]) -> tuple[Item, ...]:
        """Return every item of a list, read."""
        return tuple(read(item) for item in self.items())

    def text(self) -> str:
        """Return a string."""
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        return self.value

    def one_of(self, choices: tuple[Choice, ...]) -> Choice:
        """Return the choice that stands here."""
        for choice in choices:
            if self.value == choice:
                return choice
        raise self.wrong(f"one of {', '.join(choices)}")

    def true(self) -> bool:
        """Return a boolean."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def count(self, least: int = 0) -> int:
        """Return a whole number of at least `least`."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least:
            raise self.wrong(f"a whole number from {least}")
        return self.value

    def quarter_turns(self) -> int:
        """Return 0, 90, 180 or 270."""
        if self.value not in (0, 90, 180, 270):
            raise self.wrong("one of 0, 90, 180, 270")
        return self.count()

    def number(self) -> float:
        """Return a finite number."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool) or not math.isfinite(self.value):
            raise self.wrong("a number")
        return self.value

    def share(self) -> float | None:
        """Return a number from 0 to 1, or None."""
        if self.value is None:
            return None
        if not 0 <= self.number() <= 1:
            raise self.wrong("a number from 0 to 1, or null")
        return self.number()

    def box(self) -> Box:
        """Return a `[left, top, right, bottom]`."""
        sides = [side.number() for side in self.items()]
        try:
            return Box.from_list(sides)
        except ValueError:
            raise self.wrong("[left, top, right, bottom] in that order") from None

    def polygon(self) -> Polygon:
        """Return a list of `[x, y]`."""
        corners = [[side.number() for side in corner.items()] for corner in self.items()]
        if any(len(corner) != 2 for corner in corners):
            raise self.wrong("a list of [x, y]")
        return tuple((x, y) for x, y in corners)


def read_document(node: Node) -> Document:
    """Return the document of a JSON object of the published schema."""
    source = node.key("source")
    engines = node.key("engines")
    if not isinstance(engines.value, dict):
        raise engines.wrong("an object")
    return Document(
        source=Source(
            filename=source.key("filename").text(),
            sha256=source.key("sha256").text(),
            media_type=source.key("media_type").text(),
            bytes=source.key("bytes").count(),
        ),
        pages=node.key("pages").all(read_page),
        engines={role: engines.key(role).text() for role in engines.value},
    )


def read_page(node: Node) -> Page:
    """Return the page of one item of `pages`."""
    page = Page(
        number=node.key("number").count(1),
        width=node.key("width").number(),
        height=node.key("height").number(),
        rotation=node.key("rotation").quarter_turns(),
        skew=node.key("skew").number(),
        dpi=node.key("dpi").number(),
        dpi_assumed=node.key("dpi_assumed").true(),
        drawn_by=node.key("drawn_by").text(),
        text_source=node.key("text_source").one_of(TEXT_SOURCES),
        agreement=node.key("agreement").share(),
        tiles=node.key("tiles").all(lambda tile: Tile(tile.key("box").box(), tile.key("scale").number())),
        lines=node.key("lines").all(_line),
        regions=node.key("regions").all(_region),
        tables=node.key("tables").all(_table),
        key_values=node.key("key_values").all(_pair),
        findings=node.key("findings").all(read_finding),
        problems=node.key("problems").all(_problem),
    )
    for region in node.key("regions").items():
        for line_id in region.key("line_ids").items():
            if line_id.value not in page.lines_by_id:
                raise line_id.wrong("the id of a line of the page")
    return page


def _word(node: Node) -> Word:
    return Word(
        id=node.key("id").text(),
        text=node.key("text").text(),
        box=node.key("box").box(),
        polygon=node.key("polygon").polygon(),
        confidence=node.key("confidence").share(),
        alternatives=node.key("alternatives").all(Node.text) if node.has("alternatives") else (),
    )


def _line(node: Node) -> Line:
    same = _word(node)
    return Line(same.id, same.text, same.box, same.polygon, same.confidence, node.key("words").all(_word))


def _region(node: Node) -> Region:
    alt_text = node.key("alt_text")
    return Region(
        id=node.key("id").text(),
        label=node.key("label").one_of(LABELS),
        box=node.key("box").box(),
        order=node.key("order").count(),
        confidence=node.key("confidence").share(),
        line_ids=node.key("line_ids").all(Node.text),
        alt_text=None if alt_text.value is None else alt_text.text(),
    )


def _table(node: Node) -> Table:
    return Table(
        id=node.key("id").text(),
        box=node.key("box").box(),
        rows=node.key("rows").count(),
        columns=node.key("columns").count(),
        cells=node.key("cells").all(_cell),
        region_id=node.key("region_id").text(),
    )


def _cell(node: Node) -> Cell:
    return Cell(
        id=node.key("id").text(),
        row=node.key("row").count(),
        column=node.key("column").count(),
        row_span=node.key("row_span").count(1),
        column_span=node.key("column_span").count(1),
        text=node.key("text").text(),
        box=node.key("box").box(),
        header=node.key("header").true(),
    )


def _pair(node: Node) -> KeyValue:
    value_box, checked = node.key("value_box"), node.key("checked")
    return KeyValue(
        id=node.key("id").text(),
        key=node.key("key").text(),
        value=node.key("value").text(),
        key_box=node.key("key_box").box(),
        value_box=None if value_box.value is None else value_box.box(),
        key_word_ids=node.key("key_word_ids").all(Node.text),
        value_word_ids=node.key("value_word_ids").all(Node.text),
        checked=None if checked.value is None else checked.true(),
        confidence=node.key("confidence").share(),
    )


def read_finding(node: Node) -> Finding:
    """Return the finding of one item of `findings`."""
    box, mask = node.key("box"), node.key("mask")
    return Finding(
        task=node.key("task").text(),
        prompt=node.key("prompt").text(),
        page=node.key("page").count(1),
        label=node.key("label").text(),
        box=None if box.value is None else box.box(),
        polygon=node.key("polygon").polygon(),
        mask=None if mask.value is None else _mask(mask),
        text=node.key("text").text(),
        confidence=node.key("confidence").share(),
        run=node.key("run").text(),
    )


def _mask(node: Node) -> Mask:
    counts = node.key("counts").all(Node.count)
    try:
        height, width = node.key("size").all(Node.count)
        return Mask(node.key("box").box(), height, width, counts)
    except (TypeError, ValueError):
        raise node.wrong("a mask whose counts fill its size [height, width]") from None


def read_answer(node: Node) -> Answer:
    """Return the answer of the JSON object that `docproc ask --json` prints."""
    return Answer(
        text=node.key("text").text(),
        confidence=node.key("confidence").share(),
        not_found=node.key("not_found").true(),
        ungrounded=node.key("ungrounded").true(),
        engine=node.key("engine").text(),
        evidence=node.key("evidence").all(
            lambda one: Evidence(one.key("page").count(1), one.key("text").text(), one.key("box").box())
        ),
    )


def _problem(node: Node) -> Problem:
    return Problem(node.key("code").text(), node.key("message").text(), node.key("hint").text())
