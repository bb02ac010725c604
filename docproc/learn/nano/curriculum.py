"""Harder examples only when easier ones are mastered: with all at once, a small model never starts to read.

A schedule by time fails too: it runs ahead of a model that is still guessing. So the level rises only while the
model gets most of its tokens right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

MEMORY = 0.95
"""What stays of the running accuracy with each step."""
ALL_FONTS = 0.3
"""The level from which on all fonts are used; below, as many as it is high, at least FIRST_FONTS."""
FIRST_FONTS = 3
CLEAN = 0.2
"""The level up to which nothing is worn."""
LEAST = 0.1
"""What the weakest claim of a task to be chosen is, of one whose tokens are all wrong."""


class Standing(NamedTuple):
    """How far a task is: its level, 0 to 1, and the running share of right tokens."""

    level: float
    right: float


Standings = Mapping[str, Standing]
"""Task -> how far it is."""


@dataclass(slots=True)
class Gate:
    """The level of difficulty, 0 to 1, and the running share of right tokens that it depends on."""

    gate: float
    pace: float
    level: float = 0.0
    right: float = 0.0

    def step(self, right: float) -> None:
        """Take in the share of right tokens of one step."""
        self.right = MEMORY * self.right + (1 - MEMORY) * right
        if self.right > self.gate:
            self.level = min(self.level + self.pace, 1.0)


def chosen(random: Random, tasks: Sequence[str], far: Standings, count: int) -> list[str]:
    """Return `count` different tasks at random, rather those that are behind."""
    left, found = list(tasks), list[str]()
    while left and len(found) < count:
        behind = [1 - far[task].right * far[task].level + LEAST for task in left]
        found.append(random.choices(left, behind)[0])
        left.remove(found[-1])
    return found


def characters(level: float, longest: int) -> int:
    """Return how long lines may be: two characters at first."""
    return round(2 + (longest - 2) * float(level**1.5))


def families(level: float, count: int) -> int:
    """Return how many families of fonts are used."""
    return min(max(math.ceil(count * level / ALL_FONTS), FIRST_FONTS), count)


def wear(level: float) -> float:
    """Return how worn lines may be, 0 to 1."""
    return max(level - CLEAN, 0.0) / (1 - CLEAN)
