"""Lines of text, drawn and worn, as the model is shown them: with what stands in every patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from docproc.learn.nano import texts, tokens
from docproc.learn.nano.fonts import sized
from docproc.tasks.rows import Square, squares

SLOTS = 2
"""Characters of a patch that are learnt, from the left."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line as pixels uint8[H, W], and where the middle of each of its characters is, in columns."""

    pixels: Grey
    middles: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Labels:
    """What stands where in a square.

    `patches` int16[patches, SLOTS + 1]: for each patch the tokens of its first characters (0 none), and the number,
    from 1, of the first one in the line (0 none). `places` int16[N]: for each character, spaces too, its patch.
    """

    patches: NDArray[np.int16]
    places: NDArray[np.int16]


def example(  # noqa: PLR0913
    random: Random, fonts: Sequence[Path], most: int, level: float, side: int, patch: int, *, test: bool = False
) -> tuple[Grey, str, Labels]:
    """Return a square, its text, and what stands where in it."""
    while True:
        written = texts.text(random, most, test=test)
        drawn = draw(random, written, random.choice(fonts), level)
        found = squares(worn(random, drawn.pixels, level), side, patch)
        if len(found) == 1:
            return found[0].pixels, written, labels(written, drawn, found[0], side, patch)
        most = max(most * 3 // 4, 1)


def draw(random: Random, written: str, path: Path, level: float) -> Drawn:
    """Return a line drawn in a font; the size and the room around it vary more the higher `level` (0-1) is."""
    size = round(random.uniform(26 - 13 * level, 30))
    font = sized(path, size)
    ascent, descent = font.getmetrics()
    length = font.getlength(written)
    pad = round(size * random.uniform(0.1, 0.5))
    sheet = Image.new("L", (int(length) + 2 * pad, ascent + descent + 2 * size), 255)
    ink = random.randint(0, round(90 * level))
    pen = ImageDraw.Draw(sheet)
    pen.text((pad, size), written, fill=ink, font=font)
    if random.random() < 0.08 * level:  # its neighbours look in
        pen.text(
            (pad + random.randint(-9, 9), size + round(size * random.uniform(1.1, 1.4))),
            written[::-1],
            fill=ink,
            font=font,
        )
    if random.random() < 0.05 * level:
        y = size + ascent + random.randint(1, max(descent, 2))
        pen.line((0, y, sheet.width, y), fill=ink, width=random.randint(1, 2))
    pixels = np.asarray(sheet)
    top, bottom = size, size + ascent + descent
    dark = np.flatnonzero(pixels[top:bottom].min(1) < 200)
    if len(dark) and random.random() < 0.6:  # boxes of detectors are tight
        top, bottom = top + int(dark[0]), top + int(dark[-1]) + 1
        room = size * 0.75 - (bottom - top)
        if room > 0:  # but no line is as low as a dash
            top, bottom = top - int(room / 2) - 1, bottom + int(room / 2) + 1
    jitter = size * (0.04 + 0.1 * level)
    top -= round(random.uniform(0, 2) * jitter)
    bottom += round(random.uniform(0, 2) * jitter)
    widths = np.array([_advance(path, size, char) for char in written], np.float32)
    ends = widths.cumsum() * (length / max(widths.sum(), 1))  # kerning, spread evenly
    return Drawn(np.ascontiguousarray(pixels[max(top, 0) : bottom]), ends - widths / 2 + pad)


@lru_cache(maxsize=1 << 18)
def _advance(path: Path, size: int, char: str) -> float:
    return sized(path, size).getlength(char)


def worn(random: Random, pixels: Grey, level: float) -> Grey:
    """Return the line as a scan may show it; nothing moves sideways by more than a pixel or two."""
    if random.random() > 0.2 + 0.6 * level:
        return pixels
    height, width = pixels.shape
    rng = np.random.default_rng(random.getrandbits(32))
    if random.random() < 0.3:  # skewed
        slope = random.gauss(0, 0.006)
        slope = max(min(slope, 3 / width), -3 / width)
        turn = np.array([[1, random.gauss(0, 0.06), 0], [slope, 1, -slope * width / 2]], np.float32)
        turn[0, 2] = -turn[0, 1] * height / 2
        pixels = cv2.warpAffine(pixels, turn, (width, height), borderValue=(255,)).astype(np.uint8)
    if random.random() < 0.15:
        thicker = random.random() < 0.5
        pixels = (cv2.erode if thicker or height < 26 else cv2.dilate)(
            pixels, np.ones((2, 1 + (height > 30)), np.uint8)
        ).astype(np.uint8)
    if random.random() < 0.5:
        pixels = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.3, 0.9) * max(height / 26, 0.6)).astype(np.uint8)
    if random.random() < 0.3:
        small = random.uniform(0.55, 0.9)
        less = cv2.resize(pixels, None, fx=small, fy=small, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(less, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if random.random() < 0.25:  # shaded paper
        ramp = np.linspace(random.uniform(0.6, 1), random.uniform(0.6, 1), width, dtype=np.float32)
        pixels = (pixels * ramp).astype(np.uint8)
    if random.random() < 0.4:
        grain = rng.standard_normal(pixels.shape, dtype=np.float32) * random.uniform(2, 22)
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    if random.random() < 0.12:
        kept = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, random.randint(15, 60)])[1]
        pixels = np.asarray(cv2.imdecode(kept, cv2.IMREAD_GRAYSCALE), np.uint8)
    if random.random() < 0.06:
        pixels = np.where(pixels > random.randint(110, 180), 255, 0).astype(np.uint8)
    if random.random() < 0.05:
        pixels = 255 - pixels
    return pixels


def labels(written: str, drawn: Drawn, square: Square, side: int, patch: int) -> Labels:
    """Return where the characters of a line are in its square, by their middles."""
    across = side // patch
    found = np.zeros((across * across, SLOTS + 1), np.int16)
    places = np.zeros(len(written), np.int16)
    filled = [0] * len(found)
    row = 0
    for index, (char, middle) in enumerate(zip(written, drawn.middles.tolist(), strict=True)):
        while row < len(square.cuts) - 1 and middle >= square.cuts[row][1]:
            row += 1
        column = min(max(int((middle - square.cuts[row][0]) * square.scale / patch), 0), across - 1)
        place = places[index] = row * across + column
        if char == " ":
            continue
        if not filled[place]:
            found[place, SLOTS] = index + 1
        if filled[place] < SLOTS:
            found[place, filled[place]] = tokens.IDS.get(char, 3)
            filled[place] += 1
    return Labels(found, places)
