"""PDF pages through PyMuPDF, on upright page points: /Rotate, crop box and UserUnit are MuPDF's to apply."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pymupdf

from docproc.errors import Rejected
from docproc.parsers import mupdf
from docproc.parsers.textwords import words_of
from docproc.parsers.wire import Blob

MAX_PICTURES = 2_000

_drawn: list[Any] = []
"""The last pixmap: its samples are sent without a copy, so it has to live until they are gone."""


def open_file(path: str, password: str | None) -> tuple[dict[str, Any], Blob]:
    """Return `pages`; raise Rejected when the file needs another password or cannot be opened."""
    pdf = mupdf.document(path, password)
    try:
        count = pdf.page_count
    except mupdf.MUPDF_ERRORS as error:
        mupdf.failed(error)
        raise Rejected("The PDF is too damaged to count its pages.", code="broken") from error
    return {"pages": count}, b""


def look(path: str, password: str | None, number: int) -> tuple[dict[str, Any], Blob]:
    """Return what page `number` says of itself.

    `width` and `height` (points, upright), `words` (see `textwords`), `pictures`: [left, top, right, bottom,
    dpi] of the images on it; `no_area` when its media box is empty, for which MuPDF takes Letter.
    """
    page = mupdf.page(path, password, number)
    try:
        pictures = page.get_image_info()[:MAX_PICTURES]
        words = words_of(page, unturned(page), [one["bbox"] for one in pictures if not one.get("has-mask")])
    except mupdf.MUPDF_ERRORS as error:
        raise mupdf.failed(error) from error
    turn = turning(page)
    for word in words:
        word[1:9] = [side for place in range(1, 9, 2) for side in turn(word[place], word[place + 1])]
    return {
        "width": page.rect.width,
        "height": page.rect.height,
        "words": words,
        "no_area": _no_area(page),
        "pictures": list(filter(None, (_picture(one, page) for one in pictures))),
    }, b""


def draw(path: str, password: str | None, number: int, dpi: float) -> tuple[dict[str, Any], Blob]:
    """Draw page `number`; return `width` and `height` (pixels), `drawn_by`, `complaint`, and RGB bytes."""
    _drawn.clear()
    page = mupdf.page(path, password, number)
    mupdf.complaints()
    scale = dpi / 72
    try:
        pixmap = page.get_pixmap(matrix=pymupdf.Matrix(scale, scale), colorspace=pymupdf.csRGB, alpha=False)
    except mupdf.MUPDF_ERRORS as error:
        raise mupdf.failed(error) from error
    finally:
        mupdf.page_done(bool(page.get_images()))
    _drawn.append(pixmap)
    values = {
        "width": pixmap.width,
        "height": pixmap.height,
        "drawn_by": mupdf.VERSION,
        "complaint": mupdf.complaints(),
    }
    return values, pixmap.samples_mv


def _no_area(page: Any) -> bool:
    kind, text = page.parent.xref_get_key(page.xref, "MediaBox")
    sides = re.findall(r"[-+]?\d*\.?\d+", text) if kind == "array" else []
    return len(sides) == 4 and (float(sides[0]) == float(sides[2]) or float(sides[1]) == float(sides[3]))


def unturned(page: Any) -> pymupdf.Rect:
    """Return the page's rectangle before /Rotate, as PyMuPDF places text and pictures."""
    width, height = page.rect.width, page.rect.height
    return pymupdf.Rect(0, 0, *((height, width) if page.rotation % 180 else (width, height)))


def turning(page: Any) -> Callable[[float, float], tuple[float, float]]:
    """Return the function from a point before /Rotate to the same point of the upright page."""
    width, height = page.rect.width, page.rect.height
    turns: dict[int, Callable[[float, float], tuple[float, float]]] = {
        90: lambda x, y: (width - y, x),
        180: lambda x, y: (width - x, height - y),
        270: lambda x, y: (y, height - x),
    }
    return turns.get(page.rotation, lambda x, y: (x, y))


def _picture(picture: dict[str, Any], page: Any) -> list[float] | None:
    box, dpi, turn = pymupdf.Rect(picture["bbox"]) & unturned(page), _dpi(picture), turning(page)
    if box.is_empty or not dpi:
        return None
    (x0, y0), (x1, y1) = turn(box.x0, box.y0), turn(box.x1, box.y1)
    return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), dpi]


def _dpi(picture: dict[str, Any]) -> float:
    """Return the finer of the picture's two resolutions: a fax has 204 x 98, and its letters need the 204."""
    a, b, c, d = picture["transform"][:4]
    across, down = math.hypot(a, b), math.hypot(c, d)
    if not (0 < across < math.inf and 0 < down < math.inf):
        return 0.0
    return float(72 * max(picture["width"] / across, picture["height"] / down))
