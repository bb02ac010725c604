"""Parts of pages at reading size: where they lie, and what is to be read in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np

from docproc.document import Line, Page, Word
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks.views import DETAIL_DPI

WHOLE = 0.97
"""Share of a word that must be shown for it to be read; its box is a little larger than its ink."""
TRACE = 0.03
"""Share of a word under which there is nothing of it to be seen."""


def reading_dpi(image: PageImage) -> float:
    """Return the resolution at which text of the image is shown to a model."""
    return min(image.dpi, DETAIL_DPI)


def roomy(box: Box, size: tuple[float, float], page: Box, random: Random) -> Box:
    """Return a box of `size` (width, height in points) somewhere around `box`, moved onto the page and cut to it."""
    width, height = max(size[0], box.width), max(size[1], box.height)
    left = box.left - random.uniform(0, width - box.width)
    top = box.top - random.uniform(0, height - box.height)
    left = max(min(left, page.right - width), page.left)
    top = max(min(top, page.bottom - height), page.top)
    return Box(left, top, left + width, top + height).clipped(page)


def window(image: PageImage, page: Page, box: Box, longest: int) -> tuple[PageImage, list[str]]:
    """Return the image inside `box` and its rows of text, from the top to the bottom.

    Words that its edges cut are painted over with the paper around them: nobody could say what is to be read there.
    It ends before the row with which the text would be longer than `longest` characters.
    """
    box = box.clipped(image.box)
    words = [word for line in page.lines for word in line.words if word.box.overlap(box)]
    rows = rows_of([word for word in words if word.box.share_inside(box) >= WHOLE])
    kept: list[list[Word]] = []
    for row in rows:
        if sum(len(word.text) + 1 for line in [*kept, row] for word in line) - 1 > longest:
            bottom = max((word.box.bottom for line in kept for word in line), default=box.top)
            box = Box(box.left, box.top, box.right, min(bottom + 1.5, box.bottom))
            break
        kept.append(row)
    if not kept or box.height < 1:
        return image.crop(box), []
    shown = {word.id for row in kept for word in row}
    part = image.crop(box)
    part = replace(part, pixels=part.pixels.copy())
    for word in words:
        if word.id not in shown and word.box.share_inside(part.box) > TRACE:
            _paint_over(part, word.box)
    return part, [" ".join(word.text for word in row) for row in kept]


def lines_in(page: Page, box: Box) -> list[Line]:
    """Return the lines that have a whole word in `box`."""
    return [line for line in page.lines if any(word.box.share_inside(box) >= WHOLE for word in line.words)]


def rows_of(words: Sequence[Word]) -> list[list[Word]]:
    """Return words in rows from top to bottom, each from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        last = rows[-1][-1].box if rows else None
        if last and abs(word.box.center[1] - last.center[1]) < 0.5 * min(word.box.height, last.height):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda word: word.box.left) for row in rows]


def _paint_over(part: PageImage, box: Box) -> None:
    """Fill a box of the image, in place, with the middle colour of a strip around it."""
    (x0, y0), (x1, y1) = part.to_pixels((box.left, box.top)), part.to_pixels((box.right, box.bottom))
    left, top = max(int(x0), 0), max(int(y0), 0)
    right, bottom = min(int(np.ceil(x1)), part.width), min(int(np.ceil(y1)), part.height)
    around = part.pixels[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2]
    part.pixels[top:bottom, left:right] = np.percentile(around, 85, axis=(0, 1)).astype(np.uint8)
