"""How the lines of a page lie: the letters as marks, and the slope at which they stand in rows.

The slope is found as in Baird (1987), "The skew angle of printed documents": project the feet and heads of the
letters along every angle and take the one at which they pile up most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.raster import PageImage, Pixels

WORK_DPI = 80
"""A page is looked at with 80 to 160 dots per inch: letters of 5 points are still 3 pixels tall."""
WORK_SIDE = 2000
"""Pixels; a poster is looked at with fewer dots per inch."""
WINDOW, CONTRAST = 31, 15
"""Ink is darker by CONTRAST grey levels than the mean of the WINDOW x WINDOW pixels around it."""
FEWEST = 12
"""Fewer marks than this say nothing about a page."""
LEGIBLE_HEIGHT = 20
"""Pixels from the top of a row to its foot, from which on engines read it well."""
STEEPEST = 12.0
"""Degrees; slopes are looked for a little beyond the 10 that are promised."""

Grey = NDArray[np.uint8]
"""uint8[H, W]."""
Boxes = NDArray[np.float64]
"""float64[N, 4]: left, top, width, height in pixels."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The letters of a page (or what is as small as letters).

    `boxes` are pixels of a copy of which each stands for `shrink` x `shrink` of the page; `shape` is the
    copy's height and width.
    """

    boxes: Boxes
    shape: tuple[int, int]
    shrink: int

    def turned(self) -> Marks:
        """Return the marks of the page turned by 90 degrees clockwise."""
        left, top, width, height = self.boxes.T
        boxes = np.stack([self.shape[0] - top - height, left, height, width], axis=1)
        return Marks(boxes, (self.shape[1], self.shape[0]), self.shrink)


@dataclass(frozen=True, slots=True)
class Slope:
    """The slope of rows, in degrees, clockwise positive; `sharpness` compares it with any other angle.

    1 says that no angle is better than another, 1.3 is the most that chance gives, a printed page has 3-8.
    """

    degrees: float
    sharpness: float


def find_marks(image: PageImage) -> Marks:
    """Return what looks like letters: small, not specks, not rules."""
    side = max(image.width, image.height)
    shrink = max(1, int(image.dpi // WORK_DPI), -(-side // WORK_SIDE))
    grey = _shrunk(cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY), shrink)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, WINDOW, CONTRAST)
    _, _, found, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    boxes = found[1:, :4].astype(np.float64)  # the first is the paper
    shorter, longer = boxes[:, 2:].min(axis=1), boxes[:, 2:].max(axis=1)
    point = image.scale / shrink
    small = (shorter >= 2) & (shorter <= 36 * point) & (longer >= 3 * point) & (longer <= 180 * point)
    rule = (shorter <= 3) & (longer > 12 * shorter)
    height, width = ink.shape
    return Marks(boxes[small & ~rule], (height, width), shrink)


def _shrunk(grey: Grey, factor: int) -> Grey:
    """Return `grey` by a whole factor smaller: OpenCV is 30 times faster at that than at any other."""
    height, width = (max(side // factor, 1) for side in grey.shape)
    if factor == 1 or min(grey.shape) < factor:
        return grey
    whole = grey[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def find_slope(marks: Marks) -> Slope:
    """Return the slope of the rows; 0 with sharpness 1 where there are too few marks to say."""
    if len(marks.boxes) < FEWEST:
        return Slope(0.0, 1.0)
    left, top, width, height = marks.boxes.T
    middle, edges = left + width / 2, (top, top + height)
    coarse = np.arange(-STEEPEST, STEEPEST + 0.1, 0.4)
    piles = _piles(middle, edges, coarse)
    usual = float(np.median(piles))
    fine = coarse[piles.argmax()] + np.arange(-0.4, 0.41, 0.05)
    peak = _piles(middle, edges, fine)
    # The middle of the peak is finer than its steps; its upper half is what noise reaches least.
    weights = np.clip(peak - (peak.max() + usual) / 2, 0, None)
    degrees = float(fine @ weights / weights.sum()) if weights.sum() > 0 else 0.0
    return Slope(degrees, float(peak.max()) / usual)


def _piles(
    across: NDArray[np.float64], edges: Sequence[NDArray[np.float64]], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return float64[len(angles)]: the sum of squares of how many edges fall on each row of pixels."""
    slopes = np.tan(np.deg2rad(angles))
    return np.array([sum(_pile(edge - across * slope) for edge in edges) for slope in slopes])


def _pile(rows: NDArray[np.float64]) -> float:
    counts = np.bincount(np.rint(rows - rows.min()).astype(np.intp)).astype(np.float64)
    counts[:-1] += counts[1:]  # two rows together: letters of one line differ by a pixel
    return float(counts @ counts)


def find_rows(marks: Marks, most: int) -> Boxes:
    """Return the boxes (pixels of the page) of up to `most` stretches of level text, the most readable first.

    Long ones are, for their height, and those whose letters are not tiny (LEGIBLE_HEIGHT).
    """
    if len(marks.boxes) < FEWEST:
        return np.zeros((0, 4))
    tall = _letter_height(marks)
    sheet = np.zeros(marks.shape, np.uint8)
    for left, top, width, height in marks.boxes.astype(int):
        sheet[top : top + height, left : left + width] = 255
    gap = max(round(tall) | 1, 3)
    joined = cv2.morphologyEx(sheet, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    _, _, found, _ = cv2.connectedComponentsWithStats(joined)
    boxes = found[1:, :4].astype(np.float64)
    width, height = boxes[:, 2], boxes[:, 3]
    boxes = boxes[(height >= 0.7 * tall) & (height <= 3.2 * tall) & (width >= 3 * height)]
    boxes *= marks.shrink
    worth = np.minimum(boxes[:, 2] / boxes[:, 3], 10) * np.minimum(boxes[:, 3], LEGIBLE_HEIGHT)
    return np.asarray(boxes[np.argsort(-worth, kind="stable")[:most]])


def _letter_height(marks: Marks) -> float:
    """Return the height at which half of the marks' area is reached, so that specks do not count."""
    heights = marks.boxes[:, 3]
    order = np.argsort(heights)
    area = np.cumsum((marks.boxes[:, 2] * heights)[order])
    return float(heights[order][np.searchsorted(area, area[-1] / 2)])


def cut_rows(pixels: Pixels, rows: Boxes, *, longest: float, height: int = 48) -> list[Pixels]:
    """Return the starts of `rows`, at most `longest` heights long, as uint8[height, W, 3]."""
    crops = []
    for left, top, width, tall in rows:
        above, below = int(max(top - 0.15 * tall, 0)), int(top + 1.15 * tall)
        right = int(left + min(width, longest * (below - above)))
        crop = pixels[above:below, int(left) : right]
        size = (max(round(height * crop.shape[1] / crop.shape[0]), 8), height)
        shrinks = crop.shape[0] > height
        scaled = cv2.resize(crop, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
        crops.append(np.asarray(scaled, np.uint8))
    return crops
