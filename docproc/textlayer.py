"""What a born-digital PDF already says, and whether to trust it.

A text layer is only as good as what is visible: it may be mojibake, invisible wrong text, or the bad OCR of an
old scanner. So a sample of it is read from the pixels and compared, and what is visible but not in the layer
(pictures of text, outlines) is read besides.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from docproc.document import Line, TextSource, Word
from docproc.engines import OcrEngine
from docproc.geometry import Box, turned
from docproc.raster import Drawn, LayerWord, PageImage
from docproc.straighten import Straightened, turn_image

SAMPLES = 6
"""Lines compared per page: one of each sixth of it, the longest."""
TRUSTED = 0.85
"""Agreement from which visible text is believed; OCR of clean print is above, other text far below."""
TRUSTED_HIDDEN = 0.96
"""Agreement from which invisible text over a scan is believed: below, our own reading is likely the better one."""
UNKNOWN_SCRIPT = 0.5
"""A line of which the engine knows less than this share of letters cannot be compared."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a page's text comes from: `source`, the lines known already, and the agreement (0-1, None: no layer)."""

    source: TextSource
    lines: tuple[Line, ...]
    agreement: float | None


def choose(image: PageImage, layer: Sequence[LayerWord], ocr: OcrEngine, *, mode: str) -> Choice:
    """Decide for one page whose layer words lie on `image`; `mode` is auto, always or never.

    With source `ocr` nothing is known and the whole page is to be read; with `mixed`, `lines` holds the layer
    and what OCR read outside it.
    """
    lines = layer_lines(layer)
    if mode == "never" or not lines:
        return Choice("ocr", (), None)
    agreement = _agreement(image, lines, ocr)
    if mode == "always":
        return Choice("text-layer", tuple(lines), agreement)
    hidden = sum(word.hidden for word in layer) > len(layer) / 2
    if agreement is None or agreement < (TRUSTED_HIDDEN if hidden else TRUSTED):
        return Choice("ocr", (), agreement)
    added = read_uncovered(image, lines, ocr)
    return Choice("mixed" if added else "text-layer", (*lines, *added), agreement)


def upright(drawn: Drawn) -> tuple[Straightened, list[LayerWord]]:
    """Turn a drawn page so that its text layer runs from left to right; return it with the words on it."""
    degrees = _direction(drawn.layer)
    image = turn_image(drawn.image, degrees)
    straight = Straightened(image, image, degrees, 0.0, np.eye(2, 3))
    return straight, [_turned(word, degrees, drawn) for word in drawn.layer] if degrees else list(drawn.layer)


def _direction(layer: Sequence[LayerWord]) -> int:
    """Return the clockwise turn (0, 90, 180, 270) that makes most letters of the layer run to the right."""
    weights: Counter[int] = Counter()
    for word in layer:
        (x0, y0), (x1, y1) = word.polygon[:2]
        if abs(x1 - x0) >= abs(y1 - y0):
            weights[0 if x1 >= x0 else 180] += len(word.text)
        else:
            weights[270 if y1 > y0 else 90] += len(word.text)
    return max(sorted(weights), key=lambda degrees: weights[degrees], default=0)


def _turned(word: LayerWord, degrees: int, drawn: Drawn) -> LayerWord:
    polygon = tuple(turned(point, degrees, width=drawn.width, height=drawn.height) for point in word.polygon)
    return replace(word, polygon=polygon, box=Box.around(polygon))


def layer_lines(layer: Iterable[LayerWord]) -> list[Line]:
    """Group the words of a text layer into the lines that the file itself gives."""
    groups = groupby(layer, key=lambda word: (word.block, word.line))
    return [_line(list(words)) for _, words in groups]


def _line(words: Sequence[LayerWord]) -> Line:
    made = tuple(Word("", word.text, word.box, word.polygon) for word in words)
    first, last = words[0].polygon, words[-1].polygon
    return Line(
        "",
        " ".join(word.text for word in words),
        Box.union(word.box for word in words),
        (first[0], last[1], last[2], first[3]),
        words=made,
    )


