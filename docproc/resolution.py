"""At which resolution a page is read, and how large a page is whose file does not say. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable

READING_DPI = 200.0
"""For a page of which nothing is known: what recognition models are trained on and fax calls "fine"."""
SCAN_DPI = (150.0, 300.0)
"""A scan is drawn as it was scanned, but never coarser or finer than this: beyond it only time is lost."""
SMALL_PRINT = 6.0
"""Points: letters smaller than this get as many pixels as letters of this size have at `READING_DPI`."""
FINEST_DPI = 400.0
COARSEST_DPI = 36.0
"""A page that would need less than this is too large to be one; it meets the limit of pixels instead."""
PIXEL_BUDGET = 50_000_000
"""Pixels of a page that we choose to draw (an A1 poster at 230 dpi, 150 MB), whatever more the settings allow."""
PAPERS = ((595.276, 841.890), (612.0, 792.0))
"""A4 and Letter in points, upright."""
BELIEVED_DPI = (50.0, 2400.0)
SIDES = (1.0, 50.0)
"""Inches: the longest side of a page, from a label to more than A0, that makes a stated resolution believable."""
DEFAULT_TAGS = (72.0, 96.0)
DEFAULT_SIDE = 17.0
"""Programs write 72 and 96 dpi when they know nothing: believed up to this longest side (A3) only."""


def reading_dpi(
    width: float,
    height: float,
    *,
    scan_dpi: float | None = None,
    smallest: float | None = None,
    max_pixels: int = PIXEL_BUDGET,
) -> float:
    """Return the dpi at which a page of `width` x `height` points is best read.

    `scan_dpi` is given when the page is one scan, `smallest` is the size in points of its smallest print. A
    200 x 200 pt page gets 200; one with 4 pt print 300; a 600-dpi scan 300; a poster what `PIXEL_BUDGET` and
    `max_pixels` leave, at least `COARSEST_DPI`.
    """
    dpi = READING_DPI
    if scan_dpi is not None:
        dpi = min(max(scan_dpi, SCAN_DPI[0]), SCAN_DPI[1])
    elif smallest is not None and 0 < smallest < SMALL_PRINT:
        dpi = min(READING_DPI * SMALL_PRINT / smallest, FINEST_DPI)
    return max(min(dpi, affordable_dpi(width, height, max_pixels)), COARSEST_DPI)


def affordable_dpi(width: float, height: float, max_pixels: int) -> float:
    """Return the dpi at which a page (points) has as many pixels as the budget and `max_pixels` allow."""
    across, down, pixels = max(width, 1e-3) / 72, max(height, 1e-3) / 72, min(max_pixels, PIXEL_BUDGET)
    # both sides are rounded up: (across dpi + 1) (down dpi + 1) = pixels
    half = (across + down) / 2
    return (math.sqrt(half**2 + across * down * max(pixels - 1, 0)) - half) / (across * down)


def smallest_print(sizes: Iterable[tuple[float, int]]) -> float | None:
    """Return the size that 5 % of the letters do not exceed, of (points, letters) pairs; None for under 20."""
    ordered = sorted((size, letters) for size, letters in sizes if size > 0)
    wanted = 0.05 * sum(letters for _, letters in ordered)
    if wanted < 1:
        return None
    for size, letters in ordered:
        wanted -= letters
        if wanted <= 0:
            return size
    return None


def image_dpi(width: int, height: int, stated: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float, bool]:
    """Return the dpi across and down of an image of so many pixels, and whether that is a guess.

    What the file states is believed when it makes a page of a size that exists. Otherwise the image is taken as
    filling A4 or Letter, whichever has more nearly its shape, on the side that fits: 1240 x 1754 pixels are
    A4 at 150 dpi, 3000 x 500 are 272 dpi on the long side of A4.
    """
    across, down = stated
    if _believable(width, height, across, down):
        return across, down, False
    short, long = sorted((width, height))
    paper = min(PAPERS, key=lambda sides: abs(math.log(long / short * sides[0] / sides[1])))
    dpi = 72 * max(short / paper[0], long / paper[1])
    return dpi, dpi, True


def _believable(width: int, height: int, across: float, down: float) -> bool:
    low, high = BELIEVED_DPI
    if not (low <= across <= high and low <= down <= high and 0.4 <= across / down <= 2.5):
        return False
    longest = max(width / across, height / down)
    limit = DEFAULT_SIDE if across in DEFAULT_TAGS and across == down else SIDES[1]
    return SIDES[0] <= longest <= limit
