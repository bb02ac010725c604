"""An image file as a PDF: the picture as it is (a JPEG keeps its bytes), sized to the page that was read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image, ImageOps

from docproc.errors import Rejected
from docproc.parsers.image import PILLOW_ERRORS, draw, look

ORIENTATION = 0x0112
"""The EXIF tag."""
TURNS = {1: 0, 3: 180, 6: 90, 8: 270}
"""EXIF orientation -> degrees clockwise to turn the stored picture; the mirrored ones are stored anew."""
PLAIN_MODES = ("1", "L", "RGB")
JPEGS = ("JPEG", "MPO")
"""Pillow's names: a phone's JPEG with a second picture behind the first is an MPO."""


def pdf_of_image(path: str, pages: Sequence[Any], *, max_pixels: int, no_cmyk: bool = False) -> pymupdf.Document:
    """Return a PDF with a page for each frame, upright and of the size that `pages` say.

    `pages` are {number, width, height, rotation}; a frame that was not read is shown at 72 dpi. `no_cmyk` stores
    CMYK pictures as RGB. Raises Rejected for no picture.
    """
    doc = pymupdf.open()
    read = {page["number"]: page for page in pages if page["width"] > 0 and page["height"] > 0}
    try:
        for number, (data, turn, size) in enumerate(_frames(path, max_pixels, no_cmyk), 1):
            _add_page(doc, data, turn, read.get(number) or _unread(turn, size))
    except PILLOW_ERRORS as error:
        raise Rejected(f"The picture cannot be opened: {error}.", code="broken") from None
    return doc


def stand_upright(pages: Sequence[Any]) -> list[Any]:
    """Return `pages` as they are in `pdf_of_image`'s PDF: shown upright already."""
    return [{**page, "rotation": 0} for page in pages]


def _unread(turn: int, size: tuple[int, int]) -> dict[str, Any]:
    width, height = size[::-1] if turn in (90, 270) else size
    return {"width": width, "height": height, "rotation": 0}


def _add_page(doc: pymupdf.Document, data: bytes, turn: int, page: Any) -> None:
    """Add the stored picture on a page that /Rotate turns upright."""
    turn = (turn + page["rotation"]) % 360
    width, height = page["width"], page["height"]
    if turn in (90, 270):
        width, height = height, width
    added = doc.new_page(width=width, height=height)
    added.insert_image(added.rect, stream=data, keep_proportion=False)
    added.set_rotation(turn)


def _frames(path: str, max_pixels: int, no_cmyk: bool) -> Iterator[tuple[bytes, int, tuple[int, int]]]:
    """Yield each page: bytes of a JPEG or PNG, degrees clockwise to turn it, its size in pixels.

    Only the frames of a TIFF are pages; other formats have one, whatever else the file holds.
    """
    with Image.open(path) as image:
        for index in range(getattr(image, "n_frames", 1) if image.format == "TIFF" else 1):
            image.seek(index)
            if image.width * image.height > max_pixels:
                limit = f"a page of {image.width} x {image.height} pixels is over the limit of {max_pixels:,}"
                raise Rejected(f"The picture is too large: {limit}.", hint="DOCPROC_MAX_PIXELS raises it.")
            orientation = image.getexif().get(ORIENTATION, 1)
            whole = image.format in JPEGS and not (no_cmyk and image.mode not in ("L", "RGB"))
            if whole and orientation in TURNS:
                yield Path(path).read_bytes(), TURNS[orientation], image.size
            else:
                upright = _upright(image, path, index + 1)
                yield _png(upright), 0, upright.size


def _upright(image: Image.Image, path: str, number: int) -> Image.Image:
    """Return a page upright; in a mode that PNG keeps without loss as it is, else in RGB as it is read."""
    if image.mode in PLAIN_MODES and not image.has_transparency_data:
        return ImageOps.exif_transpose(image)
    kind = "JPEG" if image.format in JPEGS else str(image.format)
    values, _ = look(path, kind, number)
    size = (values["width"], values["height"])
    return Image.frombytes("RGB", size, bytes(draw(path, kind, number, *size)[1]))


def _png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