def _agreement(image: PageImage, lines: Sequence[Line], ocr: OcrEngine) -> float | None:
    """Return how well a sample of `lines` matches its pixels, 0-1 by letters; None when nothing can be compared."""
    if _garbage("".join(line.text for line in lines)):
        return 0.0
    known = [line for line in lines if _known(line.text, ocr.alphabet)]
    if not known:
        # Letters the engine cannot read (Hebrew, Thai, ...) are no sign of a bad layer; no letters at all are.
        return 1.0 if any(_letters(line.text) for line in lines) else None
    sample = [line for line in _spread(known) if line.box.overlap(image.box) > 0]
    crops = [image.crop(line.box.grown(line.box.height * 0.4)) for line in sample]
    seen = ["".join(one.text for one in sorted(found, key=lambda one: one.box.left)) for found in ocr.read(crops)]
    weights = [len(_letters(line.text)) for line in sample]
    if not sum(weights):
        return None
    scores = [_similarity(line.text, text) for line, text in zip(sample, seen, strict=True)]
    return round(sum(s * w for s, w in zip(scores, weights, strict=True)) / sum(weights), 3)


def _spread(lines: Sequence[Line]) -> list[Line]:
    """Return up to SAMPLES lines, the longest of each part of the page."""
    chunks = np.array_split(np.arange(len(lines)), min(SAMPLES, len(lines)))
    return [max((lines[index] for index in chunk), key=lambda line: len(line.text)) for chunk in chunks]


def _similarity(layer: str, seen: str) -> float:
    # What lies above and below gets into a crop, so text that is seen besides costs nothing on short lines.
    mine, other = _letters(layer), _letters(seen)
    if mine and mine in other:
        return 1.0
    return float(Levenshtein.normalized_similarity(mine, other))


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _known(text: str, alphabet: frozenset[str]) -> bool:
    letters = [character for character in text if character.isalnum()]
    if not letters:
        return False
    return not alphabet or sum(c in alphabet for c in letters) >= UNKNOWN_SCRIPT * len(letters)


def _garbage(text: str) -> bool:
    """Say whether more than a tenth of the characters stand for nothing (no Unicode value, private use, controls)."""
    printed = [character for character in text if not character.isspace()]
    nothing = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cc", "Cn") for c in printed)
    return not printed or nothing > 0.1 * len(printed)


def read_uncovered(image: PageImage, lines: Sequence[Line], ocr: OcrEngine) -> list[Line]:
    """Read what is visible but not in `lines`: pictures of text, outlines; nothing where there is no text."""
    areas = uncovered(image, [word.box for line in lines for word in line.words])
    found = [line for lines_ in ocr.read([image.crop(area) for area in areas]) for line in lines_]
    return [line for line in found if not _covered(line.box, lines) and _letters(line.text)]


def _covered(box: Box, lines: Sequence[Line]) -> bool:
    return sum(box.overlap(word.box) for line in lines for word in line.words) > 0.2 * box.area


def uncovered(image: PageImage, words: Sequence[Box]) -> list[Box]:
    """Return the areas of `image`, in points, that have something like text on them and none of the `words`."""
    dpi = 100.0  # letters of 6 pt are still strokes, and a page takes milliseconds
    scale = dpi / image.dpi
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    grey = cv2.cvtColor(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    ink = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 60
    small = PageImage(np.zeros((size[1], size[0], 3), np.uint8), dpi, image.left, image.top)
    for box in words:
        left, top = small.to_pixels((box.left, box.top))
        right, bottom = small.to_pixels((box.right, box.bottom))
        ink[max(int(top) - 2, 0) : int(bottom) + 3, max(int(left) - 2, 0) : int(right) + 3] = False
    blobs = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 13), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(blobs)
    boxes = [
        small.place([(x, y), (x + w, y + h)]).grown(4)
        for x, y, w, h, area in stats[1:].tolist()
        if h >= 5 and w >= 12 and area >= 0.3 * w * h
    ]
    return [box.clipped(image.box) for box in _joined(boxes)]


def _joined(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that overlap, so that nothing is read twice."""
    joined: list[Box] = []
    for box in sorted(boxes):
        grown = box
        while touching := [other for other in joined if other.overlap(grown) > 0]:
            joined = [other for other in joined if other not in touching]
            grown = Box.union([grown, *touching])
        joined.append(grown)
    return joined
