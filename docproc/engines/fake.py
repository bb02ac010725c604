"""An engine that reads nothing real: one word per dark blob. For tests, and to start a new engine from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from docproc.document import Line, Region, Table, Word
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.settings import Settings


class FakeEngine:
    """Says "blob" for every dark rectangle at least 4 pixels high, and finds no layout."""

    name = "fake"
    version = "1"
    whole_side = 2600
    alphabet = frozenset("blob")

    def __init__(self, settings: Settings, languages: Sequence[str] = ()) -> None:
        """Take what every engine is given; nothing is loaded."""

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        """Return a line for every dark blob of each image, top to bottom."""
        return [self._blobs(image) for image in images]

    def analyze(self, image: PageImage, lines: Sequence[Line]) -> tuple[list[Region], list[Table]]:
        """Return no regions and no tables."""
        return [], []

    def _blobs(self, image: PageImage) -> list[Line]:
        dark = (image.pixels.mean(axis=2) < 128).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(dark)
        boxes = [image.place([(x, y), (x + w, y + h)]) for x, y, w, h, _ in stats[1:].tolist() if h >= 4]
        return [_line(box) for box in sorted(boxes, key=lambda box: (box.top, box.left))]


def _line(box: Box) -> Line:
    word = Word("", "blob", box, box.corners, 1.0)
    return Line("", "blob", box, box.corners, 1.0, (word,))
