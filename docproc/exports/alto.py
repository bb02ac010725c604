"""ALTO 4.3 (https://www.loc.gov/standards/alto/): boxes in pixels at each page's resolution.

Blocks stand in reading order, which is what ALTO means by their order. A region's label is a `LayoutTag`, what a
picture shows the label of an `OtherTag` of type "alt-text"; a table is a `ComposedBlock` of type "table" with a
`TextBlock` for each cell.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET

from docproc.document import Document, Label, Line, Page, Region, Word
from docproc.exports.blocks import Block, blocks, lines_of_cells
from docproc.exports.markup import Names, Pixels, clean, creator, serialize, spaces_after
from docproc.geometry import Box

name = "alto"
suffix = ".alto.xml"
media_type = "application/xml"

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-3.xsd"


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as ALTO; one `Page` per page."""
    root = ET.Element(
        "alto",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
            "SCHEMAVERSION": "4.3",
        },
    )
    _description(root, document)
    tags = ET.SubElement(root, "Tags")
    for label in get_args(Label):
        ET.SubElement(tags, "LayoutTag", {"ID": _tag(label), "LABEL": label})
    layout, names = ET.SubElement(root, "Layout"), Names()
    for page in document.pages:
        _Writer(page, names, tags).write(layout)
    return serialize(root)


def _description(root: ET.Element, document: Document) -> None:
    description = ET.SubElement(root, "Description")
    ET.SubElement(description, "MeasurementUnit").text = "pixel"
    image = ET.SubElement(description, "sourceImageInformation")
    ET.SubElement(image, "fileName").text = clean(document.source.filename)
    step = ET.SubElement(description, "Processing", {"ID": "docproc"})
    ET.SubElement(step, "processingStepDescription").text = "text and layout recognition"
    settings = "; ".join(f"{role}: {engine}" for role, engine in document.engines.items())
    ET.SubElement(step, "processingStepSettings").text = clean(settings)
    software = ET.SubElement(step, "processingSoftware")
    made_by, _, version = creator().partition(" ")
    ET.SubElement(software, "softwareName").text = made_by
    ET.SubElement(software, "softwareVersion").text = version


def _tag(label: str) -> str:
    return f"label-{label}"


class _Writer:
    """Writes one page."""

    def __init__(self, page: Page, names: Names, tags: ET.Element) -> None:
        self._page, self._names, self._pixels, self._tags = page, names, Pixels(page), tags

    def write(self, layout: ET.Element) -> None:
        size = {"WIDTH": str(self._pixels.width), "HEIGHT": str(self._pixels.height)}
        marks = {"ID": self._names.new(self._page, "page"), "PHYSICAL_IMG_NR": str(self._page.number)}
        page = ET.SubElement(layout, "Page", {**marks, **size})
        space = ET.SubElement(page, "PrintSpace", {**size, "HPOS": "0", "VPOS": "0"})
        for block in blocks(self._page):
            self._block(space, block)

    def _block(self, parent: ET.Element, block: Block) -> None:
        region = block.region
        if block.table is not None:
            self._table(parent, block)
        elif region.label == "picture":
            marks = {"TYPE": "picture", **self._marks(region.id, region.box), "TAGREFS": self._shown(region)}
            if block.lines:
                whole = ET.SubElement(parent, "ComposedBlock", marks)
                self._text(whole, f"{region.id}-text", region.box, block.lines)
            else:
                ET.SubElement(parent, "Illustration", marks)
        elif block.lines:
            element = self._text(parent, region.id, region.box, block.lines)
            element.set("TAGREFS", _tag(region.label))
        else:  # a TextBlock must have a line
            marks = {
                "TYPE": region.label,
                **self._marks(region.id, region.box),
                "TAGREFS": _tag(region.label),
            }
            ET.SubElement(parent, "ComposedBlock", marks)

    def _shown(self, picture: Region) -> str:
        """Return the tags of a picture; what it shows is one of its own."""
        if not (words := clean(picture.alt_text or "")):
            return _tag(picture.label)
        tag = self._names.new(self._page, f"{picture.id}-alt")
        ET.SubElement(self._tags, "OtherTag", {"ID": tag, "TYPE": "alt-text", "LABEL": words})
        return f"{_tag(picture.label)} {tag}"

    def _table(self, parent: ET.Element, block: Block) -> None:
        region = block.region
        marks = {"TYPE": "table", **self._marks(region.id, region.box), "TAGREFS": _tag("table")}
        table = ET.SubElement(parent, "ComposedBlock", marks)
        cells, rest = lines_of_cells(block)
        for cell, lines in cells:
            if not lines and cell.text.strip():
                lines = [Line(f"{cell.id}-line", cell.text, cell.box, cell.box.corners)]  # noqa: PLW2901
            if lines:
                self._text(table, cell.id, cell.box, lines)
        if rest:
            self._text(table, f"{region.id}-rest", Box.union(line.box for line in rest), rest)

    def _text(self, parent: ET.Element, name: str, box: Box, lines: list[Line] | tuple[Line, ...]) -> ET.Element:
        element = ET.SubElement(parent, "TextBlock", self._marks(name, box))
        for line in lines:
            self._line(element, line)
        return element

    def _line(self, parent: ET.Element, line: Line) -> None:
        element = ET.SubElement(parent, "TextLine", self._marks(line.id, line.box))
        self._shape(element, line)
        words = line.words or (Word(f"{line.id}-word", line.text, line.box, line.polygon, line.confidence),)
        spaces = spaces_after(line) or [False]
        self._word(element, words[0])
        for (before, word), space in zip(pairwise(words), spaces, strict=False):
            if space:
                self._space(element, before, word)
            self._word(element, word)

    def _word(self, parent: ET.Element, word: Word) -> None:
        marks = {**self._marks(word.id, word.box), "CONTENT": clean(word.text)}
        if word.confidence is not None:
            marks["WC"] = f"{word.confidence:.4g}"
        self._shape(ET.SubElement(parent, "String", marks), word)

    def _space(self, parent: ET.Element, before: Word, after: Word) -> None:
        _, _, left, _ = self._pixels.box(before.box)
        right, top, _, _ = self._pixels.box(after.box)
        marks = {"HPOS": str(left), "VPOS": str(top), "WIDTH": str(max(right - left, 0))}
        ET.SubElement(parent, "SP", marks)

    def _shape(self, parent: ET.Element, piece: Line | Word) -> None:
        """Add the polygon where it says more than the box."""
        if len(piece.polygon) < 3 or set(piece.polygon) == set(piece.box.corners):
            return
        points = " ".join(f"{x},{y}" for x, y in map(self._pixels.point, piece.polygon))
        ET.SubElement(ET.SubElement(parent, "Shape"), "Polygon", {"POINTS": points})

    def _marks(self, name: str, box: Box) -> dict[str, str]:
        left, top, right, bottom = self._pixels.box(box)
        place = {"HPOS": str(left), "VPOS": str(top), "WIDTH": str(right - left), "HEIGHT": str(bottom - top)}
        return {"ID": self._names.new(self._page, name), **place}
