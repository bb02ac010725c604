"""The searchable PDF: the original with its words laid invisibly over their pictures, in reading order.

Pages whose own text is good get nothing; pages that have some get only the lines they lack. An image
becomes a PDF of the size that was read. The original is opened in the sandbox (`docproc.parsers.overlay`),
not here.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from docproc.document import Document, Line, Page
from docproc.errors import Unavailable
from docproc.exports.blocks import blocks
from docproc.exports.markup import spaces_after
from docproc.geometry import Box, Polygon
from docproc.sandbox import Sandbox
from docproc.settings import Settings

name = "pdf"
suffix = ".pdf"
media_type = "application/pdf"

GOOD_AGREEMENT = 0.8
"""A page read by OCR although its own text agrees this well with what is seen gets no text twice."""
SAVE_SECONDS = 30.0
"""For opening and saving, beside the time for each page."""

log = logging.getLogger(__name__)


def write(
    document: Document,
    original: Path | None,
    *,
    password: str | None = None,
    settings: Settings | None = None,
) -> bytes:
    """Return the searchable PDF; `password` opens a locked original, which stays locked.

    Raises Unavailable without the original, Rejected when it cannot be opened, EngineFailed when it breaks
    the sandbox's limits.
    """
    return overlay("overlay", document, original, password, settings or Settings.from_environment())


def overlay(verb: str, document: Document, original: Path | None, password: str | None, settings: Settings) -> bytes:
    """Have the sandbox's `verb` lay the document's words over `original`; return the PDF it made."""
    if original is None or not original.is_file():
        raise Unavailable(
            "A PDF is made from the original file, which is not here.", hint="Name the file that was read."
        )
    with tempfile.TemporaryDirectory(prefix="docproc-") as folder, Sandbox(settings) as sandbox:
        layers = Path(folder, "layers.json")
        write_layers(document, layers)
        arguments = {
            "path": str(original.resolve()),
            "layers": str(layers),
            "media_type": document.source.media_type,
            "password": password,
            "max_pixels": settings.max_pixels,
        }
        seconds = SAVE_SECONDS + settings.page_seconds * len(document.pages)
        reply = sandbox.call(verb, arguments, seconds=seconds)
        if reply.values.get("kept"):
            log.warning("the old invisible text could not be taken out of pages %s", reply.values["kept"])
        return bytes(reply.blob)


def write_layers(document: Document, path: Path) -> None:
    """Write what `docproc.parsers.overlay` reads, a page at a time."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(json.dumps(layer(page)) + "\n" for page in document.pages)


def layer(page: Page) -> dict[str, Any]:
    """Return what `docproc.parsers.overlay` wants to know about a page."""
    own_text = page.text_source == "text-layer"
    trusted = page.text_source == "mixed" or (page.agreement or 0.0) >= GOOD_AGREEMENT
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "rotation": page.rotation,
        "mode": "new" if trusted else "all",
        "lines": [] if own_text else [_line(line) for block in blocks(page) for line in block.lines],
    }


def _line(line: Line) -> list[list[Any]]:
    if not line.words:
        return [[line.text, _quad(line.polygon, line.box), False]]
    return [
        [word.text, _quad(word.polygon, word.box), space]
        for word, space in zip(line.words, spaces_after(line), strict=True)
    ]


def _quad(polygon: Polygon, box: Box) -> Polygon:
    return polygon if len(polygon) == 4 else box.corners
