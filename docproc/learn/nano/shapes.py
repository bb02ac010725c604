"""Masks of things as they lie on documents, 64 x 64 pixels large, each filling its box."""

from __future__ import annotations

from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 64
Mask = NDArray[np.uint8]


def mask(random: Random) -> Mask:
    """Return uint8[64, 64], 1 inside, of a random shape that touches all four sides."""
    draw = random.choice((_ellipse, _polygon, _blob, _scribble, _rectangle, _ring, _bars, _cut))
    return fitted(draw(random, 160))


def fitted(drawn: Mask) -> Mask:
    """Return what is drawn, squeezed so that it fills a mask."""
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    if not len(rows):
        return np.ones((SIDE, SIDE), np.uint8)
    inside = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * 255
    small = cv2.resize(
        inside, (SIDE, SIDE), interpolation=cv2.INTER_AREA if min(inside.shape) >= SIDE else cv2.INTER_LINEAR
    )
    return np.asarray(small > 127, np.uint8)


def _ellipse(random: Random, side: int) -> Mask:
    axes = (random.randint(20, 75), random.randint(20, 75))
    return _filled(
        side, lambda sheet: cv2.ellipse(sheet, (side // 2, side // 2), axes, random.uniform(0, 180), 0, 360, 1, -1)
    )


def _rectangle(random: Random, side: int) -> Mask:
    box = (
        (side / 2, side / 2),
        (random.uniform(40, 110), random.uniform(20, 90)),
        random.choice((0.0, random.gauss(0, 12), random.uniform(0, 90))),
    )
    return _filled(side, lambda sheet: cv2.fillPoly(sheet, [cv2.boxPoints(box).astype(np.int32)], 1))


def _polygon(random: Random, side: int) -> Mask:
    corners, start = random.randint(3, 9), random.uniform(0, 6.3)
    inner = random.choice((1.0, random.uniform(0.4, 0.9)))
    angles = start + np.arange(corners * 2) * np.pi / corners
    radii = np.where(np.arange(corners * 2) % 2, 70 * inner, 70)
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + side / 2
    return _filled(side, lambda sheet: cv2.fillPoly(sheet, [points.astype(np.int32)], 1))


def _blob(random: Random, side: int) -> Mask:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radii = 45 + sum(
        random.gauss(0, 14 / order) * np.cos(order * angles + random.uniform(0, 6.3)) for order in range(1, 6)
    )
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], 1) + side / 2
    return _filled(side, lambda sheet: cv2.fillPoly(sheet, [points.astype(np.int32)], 1))


def _scribble(random: Random, side: int) -> Mask:
    return _filled(
        side, lambda sheet: cv2.polylines(sheet, [scribble(random, side)], False, 1, random.randint(5, 16))
    )


def scribble(random: Random, side: int) -> NDArray[np.int32]:
    """Return points of a line that runs to the right in loops, as a signature does, int32[N, 2] in a square."""
    along = np.linspace(0, 1, 90)
    x, y = along * 0.75 + 0.12, np.full(90, 0.5)
    for _ in range(3):
        turns, phase, size = random.uniform(2, 9), random.uniform(0, 6.3), random.uniform(0.02, 0.12)
        x = x + size * 0.6 * np.cos(turns * 6.3 * along + phase)
        y = y + size * 1.4 * np.sin(turns * 6.3 * along + phase)
    return np.stack([x * side, y * side], 1).astype(np.int32)


def _ring(random: Random, side: int) -> Mask:
    axes, thick = (random.randint(40, 70), random.randint(40, 70)), random.randint(8, 34)
    return _filled(side, lambda sheet: cv2.ellipse(sheet, (side // 2, side // 2), axes, 0, 0, 360, 1, thick))


def _bars(random: Random, side: int) -> Mask:
    def draw(sheet: Mask) -> None:
        count = random.randint(2, 6)
        for bar in range(count):
            left = 10 + bar * 140 // count
            cv2.rectangle(
                sheet, (left, random.randint(10, 110)), (left + random.randint(40, 140) // count, 150), 1, -1
            )

    return _filled(side, draw)


def _cut(random: Random, side: int) -> Mask:
    def draw(sheet: Mask) -> None:
        cv2.rectangle(sheet, (20, 20), (140, 140), 1, -1)
        across, down = random.randint(20, 90), random.randint(20, 90)
        left, top = random.choice((20, 140 - across)), random.choice((20, 140 - down))
        sheet[top : top + down + 1, left : left + across + 1] = 0

    return _filled(side, draw)


def _filled(side: int, draw: object) -> Mask:
    sheet = np.zeros((side, side), np.uint8)
    draw(sheet)  # type: ignore[operator]
    return sheet
