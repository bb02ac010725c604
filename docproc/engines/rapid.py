"""The embedded OCR engine: PP-OCRv6 from the `rapidocr` wheel, about fifty languages, no download."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from docproc.document import Line, Word
from docproc.engines.ppocr import Detector, LineClassifier, Reading, Recognizer, cut_line
from docproc.engines.words import Span, ink_of, rows_of, split_words
from docproc.geometry import Box, Polygon
from docproc.raster import PageImage, Pixels
from docproc.settings import Settings

DETECTION_SIDE = 1280
"""Longest side, in pixels, at which a page is searched for text. Measured on receipts, books, typescripts and
brochures: word F1 within .01 of 2016 pixels at a third of the time; at 960 small print gets lost."""
SQUEEZE = 0.8
"""Lines are read a fifth narrower than they are: a fifth less work, no loss on pages; from .7 on there is."""
LEAST_CONFIDENCE = 0.5
"""Lines read with less are specks and rules, not text (the wheel's own threshold)."""
MARGIN = 0.1
"""Boxes are higher than the ink by this share on either side, as type is: not every line has an ascender and a
descender, and what is blurred is cut off with the paper."""
UPRIGHT_ENOUGH = 0.8
"""A line read with less is tried upside down too."""


class RapidEngine:
    """OCR with PP-OCRv6 small detection and recognition. Safe to call from several threads."""

    name = "rapid"
    whole_side = 2600

    def __init__(self, settings: Settings, languages: Sequence[str] = ()) -> None:
        self._detector = Detector(settings.threads)
        self._recognizer = Recognizer(settings.threads, languages)
        self._classifier = LineClassifier(settings.threads)
        self.alphabet = self._recognizer.alphabet
        self.version = f"PP-OCRv6-small rapidocr {version('rapidocr')} {self._detector.runtime}"

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        """Return the lines of each image, on page coordinates, ids empty; a blank image gives none."""
        return [self._read_one(image) for image in images]

    def upside_down(self, crops: Sequence[Pixels]) -> list[float]:
        """Return the probability that each line crop (uint8[H, W, 3]) is upside down."""
        return self._classifier.upside_down(crops)

    def legibility(self, crops: Sequence[Pixels]) -> list[float]:
        """Return the mean character probability of each line crop (uint8[H, W, 3]) as it stands."""
        whole = (np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32) for h, w in (c.shape[:2] for c in crops))
        lines = [cut_line(crop, quad, squeeze=SQUEEZE) for crop, quad in zip(crops, whole, strict=True)]
        return [reading.confidence for reading in self._recognizer.read(lines)]

    def _read_one(self, image: PageImage) -> list[Line]:
        quads = [_along_text(quad) for quad in self._detector.detect(image.pixels, side=DETECTION_SIDE)]
        crops = [cut_line(image.pixels, quad, squeeze=SQUEEZE) for quad in quads]
        readings = self._recognizer.read(crops)
        self._retry_upside_down(quads, crops, readings)
        lines = (
            _line(image, quad, reading, ink_of(crop))
            for quad, reading, crop in zip(quads, readings, crops, strict=True)
            if reading.confidence >= LEAST_CONFIDENCE
        )
        return [line for line in lines if line is not None]

    def _retry_upside_down(
        self, quads: list[NDArray[np.float32]], crops: list[Pixels], readings: list[Reading]
    ) -> None:
        """Replace what reads better turned by 180 degrees: stray lines of an upright page."""
        doubtful = [index for index, reading in enumerate(readings) if reading.confidence < UPRIGHT_ENOUGH]
        turned = [np.ascontiguousarray(crops[index][::-1, ::-1]) for index in doubtful]
        for index, crop, reading in zip(doubtful, turned, self._recognizer.read(turned), strict=True):
            if reading.confidence > max(readings[index].confidence, UPRIGHT_ENOUGH):
                quads[index] = np.roll(quads[index], 2, axis=0)
                crops[index], readings[index] = crop, reading


def _outline(crop: Pixels) -> NDArray[np.float32]:
    height, width = crop.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def _along_text(quad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the corners of a tall quad so that its text, which runs downwards, is read left to right."""
    width = np.linalg.norm(quad[0] - quad[1])
    height = np.linalg.norm(quad[0] - quad[3])
    return np.roll(quad, -1, axis=0) if height >= 1.5 * width else quad  # 1.5: PaddleOCR's own bound


def _line(image: PageImage, quad: NDArray[np.float32], reading: Reading, ink: NDArray[np.bool_]) -> Line | None:
    spans = split_words(reading, ink)
    if not spans:
        return None
    height, width = ink.shape
    first, last = rows_of(ink)
    margin = MARGIN * (last - first)
    top, bottom = max(first - margin, 0.0), min(last + margin, float(height))

    def polygon(left: float, right: float) -> Polygon:
        across, down = np.array([left, right]) / width, np.array([top, bottom]) / height
        corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
        return image.polygon([_inside(quad, across[u], down[v]) for u, v in corners])

    words = tuple(_word(span, polygon(span.left, span.right)) for span in spans)
    outline = polygon(spans[0].left, spans[-1].right)
    return Line("", _text(spans), Box.around(outline), outline, round(reading.confidence, 4), words)


def _inside(quad: NDArray[np.float32], across: float, down: float) -> tuple[float, float]:
    """Return the point of `quad` at shares `across` and `down` of its sides (bilinear)."""
    top = quad[0] + (quad[1] - quad[0]) * across
    bottom = quad[3] + (quad[2] - quad[3]) * across
    x, y = top + (bottom - top) * down
    return float(x), float(y)


def _word(span: Span, polygon: Polygon) -> Word:
    return Word("", span.text, Box.around(polygon), polygon, round(span.confidence, 4), span.alternatives)


def _text(spans: Sequence[Span]) -> str:
    return "".join((" " if span.spaced else "") + span.text for span in spans)
