"""The 896 px views of a page: the overview, and the detail tiles at reading resolution."""

from __future__ import annotations

import cv2
import numpy as np

from docproc.raster import PageImage

SIDE = 896
"""Side of a tile in pixels: the largest input of the PaliGemma family (arXiv 2407.07726)."""
OVERLAP = 160
"""Pixels that neighbouring tiles share at least: more than the tallest line a tile is asked to read whole
(160 px at 200 dpi are 58 points); taller ones are read in the overview."""


def overview(page: PageImage, side: int = SIDE) -> PageImage:
    """Return the whole page with its longest side brought down to `side` pixels; smaller pages stay as they are."""
    scale = side / max(page.width, page.height)
    if scale >= 1:
        return page
    size = (max(round(page.width * scale), 1), max(round(page.height * scale), 1))
    pixels = cv2.resize(page.pixels, size, interpolation=cv2.INTER_AREA)
    return PageImage(np.asarray(pixels, np.uint8), page.dpi * scale, page.left, page.top)


def detail_tiles(page: PageImage, side: int = SIDE, overlap: int = OVERLAP) -> list[PageImage]:
    """Return tiles of at most `side` x `side` pixels that cover the page, row by row; none runs past its edge.

    Neighbours share at least `overlap` pixels, so anything no larger than that lies whole in one tile.
    Raises ValueError unless 0 <= overlap < side.
    """
    if not 0 <= overlap < side:
        raise ValueError(f"an overlap of {overlap} px does not fit tiles of {side} px")
    return [
        PageImage(
            page.pixels[top : top + side, left : left + side],
            page.dpi,
            page.left + left / page.scale,
            page.top + top / page.scale,
        )
        for top in _starts(page.height, side, overlap)
        for left in _starts(page.width, side, overlap)
    ]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Return where strips of `side` begin so that they cover `length` evenly and share at least `overlap`."""
    if length <= side:
        return [0]
    strips = -(-(length - overlap) // (side - overlap))
    return [round(index * (length - side) / (strips - 1)) for index in range(strips)]
