"""Masks: which part of a box belongs to a thing, as arrays, run lengths, outlines and pictures."""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc.findings import MAX_PLACES, Mask
from docproc.geometry import Box, Polygon

Grid = NDArray[np.bool_]
"""bool[H, W]: a place of it is True where the thing is."""

SMOOTH = 0.6
"""Outlines may be off by so many places of the grid, which keeps them short."""


def from_grid(grid: Grid, box: Box) -> Mask:
    """Return the mask of a grid that covers `box`; raise ValueError when the grid is empty or too large."""
    height, width = grid.shape
    flat = np.concatenate(([False], grid.ravel(order="F"), [False]))
    edges = np.flatnonzero(np.diff(flat)).tolist()
    ends = [0, *edges, *([] if edges and edges[-1] == grid.size else [grid.size])]
    return Mask(box, height, width, tuple(end - start for start, end in pairwise(ends)))


def to_grid(mask: Mask) -> Grid:
    """Return the grid of a mask."""
    values = np.arange(len(mask.counts)) % 2 == 1
    return np.repeat(values, mask.counts).reshape((mask.height, mask.width), order="F")


def redrawn(mask: Mask, box: Box, height: int, width: int) -> Grid:
    """Return what a mask covers on another grid, which covers `box`; what lies outside that is lost."""
    across, down = mask.width / max(mask.box.width, 1e-9), mask.height / max(mask.box.height, 1e-9)
    xs = (box.left + (np.arange(width) + 0.5) * box.width / width - mask.box.left) * across
    ys = (box.top + (np.arange(height) + 0.5) * box.height / height - mask.box.top) * down
    columns, rows = np.floor(xs).astype(np.int64), np.floor(ys).astype(np.int64)
    inside = ((rows >= 0) & (rows < mask.height))[:, None] & ((columns >= 0) & (columns < mask.width))[None, :]
    picked = to_grid(mask)[np.clip(rows, 0, mask.height - 1)][:, np.clip(columns, 0, mask.width - 1)]
    return np.asarray(picked & inside, np.bool_)


def joined(one: Mask, other: Mask) -> Mask:
    """Return the mask of what either covers, on the box around both, as fine as the finer of them."""
    box = Box.union((one.box, other.box))
    fine_x = max(mask.width / max(mask.box.width, 1e-9) for mask in (one, other))
    fine_y = max(mask.height / max(mask.box.height, 1e-9) for mask in (one, other))
    places = box.width * fine_x * box.height * fine_y
    coarser = min(1.0, math.sqrt(MAX_PLACES / 4 / max(places, 1.0)))
    width, height = (max(round(side * coarser), 1) for side in (box.width * fine_x, box.height * fine_y))
    return from_grid(redrawn(one, box, height, width) | redrawn(other, box, height, width), box)


def outlines(mask: Mask) -> list[Polygon]:
    """Return the outlines of the parts of a mask on the page, largest first; holes are not told.

    They run along the edges of the places, so that one place gives a rectangle and not a point.
    """
    twice = np.repeat(np.repeat(to_grid(mask).astype(np.uint8), 2, axis=0), 2, axis=1)
    found, _ = cv2.findContours(twice, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    across, down = mask.box.width / mask.width, mask.box.height / mask.height
    polygons = []
    for contour in sorted(found, key=cv2.contourArea, reverse=True):
        # of the two pixels of a place the outer one lies on its edge: 0 -> 0, 1 -> 1, 2 -> 1, 3 -> 2
        corners = cv2.approxPolyDP((contour + 1) // 2, SMOOTH, True)[:, 0, :]
        polygons.append(tuple((mask.box.left + x * across, mask.box.top + y * down) for x, y in corners.tolist()))
    return polygons


def png(mask: Mask) -> bytes:
    """Return the mask as a PNG: white where the thing is, one pixel per place."""
    done, data = cv2.imencode(".png", to_grid(mask).astype(np.uint8) * 255)
    if not done:
        raise ValueError("the picture of the mask could not be written")
    return bytes(data.tobytes())
