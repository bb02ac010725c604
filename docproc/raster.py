"""Pixels that know where they lie on the page: the only place where pixels and points meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docproc.geometry import Box, Point, Polygon

POINTS_PER_INCH = 72.0

Pixels = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class PageImage:
    """A rectangle of an upright page, drawn.

    `pixels` is uint8[H, W, 3] RGB; `dpi` its resolution; `left`, `top` where its top-left corner lies on the
    page, in points. A page, a tile and a line crop are all PageImages.
    """

    pixels: Pixels
    dpi: float
    left: float = 0.0
    top: float = 0.0

    @property
    def scale(self) -> float:
        """Pixels per point."""
        return self.dpi / POINTS_PER_INCH

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def box(self) -> Box:
        """The rectangle of the page that is drawn."""
        return Box(
            self.left, self.top, self.left + self.width / self.scale, self.top + self.height / self.scale
        )

    def polygon(self, quad: Sequence[Sequence[float]]) -> Polygon:
        """Return pixel corners (x, y) of this image as a polygon on the page."""
        return tuple((self.left + x / self.scale, self.top + y / self.scale) for x, y in quad)

    def place(self, quad: Sequence[Sequence[float]]) -> Box:
        """Return the box on the page around pixel corners (x, y) of this image."""
        return Box.around(self.polygon(quad))

    def to_pixels(self, point: Point) -> Point:
        """Return where a point of the page lies in this image, in pixels (not rounded, may be outside)."""
        return (point[0] - self.left) * self.scale, (point[1] - self.top) * self.scale

    def crop(self, box: Box) -> PageImage:
        """Return the part inside `box`, on whole pixels, at least one pixel wide and high; a view, no copy.

        Raises ValueError when the box lies outside the image.
        """
        x0, y0 = self.to_pixels((box.left, box.top))
        x1, y1 = self.to_pixels((box.right, box.bottom))
        left, top = max(int(np.floor(x0 + 1e-6)), 0), max(int(np.floor(y0 + 1e-6)), 0)
        right, bottom = min(int(np.ceil(x1 - 1e-6)), self.width), min(int(np.ceil(y1 - 1e-6)), self.height)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        if left >= self.width or top >= self.height or x1 < 0 or y1 < 0:
            raise ValueError(f"{box.as_list()} lies outside the image, which covers {self.box.as_list()}")
        return PageImage(
            self.pixels[top:bottom, left:right],
            self.dpi,
            self.left + left / self.scale,
            self.top + top / self.scale,
        )
