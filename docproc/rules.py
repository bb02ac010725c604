"""Finds ruling lines and the edges of shaded areas in the pixels of a page."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.geometry import Box
from docproc.raster import PageImage

CONTRAST = 12
"""A rule is darker than its surroundings by so many grey levels (of 255)."""

SHORTEST = 12.0
"""The shortest rule in points: longer than the strokes of letters."""

THICKEST = 4.0
"""The thickest rule in points; anything thicker is an area, of which only the edges are seen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a page, as thin boxes in points."""

    horizontal: tuple[Box, ...] = ()
    vertical: tuple[Box, ...] = ()

    def inside(self, box: Box, margin: float) -> Rules:
        """Return the parts of the rules that lie inside `box` grown by `margin` points."""
        grown = box.grown(margin)
        return Rules(_clipped(self.horizontal, grown), _clipped(self.vertical, grown))


def find_rules(image: PageImage) -> Rules:
    """Return the horizontal and vertical rules of an upright page.

    Pixels darker than the mean of their surroundings are kept; morphological opening with a long thin kernel
    leaves the straight strokes; pieces on one line that nearly touch are joined.
    """
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    window = int(6 * image.scale) | 1
    ink = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, max(window, 3), CONTRAST
    )
    return Rules(_strokes(ink, image, lying=True), _strokes(ink, image, lying=False))


def _strokes(ink: NDArray[np.uint8], image: PageImage, *, lying: bool) -> tuple[Box, ...]:
    length = max(round(SHORTEST * image.scale), 3)
    kernel = np.ones((1, length) if lying else (length, 1), np.uint8)
    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, kernel)
    # One closing step heals gaps of a dotted or broken rule, and slight slopes of a scan.
    reach = max(round(1.5 * image.scale), 3)
    opened = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((3, reach) if lying else (reach, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    found = []
    for x, y, wide, high, _ in stats[1:].tolist():
        thick, long = (high, wide) if lying else (wide, high)
        if thick <= THICKEST * image.scale and long > 4 * thick:
            found.append(image.place([(x, y), (x + wide, y + high)]))
    return tuple(found)


def _clipped(rules: tuple[Box, ...], to: Box) -> tuple[Box, ...]:
    return tuple(rule.clipped(to) for rule in rules if _meets(rule, to))


def _meets(a: Box, b: Box) -> bool:
    return a.left <= b.right and b.left <= a.right and a.top <= b.bottom and b.top <= a.bottom
