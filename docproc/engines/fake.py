"""Engines that read nothing real: a word per dark blob, answers from a script. For tests, and to start from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from docproc.document import Line, Region, Table, Word
from docproc.engines import Generation, VisionRequest
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


class FakeVision:
    """Writes what `script` says for a request. Asked requests are kept in `asked`.

    Tokens are words and signs; location and segment tokens have the ids they have in PaliGemma.
    """

    name = "fake"
    version = "1"

    def __init__(self, script: Callable[[VisionRequest], str], *, side: int = 448, variant: str = "mix") -> None:
        self.script, self.side, self.variant = script, side, variant
        self.asked: list[VisionRequest] = []

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what the script says, cut at the limit of tokens."""
        self.asked.extend(requests)
        return [self._written(request) for request in requests]

    def _written(self, request: VisionRequest) -> Generation:
        tokens = re.findall(r"\s*(?:<(?:loc|seg)[0-9]+>|[^\s<]+|<)|\s+", self.script(request))
        kept = tokens[: request.limits.tokens]
        ids = tuple(_token_id(token.strip()) for token in kept)
        return Generation("".join(kept), ids, (0.9,) * len(ids), "end" if len(kept) == len(tokens) else "tokens")


def scripted(settings: Settings, model: str) -> FakeVision:  # noqa: ARG001
    """Return a fake that knows all prompts of mix and writes the name of the model to each."""
    return FakeVision(lambda _: model)


def _token_id(token: str) -> int:
    found = re.fullmatch(r"<(loc|seg)([0-9]+)>", token)
    return int(found[2]) + (256_000 if found[1] == "loc" else 257_024) if found else 1 + sum(map(ord, token)) % 1000


def _line(box: Box) -> Line:
    word = Word("", "blob", box, box.corners, 1.0)
    return Line("", "blob", box, box.corners, 1.0, (word,))
