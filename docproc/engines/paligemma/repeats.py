"""Generations that go round in circles, seen in their tokens. Nothing here imports torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LONGEST_PERIOD = 64
"""Tokens of the longest passage whose repetition is noticed."""
REPEATS = 4
SHORTEST_LOOP = 96
"""Tokens that must repeat at least: tables have rows of equal cells, and contents have rows of dots."""
LOOK_EVERY = 8


def loops(written: ArrayLike) -> dict[int, int]:
    """Return row -> tokens before its end repeats itself, one copy included, for rows of int[B, T] that do."""
    tokens = np.asarray(written)
    found: dict[int, int] = {}
    for period in range(1, LONGEST_PERIOD + 1):
        length = max(REPEATS * period, SHORTEST_LOOP)
        if tokens.shape[1] < length:
            break
        tail = tokens[:, -length:]
        same = (tail[:, period:] == tail[:, :-period]).all(1)
        for row in np.flatnonzero(same).tolist():
            found.setdefault(row, tokens.shape[1] - length + period)
    return found
