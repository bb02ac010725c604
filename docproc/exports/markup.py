"""What hOCR, ALTO and PAGE have in common: XML text, ids, pixels, confidences."""

from __future__ import annotations

import re
from importlib.metadata import version
from xml.etree import ElementTree as ET

from docproc.document import Line, Page
from docproc.geometry import Box, Point

POINTS_PER_INCH = 72.0
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow (production 2, `Char`)."""
NOT_IN_ID = re.compile(r"[^A-Za-z0-9_.-]")


def creator() -> str:
    """Return `docproc VERSION`."""
    return f"docproc {version('docproc')}"


def clean(text: str) -> str:
    """Return `text` without the characters that XML does not allow."""
    return ILLEGAL.sub("", text)


def serialize(root: ET.Element, doctype: str = "", *, indent: bool = True) -> bytes:
    """Return a whole file in UTF-8; `indent` only where white space between elements means nothing."""
    if indent:
        ET.indent(root)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}'
    tree: bytes = ET.tostring(root, encoding="utf-8")
    return head.encode() + tree + b"\n"


class Names:
    """Gives ids that XML allows and that are used once in a file, as close to ours as that goes."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def new(self, page: Page, name: str) -> str:
        """Return an id for the thing called `name` on `page`."""
        wanted = found = f"p{page.number}-{NOT_IN_ID.sub('_', name)}"
        count = 1
        while found in self._used:
            count += 1
            found = f"{wanted}-{count}"
        self._used.add(found)
        return found


class Pixels:
    """Points of one page to whole pixels at the page's own resolution, never negative.

    `down` is added to every y: for a format that lays pages one under another.
    """

    def __init__(self, page: Page, down: int = 0) -> None:
        self.dpi = page.dpi or POINTS_PER_INCH
        """Dots per inch; a page that was never drawn is measured in points."""
        self.width, self.height, self.down = self._pixel(page.width), self._pixel(page.height), down

    def _pixel(self, points: float) -> int:
        return max(round(points * self.dpi / POINTS_PER_INCH), 0)

    def box(self, box: Box) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom in pixels."""
        return *self.point((box.left, box.top)), *self.point((box.right, box.bottom))

    def point(self, point: Point) -> tuple[int, int]:
        """Return x, y in pixels."""
        return self._pixel(point[0]), self._pixel(point[1]) + self.down


def spaces_after(line: Line) -> list[bool]:
    """Say for each word of `line` whether white space follows it in the line's text (not so in Chinese)."""
    found: list[bool] = []
    rest = line.text
    for word in line.words:
        place = rest.find(word.text)
        rest = rest[place + len(word.text) :] if place >= 0 else rest
        # a line whose text does not hold its words is taken as written with spaces
        found.append(place < 0 or rest[:1].isspace())
    return [*found[:-1], False] if found else []
