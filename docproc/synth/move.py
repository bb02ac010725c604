"""The truth of a page after the page was turned, skewed or moved: every point goes through one affine map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from docproc.document import Line, Page, Word
from docproc.geometry import Box, Polygon

Affine = NDArray[np.float64]
"""float64[2, 3]: (x, y, 1) in points of the old page -> (x, y) in points of the new one."""


def move_page(page: Page, affine: Affine, size: tuple[float, float]) -> Page:
    """Return `page` with every box and polygon moved; `size` is the new (width, height) in points."""

    def polygon(points: Polygon) -> Polygon:
        moved = np.hstack([np.array(points), np.ones((len(points), 1))]) @ affine.T
        return tuple((float(x), float(y)) for x, y in moved)

    def box(old: Box) -> Box:
        return Box.around(polygon(old.corners))

    def word(old: Word) -> Word:
        corners = polygon(old.polygon)
        return replace(old, polygon=corners, box=Box.around(corners))

    def line(old: Line) -> Line:
        corners = polygon(old.polygon)
        return replace(old, polygon=corners, box=Box.around(corners), words=tuple(map(word, old.words)))

    return replace(
        page,
        width=size[0],
        height=size[1],
        lines=tuple(map(line, page.lines)),
        regions=tuple(replace(region, box=box(region.box)) for region in page.regions),
        tables=tuple(
            replace(
                table,
                box=box(table.box),
                cells=tuple(replace(cell, box=box(cell.box)) for cell in table.cells),
            )
            for table in page.tables
        ),
        key_values=tuple(
            replace(pair, key_box=box(pair.key_box), value_box=box(pair.value_box) if pair.value_box else None)
            for pair in page.key_values
        ),
    )


def skewing(degrees: float, size: tuple[float, float]) -> Affine:
    """Return the map that turns a page of `size` clockwise by a few degrees about its middle."""
    radians = np.deg2rad(degrees)
    c, s = np.cos(radians), np.sin(radians)
    x, y = size[0] / 2, size[1] / 2
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])


def turning(degrees: int, size: tuple[float, float]) -> Affine:
    """Return the map that turns a page of `size` clockwise by 0, 90, 180 or 270 degrees, corner at 0, 0."""
    width, height = size
    return np.array(
        {
            0: [[1, 0, 0], [0, 1, 0]],
            90: [[0, -1, height], [1, 0, 0]],
            180: [[-1, 0, width], [0, -1, height]],
            270: [[0, 1, 0], [-1, 0, width]],
        }[degrees],
        dtype=float,
    )


def turned_size(degrees: int, size: tuple[float, float]) -> tuple[float, float]:
    """Return the size of the page after `turning`."""
    return size if degrees % 180 == 0 else (size[1], size[0])
