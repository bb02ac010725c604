"""Pictures as large as they are: the layout model sees text, and finds of a figure little more than its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from docproc.document import Region
from docproc.geometry import Box
from docproc.raster import PageImage

DPI = 50.0
"""Pictures are looked for at this resolution, where letters have run together."""
CONTRAST = 40
"""A pixel differs from the paper when a channel does by this much of 255."""
JOIN = 16.0
"""Parts of a figure stand no further apart than so many points."""
PANELS = 36.0
"""Panels of one figure stand no further apart than so many points: half an inch."""
LEAST_SIDE = 30.0
"""Nothing narrower or lower, in points, is a picture of its own: signs, rules, shadows of a fold."""
LEAST_INK = 0.1
"""A picture covers at least this share of its box."""
WHOLE = 0.85
"""What spans more than this share of the page's width and height is its frame or its ground."""
SWALLOWED = 0.3
"""A picture takes in no more than this share of any other region."""


def find_pictures(image: PageImage, regions: Sequence[Region]) -> list[Region]:
    """Return `regions` with pictures grown over all of their drawing, and pictures that the model missed added."""
    others = [one for one in regions if one.label != "picture"]
    pictures = [one for one in regions if one.label == "picture"]
    for box in _drawings(image, others):
        touching = [one for one in pictures if one.box.overlap(box) > 0]
        grown = Box.union([box, *(one.box for one in touching)])
        if any(one.box.share_inside(grown) > SWALLOWED for one in others):
            continue
        first = touching[0] if touching else Region("", "picture", box, 0)
        pictures = [one for one in pictures if one not in touching]
        pictures.append(replace(first, box=grown))
    return [*others, *_figures(pictures, others)]


def _figures(pictures: Sequence[Region], others: Sequence[Region]) -> list[Region]:
    """Join pictures that stand close together with nothing else between them: panels of one figure."""
    figures: list[Region] = []
    for picture in sorted(pictures, key=lambda one: (one.box.top, one.box.left)):
        joined = picture
        while near := next((one for one in figures if _one_figure(one.box, joined.box, others)), None):
            figures.remove(near)
            joined = replace(near, box=Box.union([near.box, joined.box]))
        figures.append(joined)
    return figures


def _one_figure(one: Box, other: Box, others: Sequence[Region]) -> bool:
    union = Box.union([one, other])
    return one.grown(PANELS).overlap(other) > 0 and not any(region.box.overlap(union) > 0 for region in others)


def _drawings(image: PageImage, others: Sequence[Region]) -> list[Box]:
    """Return the boxes of what is drawn on the page outside the regions `others`, largest first."""
    dpi = min(DPI, image.dpi)  # huge sheets are drawn coarser than that already
    size = (max(round(image.width * dpi / image.dpi), 1), max(round(image.height * dpi / image.dpi), 1))
    small = cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
    paper = np.median(small.reshape(-1, 3), axis=0)
    ink = (np.abs(small.astype(np.int16) - paper) > CONTRAST).any(axis=2).astype(np.uint8)
    view = PageImage(np.asarray(small, np.uint8), dpi, image.left, image.top)
    for region in others:
        left, top = view.to_pixels((region.box.left - 2, region.box.top - 2))
        right, bottom = view.to_pixels((region.box.right + 2, region.box.bottom + 2))
        ink[max(int(top), 0) : int(bottom) + 2, max(int(left), 0) : int(right) + 2] = 0
    reach = max(round(JOIN * view.scale), 1)
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    boxes = [
        view.place([(x, y), (x + w, y + h)]) for x, y, w, h, area in stats[1:].tolist() if area >= LEAST_INK * w * h
    ]
    page = image.box
    large = [box for box in boxes if min(box.width, box.height) >= LEAST_SIDE]
    inside = [box for box in large if box.width < WHOLE * page.width or box.height < WHOLE * page.height]
    return sorted((box.clipped(page) for box in inside), key=lambda box: -box.area)
