"""Which views of a page a task is shown, and how large.

Questions, captions and descriptions of one thing look at the overview: a tile does not show what stands beside
it. Things are looked for in the overview and, on pages larger than it, in detail tiles. Text is read in tiles,
padded to a square and not squeezed, so that letters keep their shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np

from docproc.errors import Usage
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks import caption
from docproc.tasks.asking import Ask, Reads, Task, View
from docproc.tasks.grammar import Trained
from docproc.tasks.rows import lines_of, squares
from docproc.tiles import OVERLAP, SIDE, detail_tiles, overview

SIDES = (224, 448, 896)
"""The inputs that the models come with."""
DETAIL_DPI = 150.0
"""Resolution of detail tiles at most: 10 point print is 21 px high then, more than the 14 px of a patch."""
MOST_TILES = 40
"""Tiles that a page is cut into at most; larger ones are looked at a bit smaller."""

BY_LINES = "nano"
"""The variant that reads lines, stacked in a square whose side is ROWS times as long as a row is high."""
ROWS = 8
AT_ONCE = 2
"""Rows that it reads at once: of more it loses its place (CER of a page .10 with 2, .14 with 4, .44 with 8)."""


def best_side(task: Task, sides: Sequence[int] = SIDES) -> int:
    """Return which of the `sides` of a model's checkpoints to take: the smallest that does the task well.

    That is the task's own side; where there is none so large, the largest.
    """
    enough = [side for side in sorted(sides) if side >= task.side]
    return enough[0] if enough else max(sides)


def views_of(task: Task, ask: Ask, image: PageImage, trained: Trained, side: int) -> list[View]:
    """Return the views of a page, or of the box asked about, that a model with an input of `side` px is shown.

    With `side` 0 the model takes any size.

    Raises Usage when the box lies outside the page.
    """
    if ask.box is not None and not (task.name == "caption" and caption.told_box(ask, trained)):
        image = _inside(image, ask.box)
    if trained.variant == BY_LINES and task.name in ("ocr", "answer"):
        return _rows(image, side, AT_ONCE if task.name == "ocr" else ROWS)
    return VIEWS[task.reads](image, side or SIDE)


def squared(image: PageImage) -> View:
    """Return the image padded with white at the right and the bottom to a square: not squeezed, nothing moves."""
    side = max(image.width, image.height)
    pixels = np.full((side, side, 3), 255, np.uint8)
    pixels[: image.height, : image.width] = image.pixels
    padded = replace(image, pixels=pixels)
    return View(padded, padded.box)


def _details(image: PageImage, side: int) -> list[PageImage]:
    """Return detail tiles of at most `DETAIL_DPI` and `MOST_TILES`."""
    overlap = side * OVERLAP // SIDE
    drawn = _scaled(image, DETAIL_DPI)
    while len(tiles := detail_tiles(drawn, side, overlap)) > MOST_TILES:
        drawn = _scaled(drawn, drawn.dpi * 0.8)
    return tiles


def _overview(image: PageImage, side: int) -> list[View]:
    return [View(overview(image, side), image.box)]


def _padded(image: PageImage, side: int) -> list[View]:
    return [squared(overview(image, side))]


def _both(image: PageImage, side: int) -> list[View]:
    tiles = _details(image, side)
    return [*_overview(image, side), *(View(tile, tile.box) for tile in tiles if len(tiles) > 1)]


def _text(image: PageImage, side: int) -> list[View]:
    return [squared(tile) for tile in _details(image, side)]


def _rows(image: PageImage, side: int, most: int) -> list[View]:
    """Return the lines of an image in squares of at most `most` rows; an image without lines is shown as it is."""
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    views = []
    for left, top, right, bottom in lines_of(grey):
        for square in squares(grey[top:bottom, left:right], side, side // ROWS, most):
            across = (left + square.cuts[0][0], left + square.cuts[-1][1])
            corners = [(across[0], top), (across[1], top), (across[1], bottom), (across[0], bottom)]
            views.append(
                View(PageImage(cv2.cvtColor(square.pixels, cv2.COLOR_GRAY2RGB), image.dpi), image.place(corners))
            )
    return views or _padded(image, side)


VIEWS: dict[Reads, Callable[[PageImage, int], list[View]]] = {
    "overview": _overview,
    "padded": _padded,
    "both": _both,
    "text": _text,
}
"""How a page is shown, by what a task reads."""


def _scaled(image: PageImage, dpi: float) -> PageImage:
    """Return the image at no more than `dpi`."""
    if image.dpi <= dpi:
        return image
    longest = max(image.width, image.height) * dpi / image.dpi
    return overview(image, max(round(longest), 1))


def _inside(image: PageImage, box: Box) -> PageImage:
    if not box.overlap(image.box):
        raise Usage(
            f"The box {box.as_list()} lies outside the page.",
            hint=f"The page covers {image.box.rounded().as_list()} (points, left top right bottom).",
        )
    return image.crop(box.clipped(image.box))
