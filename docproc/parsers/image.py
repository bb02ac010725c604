"""Image files through Pillow: pages of a TIFF, one page for everything else, upright as EXIF says."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, ImageOps

from docproc.errors import EngineFailed, Rejected
from docproc.parsers.wire import Blob

VERSION = f"pillow {PIL.__version__}"
PILLOW_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError, OverflowError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise on broken files; UnidentifiedImageError is an OSError."""
ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""

Image.MAX_IMAGE_PIXELS = None  # the limit is ours: `open_file` reports sizes before anything is decoded


def open_file(path: str, kind: str, max_pages: int, max_pixels: int) -> tuple[dict[str, Any], Blob]:
    """Return `pages` (frames of a TIFF, else 1) and `pixels` (of the largest), counted up to the limits.

    `kind` is Pillow's name of the format. Raises Rejected when Pillow cannot open it.
    """
    try:
        with Image.open(path, formats=[kind]) as image:
            return _counted(image, max_pages, max_pixels), b""
    except PILLOW_ERRORS as error:
        raise Rejected(f"The {kind} image is too damaged to open.", code="broken") from error


def look(path: str, kind: str, number: int) -> tuple[dict[str, Any], Blob]:
    """Return `width`, `height` (pixels, upright) and `dpi_x`, `dpi_y` (0 where it states none) of a page."""
    try:
        with Image.open(path, formats=[kind]) as image:
            image.seek(number - 1)
            (width, height), (across, down) = image.size, _dpi(image)
            if image.getexif().get(ORIENTATION) in TURNED:
                across, down = down, across
                if image.format != "TIFF":  # whose size Pillow has turned already
                    width, height = height, width
    except PILLOW_ERRORS as error:
        raise _failed(error) from error
    return {"width": width, "height": height, "dpi_x": across, "dpi_y": down}, b""


def draw(path: str, kind: str, number: int, width: int, height: int) -> tuple[dict[str, Any], Blob]:
    """Return page `number` upright, in `width` x `height` pixels: the values of `pdf.draw` and RGB bytes."""
    try:
        upright = _decoded(path, kind, number, (width, height))
    except PILLOW_ERRORS as error:
        raise _failed(error) from error
    values = {"width": width, "height": height, "drawn_by": VERSION, "complaint": ""}
    return values, _in_mode(upright, "RGB").tobytes()


def _decoded(path: str, kind: str, number: int, size: tuple[int, int]) -> Image.Image:
    with Image.open(path, formats=[kind]) as image:
        image.seek(number - 1)
        # a JPEG can be decoded at half or a quarter of its size when less is wanted
        image.draft(None, (min(size), min(size)))
        ImageOps.exif_transpose(image, in_place=True)
        plain = _plain(image)
        return plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0) if plain.size != size else plain


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return the image in `mode`; `convert` would copy one that is in it already."""
    return image if image.mode == mode else image.convert(mode)


def _counted(image: Image.Image, max_pages: int, max_pixels: int) -> dict[str, int]:
    pages, pixels = 0, 0
    try:
        while pages <= max_pages and pixels <= max_pixels:
            image.seek(pages)
            pages += 1
            pixels = max(pixels, image.width * image.height)
            if image.format != "TIFF":
                break
    except EOFError:
        pass
    return {"pages": pages, "pixels": pixels}


def _dpi(image: Image.Image) -> tuple[float, float]:
    """Return the resolution that the file states, across and down; zeros when it states none."""
    try:
        across, down = (float(one) for one in image.info.get("dpi", (0, 0)))
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0, 0.0
    return (across, down) if 0 < across < 1e5 and 0 < down < 1e5 else (0.0, 0.0)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in 8 bits, "L" or "RGB": transparent parts over white."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        white.alpha_composite(shown)
        return white.convert("RGB")
    return _in_mode(image, "L" if image.mode in ("1", "L") else "RGB")


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8[H, W] of grey values: 16 bits by their top byte, longer ones and floats stretched."""
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    if values.dtype.kind in "ui" and low >= 0 and high <= 65535:
        # some programs store 8 bits in 16
        low, high = 0.0, 255.0 if high <= 255 else 65535.0
    grey: NDArray[np.uint8] = ((finite - low) * (255 / ((high - low) or 1))).round().astype(np.uint8)
    return grey


def _failed(error: BaseException) -> EngineFailed:
    return EngineFailed(f"Pillow cannot decode the image: {error or type(error).__name__}.", code="broken-page")
