"""From the codes of a mask to the mask on the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from docproc import masks
from docproc.findings import Mask
from docproc.geometry import Box

MaskDecoder = Callable[[NDArray[np.int64]], NDArray[np.float32]]
"""Turns codes, int64[N, 16] from 0 to 127, into pictures, float32[N, 64, 64] about -1 to 1; the thing is over 0."""


def decode(
    codes: Sequence[Sequence[int]], boxes: Sequence[Box], scale: float, decoder: MaskDecoder
) -> list[Mask | None]:
    """Return the mask of each box of the page, in `scale` places per point; None where it would be empty.

    The picture is stretched over the box and cut at 0, as in the official evaluation.
    """
    if not boxes:
        return []
    pictures = np.asarray(decoder(np.asarray(codes, np.int64)), np.float32)
    return [_mask(picture, box, scale) for picture, box in zip(pictures, boxes, strict=True)]


def _mask(picture: NDArray[np.float32], box: Box, scale: float) -> Mask | None:
    size = max(round(box.width * scale), 1), max(round(box.height * scale), 1)
    grid = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR) > 0
    return masks.from_grid(grid, box) if grid.any() else None
