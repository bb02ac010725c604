"""What stands on a page besides its text: stamps, signatures, logos, charts, pictures, with their exact outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc import masks
from docproc.findings import Mask
from docproc.geometry import Box, Polygon
from docproc.synth.move import Affine

LABELS = (
    "stamp", "signature", "logo", "bar chart", "line chart", "pie chart", "photo", "barcode", "check box",
)  # fmt: skip
"""What is drawn. Tables and the classes of the layout (`docproc.document.Label`) are regions of the page."""
FINE = 16
"""Parts of a place of the grid that corners of outlines are rounded to."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something on a page. `outline` are polygons in points: what lies in any of them belongs to it.

    `text` is what it says; `values` are those of a chart: (series, category, value), as printed or drawn.
    """

    label: str
    outline: tuple[Polygon, ...]
    text: str = ""
    values: tuple[tuple[str, str, float], ...] = ()

    @property
    def box(self) -> Box:
        """The box around it."""
        return Box.around(point for polygon in self.outline for point in polygon)

    def grid(self, box: Box, height: int, width: int) -> NDArray[np.bool_]:
        """Return bool[height, width]: which places of a grid laid over `box` it covers."""
        across, down = width / max(box.width, 1e-9), height / max(box.height, 1e-9)
        grid = np.zeros((height, width), np.uint8)
        for polygon in self.outline:
            # the middle of the first pixel is at 0, 0 for fillPoly, and at .5, .5 of the grid
            points = [((x - box.left) * across - 0.5, (y - box.top) * down - 0.5) for x, y in polygon]
            corners = np.rint(np.array(points) * FINE).astype(np.int32)
            cv2.fillPoly(grid, [corners], 1, lineType=cv2.LINE_8, shift=FINE.bit_length() - 1)
        return np.asarray(grid > 0, np.bool_)

    def mask(self, scale: float = 2.0) -> Mask:
        """Return its mask, `scale` places a point."""
        box = self.box
        size = max(round(box.height * scale), 1), max(round(box.width * scale), 1)
        grid = self.grid(box, *size)
        return masks.from_grid(grid if grid.any() else np.ones(size, np.bool_), box)


def move_things(things: Sequence[Thing], affine: Affine) -> tuple[Thing, ...]:
    """Return things where an affine map of the page (points) takes them."""

    def moved(polygon: Polygon) -> Polygon:
        points = np.hstack([np.array(polygon), np.ones((len(polygon), 1))]) @ affine.T
        return tuple((float(x), float(y)) for x, y in points)

    return tuple(replace(thing, outline=tuple(map(moved, thing.outline))) for thing in things)


def around(box: Box) -> tuple[Polygon, ...]:
    """Return the outline of a rectangle."""
    return (box.corners,)


def swollen(polygon: Polygon, by: float) -> Polygon:
    """Return a convex polygon whose edges lie `by` points further out: the outline of what is drawn with a pen."""
    corners = np.array(polygon, np.float64)
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    if ((corners - corners.mean(axis=0)) * normals).sum() < 0:  # they point inwards
        normals = -normals
    both = normals + np.roll(normals, 1, axis=0)
    out = both * (by * 2 / np.maximum((both**2).sum(axis=1, keepdims=True), 1e-9))
    return tuple((float(x), float(y)) for x, y in corners + out)
