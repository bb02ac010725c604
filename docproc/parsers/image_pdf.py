"""An image file as a PDF: the picture as it is (a JPEG keeps its bytes), sized to the page that was read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pymupdf
from PIL import Image, ImageOps, ImageSequence

from docproc.errors import Rejected

ORIENTATION = 0x0112
"""The EXIF tag."""
TURNS = {1: 0, 3: 180, 6: 90, 8: 270}
"""EXIF orientation -> degrees clockwise to turn the stored picture; the mirrored ones are stored anew."""
PLAIN_MODES = ("1", "L", "RGB", "I;16")
RGB_ONLY = ("RGB", "L")


def pdf_of_image(path: str, pages: Sequence[Any], *, max_pixels: int, no_cmyk: bool = False) -> pymupdf.Document:
    """Return a PDF with a page for each frame, upright and of the size that `pages` say.

    `pages` are {number, width, height, rotation}; a frame that was not read is shown at 72 dpi. `no_cmyk` stores
    CMYK pictures as RGB. Raises Rejected for no picture.
    """
    Image.MAX_IMAGE_PIXELS = max_pixels or None
    doc = pymupdf.open()
    read = {page["number"]: page for page in pages}
    try:
        for number, (data, turn, size) in enumerate(_frames(path, no_cmyk), 1):
            _add_page(doc, data, turn, read.get(number) or _unread(turn, size))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
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


def _frames(path: str, no_cmyk: bool) -> Iterator[tuple[bytes, int, tuple[int, int]]]:
    """Yield each picture: bytes of a JPEG or PNG, degrees clockwise to turn it, its size in pixels."""
    with Image.open(path) as image:
        whole = image.format == "JPEG" and not (no_cmyk and image.mode not in RGB_ONLY)
        for frame in ImageSequence.Iterator(image):
            orientation = frame.getexif().get(ORIENTATION, 1)
            if whole and orientation in TURNS:
                with open(path, "rb") as file:  # noqa: PTH123  (a path that Pillow has open already)
                    yield file.read(), TURNS[orientation], frame.size
                return
            yield _png(ImageOps.exif_transpose(frame)), 0, frame.size


def _png(image: Image.Image) -> bytes:
    """Return the picture as PNG, without loss where PNG has its mode, on white where it is transparent."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    elif image.mode not in PLAIN_MODES:
        image = image.convert("RGB")
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
