"""hOCR 1.2 (http://kba.github.io/hocr-spec/1.2/): XHTML with boxes in pixels at the page's resolution."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from docproc.document import Document, Line, Page, Word
from docproc.exports.blocks import Block, blocks, caption_of
from docproc.exports.markup import Names, Pixels, clean, creator, serialize, spaces_after

name = "hocr"
suffix = ".hocr"
media_type = "application/xhtml+xml"

CAPABILITIES = "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocrp_wconf ocr_image ocr_table"
BLOCK_CLASSES = {"picture": "ocr_image", "table": "ocr_table"}
"""Every other region is an `ocr_carea`; its own label stands in `data-label`."""
STEEP = 45.0
"""Lines steeper than this many degrees get a `textangle`; flatter ones a `baseline`."""


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as hOCR; one `ocr_page` per page."""
    root = ET.Element("html", {"xmlns": "http://www.w3.org/1999/xhtml"})
    head = _add(root, "head")
    _add(head, "title").text = clean(document.source.filename)
    _add(head, "meta", {"http-equiv": "Content-Type", "content": "text/html; charset=utf-8"})
    _add(head, "meta", {"name": "ocr-system", "content": creator()})
    _add(head, "meta", {"name": "ocr-capabilities", "content": CAPABILITIES})
    _add(head, "meta", {"name": "ocr-number-of-pages", "content": str(len(document.pages))})
    body, names = _add(root, "body"), Names()
    for page in document.pages:
        _page(body, page, names, document.source.filename)
    return serialize(root, "<!DOCTYPE html>\n", indent=False)


def _page(body: ET.Element, page: Page, names: Names, filename: str) -> None:
    pixels = Pixels(page)
    # the file's name must not end the quoted string it stands in
    image = clean(filename).replace('"', "'").replace("\\", "/")
    title = [
        f'image "{image}"',
        f"bbox 0 0 {pixels.width} {pixels.height}",
        f"ppageno {page.number - 1}",
        f"scan_res {round(pixels.dpi)} {round(pixels.dpi)}",
    ]
    element = _add(body, "div", _marks("ocr_page", names.new(page, "page"), "; ".join(title)))
    for block in blocks(page):
        _block(element, block, page, names)


def _block(parent: ET.Element, block: Block, page: Page, names: Names) -> None:
    region, pixels = block.region, Pixels(page)
    box = _bbox(pixels.box(region.box))
    kind = BLOCK_CLASSES.get(region.label, "ocr_carea")
    marks = {**_marks(kind, names.new(page, region.id), box), "data-label": region.label}
    if region.label == "picture":
        marks["aria-label"] = clean(caption_of(region, page))
    element = _add(parent, "div", marks)
    if block.lines:
        paragraph = _add(element, "p", _marks("ocr_par", names.new(page, f"{region.id}-par"), box))
        for line in block.lines:
            _line(paragraph, line, page, names)


def _line(parent: ET.Element, line: Line, page: Page, names: Names) -> None:
    pixels = Pixels(page)
    title = "; ".join([_bbox(pixels.box(line.box)), *_slope(line, pixels)])
    element = _add(parent, "span", _marks("ocr_line", names.new(page, line.id), title))
    words = line.words or (Word(f"{line.id}-word", line.text, line.box, line.polygon, line.confidence),)
    for word, space in zip(words, spaces_after(line) or [False], strict=True):
        marks = _bbox(pixels.box(word.box))
        if word.confidence is not None:
            marks += f"; x_wconf {round(100 * word.confidence)}"
        found = _add(element, "span", _marks("ocrx_word", names.new(page, word.id), marks))
        found.text, found.tail = clean(word.text), " " if space else ""


def _slope(line: Line, pixels: Pixels) -> list[str]:
    """Return the `baseline` (slope, pixels from the bottom-left corner of the box) or the `textangle`."""
    if len(line.polygon) != 4:
        return []
    (x1, y1), (x0, y0) = line.polygon[2:]
    angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
    if abs(angle) > STEEP:
        return [f"textangle {round(-angle) % 360}"]
    if x1 == x0:
        return []
    slope = (y1 - y0) / (x1 - x0)
    at_left = y0 + slope * (line.box.left - x0)
    return [f"baseline {slope:.4f} {round((at_left - line.box.bottom) * pixels.dpi / 72)}"]


def _bbox(box: tuple[int, int, int, int]) -> str:
    return f"bbox {' '.join(map(str, box))}"


def _marks(kind: str, name: str, title: str) -> dict[str, str]:
    return {"class": kind, "id": name, "title": title}


def _add(parent: ET.Element, tag: str, attributes: dict[str, str] | None = None) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes or {})
    element.tail = "\n"
    return element
