"""Lines of text as a small model reads them: normalised, cut at gaps between words, stacked in a square.

A page squeezed into a small square cannot be read. A line can: it is scaled to the height of one row of patches and
stretched sideways, so that a letter is about one patch large; where it is longer than the square is wide, it goes on
in the next row.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STRETCH = 1.7
"""How much wider than high letters are drawn: on average they are half as wide as high."""
LEAST = 0.45
"""A row is cut at the widest gap right of this share of it."""
GAP = 0.03
"""Columns are empty that are at most this much darker, of 1 for black, than the emptiest tenth of all."""
FLAT = 12
"""Grey levels between ink and paper, below which there is no ink."""
INK = 15
"""Grey levels by which ink is darker than what is around it."""
SMALLEST = 5
"""Pixels that letters are high at least."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Square:
    """A stack of rows: `pixels` uint8[side, side], and for each row which columns [from, to) of the line it shows."""

    pixels: Grey
    cuts: tuple[tuple[int, int], ...]
    scale: float
    """Pixels of the square per column of the line."""


def squares(line: Grey, side: int, patch: int, most: int = 0) -> list[Square]:
    """Return the line, uint8[H, W] of grey, as squares of `side` pixels with rows `patch` high; most need one.

    A square has at most `most` rows, or with 0 as many as it has room for.
    """
    if min(line.shape) < 1:
        return []
    clear = normalised(line)
    scale = patch / line.shape[0] * STRETCH
    cuts = _cuts(clear, max(int(side / scale), 1))
    rows = most or side // patch
    return [_stacked(clear, cuts[at : at + rows], scale, side, patch) for at in range(0, len(cuts), rows)]


def normalised(line: Grey) -> Grey:
    """Return the line in black on evenly white paper, whatever the colours of its ink and paper were."""
    counts = np.bincount(line.reshape(-1), minlength=256).cumsum()
    low, middle, high = (int(np.searchsorted(counts, counts[-1] * share)) for share in (0.01, 0.5, 0.99))
    if high - low < FLAT:
        return np.full_like(line, 255)
    if middle - low < high - middle:
        line, low = 255 - line, 255 - high
    reach = 2 * line.shape[0] + 1
    lightest = cv2.blur(line, (3, 3)).max(0, keepdims=True)
    paper = cv2.blur(cv2.dilate(lightest, np.ones((1, reach), np.uint8)), (reach, 1)).astype(np.float32)
    scaled = (line.astype(np.float32) - low) * (255 / np.maximum(paper - low, FLAT))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def _cuts(line: Grey, room: int) -> list[tuple[int, int]]:
    """Return the columns of each row of at most `room` columns, without the empty ones at both ends."""
    dark = 255 - line.mean(0)
    full = dark > np.quantile(dark, 0.1) + 255 * GAP
    columns = np.flatnonzero(full)
    if not len(columns):
        return [(0, min(room, line.shape[1]))]
    margin = max(line.shape[0] // 10, 1)
    start, end = max(int(columns[0]) - margin, 0), min(int(columns[-1]) + margin + 1, line.shape[1])
    found = []
    while end - start > room:
        cut = _widest(full, start + int(room * LEAST), start + room)
        found.append((start, cut))
        following = np.searchsorted(columns, cut)
        if following == len(columns):
            return found
        start = max(int(columns[following]) - margin, cut)  # wide gaps take no room
    return [*found, (start, end)]


def _widest(full: NDArray[np.bool_], start: int, end: int) -> int:
    """Return the middle of the last widest run of empty columns in [start, end); `end` where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], full[start:end], [True]]).astype(np.int8)))
    if not len(edges):
        return end
    widths = edges[1::2] - edges[::2]
    best = len(widths) - 1 - int(np.argmax(widths[::-1]))
    return start + int(edges[2 * best] + edges[2 * best + 1] + 1) // 2


def lines_of(grey: Grey) -> list[tuple[int, int, int, int]]:
    """Return (left, top, right, bottom) of what looks like lines of text in uint8[H, W], from top to bottom.

    For pages nobody has read yet: ink that is about as high as most of it, joined with its neighbours on both sides.
    Lines of two columns are two, what stands in one cell of a table is one.
    """
    block = max(min(grey.shape) // 20 | 1, 15)
    ink = cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, INK)
    _, _, parts, _ = cv2.connectedComponentsWithStats(ink)
    high = parts[1:, cv2.CC_STAT_HEIGHT]
    letters = high[(high >= SMALLEST) & (high < max(grey.shape[0] // 2, SMALLEST + 1))]
    if not len(letters):
        return []
    usual = float(np.median(letters))
    joined = cv2.dilate(ink, np.ones((max(round(usual * 0.3), 1), max(round(usual * 1.5), 1)), np.uint8))
    _, _, blobs, _ = cv2.connectedComponentsWithStats(joined)
    found = []
    for left, top, width, height, _ in blobs[1:].tolist():
        inside = ink[top : top + height, left : left + width]
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        tall, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
        if tall < max(usual * 0.5, SMALLEST) or tall > usual * 6 or wide < tall * 0.3:
            continue
        room = max(round(tall * 0.12), 1)
        found.append((left + int(columns[0]) - room, top + int(rows[0]) - room, left + int(columns[-1]) + 1 + room,
                      top + int(rows[-1]) + 1 + room))  # fmt: skip
    within = [(max(a, 0), max(b, 0), min(c, grey.shape[1]), min(d, grey.shape[0])) for a, b, c, d in found]
    return sorted(within, key=lambda box: (round((box[1] + box[3]) / 2 / (usual * 1.2)), box[0]))


def _stacked(line: Grey, cuts: list[tuple[int, int]], scale: float, side: int, patch: int) -> Square:
    pixels = np.full((side, side), 255, np.uint8)
    for row, (start, end) in enumerate(cuts):
        width = min(max(round((end - start) * scale), 1), side)
        how = cv2.INTER_AREA if line.shape[0] > patch else cv2.INTER_LINEAR
        pixels[row * patch : (row + 1) * patch, :width] = cv2.resize(
            line[:, start:end], (width, patch), interpolation=how
        )
    return Square(pixels, tuple(cuts), scale)
