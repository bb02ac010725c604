"""Check boxes that are drawn: small squares in the pixels of a page, ticked when there is ink in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.document import Line
from docproc.geometry import Box
from docproc.pairs.checks import Square
from docproc.raster import POINTS_PER_INCH, PageImage

LOOK_DPI = 150.0
"""Finer pixels show no more boxes and cost time."""
SMALLEST, LARGEST = 6.0, 22.0
"""Points of a side."""
ALIKE = 1.35
"""How much longer one side may be than the other."""
DRAWN, STRAIGHT = 0.9, 0.55
"""Share of each side that must be drawn, and drawn on one line of pixels: sides may be slightly askew."""
IN_WORD = 0.85
"""What lies on a word is drawn straighter than letters are."""
STROKE = 4.5
"""Points: the shortest straight stroke that is looked at; sides are longer, most strokes of small letters are not."""
EMPTY, TICKED = 0.035, 0.09
"""Share of the inside that is ink: below the first nobody ticked it, above the second somebody did."""
SOLID = 0.85
"""With more ink than this it is a bullet, unless others of its size are open."""
REACH = 3.0
"""A box is looked at when text stands within so many of its sides."""

Ink = NDArray[np.uint8]


def find_squares(image: PageImage, lines: Sequence[Line]) -> tuple[Square, ...]:
    """Return the check boxes of an upright page: open squares with text beside them, no letters and no table cells.

    Straight strokes are kept by morphological opening; what they form is a square when all of its four sides are
    drawn. Ticks that leave their box do no harm.
    """
    if not lines:
        return ()
    ink, scale = _ink(image)
    page = PageImage(np.empty((1, 1, 3), np.uint8), scale * POINTS_PER_INCH, image.left, image.top)
    drawn = [one for one in (_drawn(place, ink, page) for place in _outlines(ink, scale)) if one is not None]
    opened = [one for one in drawn if one.filled <= SOLID]
    solid = [one for one in drawn if one.filled > SOLID and any(_same_size(one.box, other.box) for other in opened)]
    placed = [one for one in opened + solid if _belongs(one, lines)]
    return tuple(_judged(one) for one in placed if not _in_comb(one, placed))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A square, the share of its inside that is ink, and the share of its worst side on one line of pixels."""

    box: Box
    filled: float
    straight: float


def _ink(image: PageImage) -> tuple[Ink, float]:
    """Return where there is ink (1), at no more than `LOOK_DPI`, and the pixels of a point there."""
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    scale = image.scale
    if image.dpi > LOOK_DPI * 1.2:
        size = (max(round(image.width * LOOK_DPI / image.dpi), 1), max(round(image.height * LOOK_DPI / image.dpi), 1))
        grey, scale = cv2.resize(grey, size, interpolation=cv2.INTER_AREA), scale * size[0] / image.width
    window = max(int(LARGEST * scale) | 1, 3)
    ink = cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 20)
    return np.asarray(ink, np.uint8), scale


def _outlines(ink: Ink, scale: float) -> list[tuple[int, int, int, int]]:
    """Return x, y, width, height in pixels of what straight strokes form, where it has the size of a check box."""
    length = max(round(STROKE * scale), 3)
    lying = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    standing = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(lying | standing, connectivity=8)
    sizes = stats[1:, 2:4]
    low, high = SMALLEST * scale, LARGEST * scale
    fits = (sizes >= low).all(1) & (sizes <= high).all(1) & (sizes.max(1) <= ALIKE * sizes.min(1))
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, _ in stats[1:][fits].tolist()]


def _drawn(place: tuple[int, int, int, int], ink: Ink, image: PageImage) -> _Drawn | None:
    """Return what is drawn at a place in pixels of `image`, None when a side is missing."""
    x, y, wide, high = place
    part = ink[y : y + high, x : x + wide]
    depth = max(round(0.15 * min(wide, high)), 2)
    sides = (part[:depth].max(0), part[-depth:].max(0), part[:, :depth].max(1), part[:, -depth:].max(1))
    lines = (part[:depth].mean(1), part[-depth:].mean(1), part[:, :depth].mean(0), part[:, -depth:].mean(0))
    straight = min(float(line.max()) for line in lines)
    if any(side.mean() < DRAWN for side in sides) or straight < STRAIGHT:
        return None
    inset = max(round(0.22 * min(wide, high)), 3)
    inside = part[inset:-inset, inset:-inset]
    share = float(inside.mean()) if inside.size else 0.0
    return _Drawn(image.place([(x, y), (x + wide, y + high)]), share, straight)


def _same_size(one: Box, other: Box) -> bool:
    return abs(one.width - other.width) < 0.2 * other.width and abs(one.height - other.height) < 0.2 * other.height


def _belongs(one: _Drawn, lines: Sequence[Line]) -> bool:
    """Whether text stands beside a square, and the square is no letter of it."""
    box, beside = one.box, False
    for line in lines:
        shared = min(line.box.bottom, box.bottom) - max(line.box.top, box.top)
        if shared < 0.4 * min(line.box.height, box.height):
            continue
        for word in line.words:
            if word.box.contains(box.center) and sum(map(str.isalnum, word.text)) > 1:
                # its reader took the box for the first letter of a word, if it is one
                first = box.left - word.box.left < 0.5 * box.width
                if not first or one.straight < IN_WORD:
                    return False
        gap = max(line.box.left - box.right, box.left - line.box.right)
        beside = beside or gap < REACH * box.width
    return beside


def _in_comb(one: _Drawn, others: Sequence[_Drawn]) -> bool:
    """Whether a square has another right beside it: then they are places for one letter each."""
    box = one.box
    return any(
        abs(other.box.center[1] - box.center[1]) < 0.5 * box.height
        and 0 < abs(other.box.left - box.left) < 1.5 * box.width
        for other in others
    )


def _judged(one: _Drawn) -> Square:
    checked = one.filled > (EMPTY + TICKED) / 2
    sure = one.filled < EMPTY or one.filled > TICKED
    return Square(one.box.rounded(), checked, 0.9 if sure else 0.6)
