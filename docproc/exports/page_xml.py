"""PAGE XML 2019-07-15 (https://github.com/PRImA-Research-Lab/PAGE-XML): regions, lines, words, reading order.

The schema knows exactly one `Page` in a file. A document of several pages is therefore written as one tall
page: its pages lie one under another, each an `OrderedGroup` of the reading order whose `custom` says at
which pixel row it begins. Where a tool wants a file per page, write documents of one page each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from docproc.document import Cell, Document, Line, Page, Word
from docproc.exports.blocks import Block, blocks, caption_of, lines_of_cells
from docproc.exports.markup import Names, Pixels, clean, creator, serialize
from docproc.geometry import Box, Polygon

name = "page"
suffix = ".page.xml"
media_type = "application/xml"

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
TEXT_TYPES = {
    "caption": "caption",
    "footnote": "footnote",
    "list-item": "other",
    "page-footer": "footer",
    "page-header": "header",
    "section-header": "heading",
    "text": "paragraph",
    "title": "heading",
}
"""Label -> `type` of a TextRegion; every region has its own label in `custom` besides."""
HOLDERS = {"picture": "ImageRegion", "formula": "MathsRegion", "table": "TableRegion"}
"""Labels whose element holds no lines itself: these stand in a TextRegion inside."""


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as PAGE XML; coordinates are pixels at each page's resolution."""
    root = ET.Element("PcGts", {"xmlns": NAMESPACE})
    metadata = ET.SubElement(root, "Metadata")
    ET.SubElement(metadata, "Creator").text = creator()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ET.SubElement(metadata, "Created").text = now
    ET.SubElement(metadata, "LastChange").text = now
    whole = ET.SubElement(root, "Page")
    order, names, down = ET.Element("ReadingOrder"), Names(), 0
    groups = ET.SubElement(order, "OrderedGroup", {"id": "reading-order"})
    regions: list[ET.Element] = []
    for index, page in enumerate(document.pages):
        writer = _Writer(page, names, down)
        regions += (found := writer.regions())
        _group(groups, writer, found, index)
        down += writer.pixels.height
    sizes = [Pixels(page) for page in document.pages]
    whole.set("imageFilename", clean(document.source.filename))
    whole.set("imageWidth", str(max((size.width for size in sizes), default=0)))
    whole.set("imageHeight", str(down))
    if regions:
        whole.append(order)
    whole.extend(regions)
    return serialize(root)


def _group(parent: ET.Element, writer: _Writer, regions: Sequence[ET.Element], index: int) -> None:
    if not regions:
        return
    page = writer.page
    marks = {
        "id": writer.names.new(page, "order"),
        "index": str(index),
        "caption": f"page {page.number}",
        "custom": f"page {{number:{page.number}; top:{writer.pixels.down}; dpi:{writer.pixels.dpi:g};}}",
    }
    group = ET.SubElement(parent, "OrderedGroupIndexed", marks)
    for place, region in enumerate(regions):
        ET.SubElement(group, "RegionRefIndexed", {"index": str(place), "regionRef": region.attrib["id"]})


class _Writer:
    """Writes one page, `down` pixels below the top of the whole."""

    def __init__(self, page: Page, names: Names, down: int) -> None:
        self.page, self.names, self.pixels = page, names, Pixels(page, down)

    def regions(self) -> list[ET.Element]:
        """Return the regions in reading order."""
        return [self._region(block) for block in blocks(self.page)]

    def _region(self, block: Block) -> ET.Element:
        region = block.region
        custom = f"structure {{type:{region.label};}}"
        if region.label not in HOLDERS:
            marks = {"type": TEXT_TYPES[region.label], "custom": custom}
            return self._text(None, region.id, region.box, block.lines, marks)
        element = ET.Element(HOLDERS[region.label], {"id": self.names.new(self.page, region.id), "custom": custom})
        self._coords(element, region.box.corners)
        lines: Sequence[Line] = block.lines
        if region.label == "picture" and (words := clean(caption_of(region, self.page))):
            defined = ET.SubElement(element, "UserDefined")
            ET.SubElement(defined, "UserAttribute", {"name": "alt-text", "type": "xsd:string", "value": words})
        if block.table is not None:
            element.set("rows", str(block.table.rows))
            element.set("columns", str(block.table.columns))
            cells, lines = lines_of_cells(block)
            for cell, inside in cells:
                self._cell(element, cell, inside)
        if lines:
            self._text(element, f"{region.id}-text", Box.union(line.box for line in lines), lines, {})
        return element

    def _cell(self, parent: ET.Element, cell: Cell, lines: Sequence[Line]) -> None:
        element = self._text(parent, cell.id, cell.box, lines, {}, text=cell.text)
        roles = ET.Element("Roles")
        marks = {
            "rowIndex": str(cell.row),
            "columnIndex": str(cell.column),
            "rowSpan": str(cell.row_span),
            "colSpan": str(cell.column_span),
            "header": str(cell.header).lower(),
        }
        ET.SubElement(roles, "TableCellRole", marks)
        element.insert(1, roles)  # the schema wants it right behind Coords

    def _text(
        self,
        parent: ET.Element | None,
        name: str,
        box: Box,
        lines: Sequence[Line],
        marks: dict[str, str],
        text: str | None = None,
    ) -> ET.Element:
        element = ET.Element("TextRegion", {"id": self.names.new(self.page, name), **marks})
        if parent is not None:
            parent.append(element)
        self._coords(element, box.corners)
        for line in lines:
            self._line(element, line)
        _equivalent(element, "\n".join(line.text for line in lines) if text is None else text, None)
        return element

    def _line(self, parent: ET.Element, line: Line) -> None:
        element = ET.SubElement(parent, "TextLine", {"id": self.names.new(self.page, line.id)})
        self._coords(element, line.polygon or line.box.corners)
        if len(line.polygon) == 4:
            ET.SubElement(element, "Baseline", {"points": self._points((line.polygon[3], line.polygon[2]))})
        for word in line.words:
            self._word(element, word)
        _equivalent(element, line.text, line.confidence)

    def _word(self, parent: ET.Element, word: Word) -> None:
        element = ET.SubElement(parent, "Word", {"id": self.names.new(self.page, word.id)})
        self._coords(element, word.polygon or word.box.corners)
        _equivalent(element, word.text, word.confidence)

    def _coords(self, parent: ET.Element, polygon: Polygon) -> None:
        ET.SubElement(parent, "Coords", {"points": self._points(polygon)})

    def _points(self, polygon: Polygon) -> str:
        return " ".join(f"{x},{y}" for x, y in map(self.pixels.point, polygon))


def _equivalent(parent: ET.Element, text: str, confidence: float | None) -> None:
    marks = {} if confidence is None else {"conf": f"{confidence:.4f}"}
    ET.SubElement(ET.SubElement(parent, "TextEquiv", marks), "Unicode").text = clean(text)
