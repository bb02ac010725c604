"""Engines that crash and lie, to see that only the page pays."""

from collections.abc import Sequence

from docproc.document import Line, Word
from docproc.errors import EngineFailed
from docproc.geometry import Box
from docproc.raster import PageImage


class Crashing:
    """Fails on every image."""

    name, version, whole_side, alphabet = "crashing", "1", 2600, frozenset[str]()

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        raise EngineFailed("The engine fell over.", hint="Try another one.")


class Lying:
    """Says that there is text far outside the page."""

    name, version, whole_side, alphabet = "lying", "1", 2600, frozenset[str]()

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        box = Box(-50, -50, 100_000, 100_000)
        return [[Line("", "lies", box, box.corners, 1.0, (Word("", "lies", box, box.corners, 1.0),))] for _ in images]
