"""The location and segment tokens of PaliGemma: boxes of an image to tokens, generated text back to boxes.

A box is `<locTOP><locLEFT><locBOTTOM><locRIGHT>`, each of 1024 places along its own side: training writes
round(share x 1023), so a share is read as place / 1023. A mask follows as 16 codes `<seg000>` to `<seg127>`, then the
label; objects are separated by ` ; `. Whatever a model writes is untrusted: what is no box is counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from docproc.engines import Generation
from docproc.geometry import Box
from docproc.tasks.grammar import clean

LAST = 1023
"""The last place of a side: 1.0."""
CODES = 16
"""Codes of a mask: a grid of 4 x 4, row by row."""
MOST_CODE = 127

_OBJECT = re.compile(r"((?:<loc[0-9]{4}>){0,4})\s*((?:<seg[0-9]{3}>){0,16})\s*([^;<>]*)")
_TOKEN = re.compile(r"<(loc(?=[0-9]{4}>)|seg(?=[0-9]{3}>))([0-9]+)>")


@dataclass(frozen=True, slots=True)
class Spot:
    """An object in an image. Its sides are shares, 0-1, of the image: top < bottom, left < right.

    `codes` are the 16 of its mask, or none. `first` is the place of its first special token among those of the
    text, `tokens` how many it has.
    """

    top: float
    left: float
    bottom: float
    right: float
    label: str = ""
    codes: tuple[int, ...] = ()
    first: int = 0
    tokens: int = 4

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.left, self.top, self.right, self.bottom


def write_box(box: Box, shown: Box) -> str:
    """Return the four tokens of a box of the page in an image that shows `shown` of it; the rest is cut off."""
    inside = box.clipped(shown).moved(-shown.left, -shown.top)
    high, wide = max(shown.height, 1e-9), max(shown.width, 1e-9)
    shares = (inside.top / high, inside.left / wide, inside.bottom / high, inside.right / wide)
    return "".join(f"<loc{min(max(round(share * LAST), 0), LAST):04d}>" for share in shares)


def write_spot(spot: Spot) -> str:
    """Return a spot as a model would write it."""
    sides = (spot.top, spot.left, spot.bottom, spot.right)
    tokens = [*(f"<loc{round(side * LAST):04d}>" for side in sides), *(f"<seg{code:03d}>" for code in spot.codes)]
    return "".join(tokens) + (f" {spot.label}" if spot.label else "")


def read_spots(text: str) -> tuple[list[Spot], int]:
    """Return the objects in what a model wrote, and how many there were that make no sense.

    A box that is inverted, empty, out of range or only half there makes none. Neither does text without a box.
    """
    spots: list[Spot] = []
    invalid = seen = at = 0
    fresh = True  # nothing yet since the last separator
    while at < len(text):
        found = _OBJECT.match(text, at)
        if found is None or found.end() == at:
            fresh = fresh or text[at] == ";"
            at += 1  # past the separator, or past a bracket that begins no token
            continue
        tokens = len(_TOKEN.findall(found[1] + found[2]))
        spot = _spot(found, seen)
        if spot:
            spots.append(spot)
        else:
            invalid += bool(tokens or (fresh and found[3].strip()))
        fresh = fresh and not found[0].strip()
        seen += tokens
        at = found.end()
    return spots, invalid


def token_scores(generation: Generation) -> list[float]:
    """Return the score of every location and segment token of the text, in order; empty when they cannot be told.

    The vocabulary has the 1024 locations and then the 128 segments in one row, which begins somewhere.
    """
    places = [int(number) + 1024 * (kind == "seg") for kind, number in _TOKEN.findall(generation.text)]
    if not places or len(generation.token_ids) != len(generation.scores):
        return []
    for start in dict.fromkeys(token - places[0] for token in generation.token_ids):
        inside = [index for index, token in enumerate(generation.token_ids) if 0 <= token - start <= 1151]
        if [generation.token_ids[index] - start for index in inside] == places:
            return [generation.scores[index] for index in inside]
    return []


def mean_score(scores: Sequence[float]) -> float | None:
    """Return the geometric mean of probabilities, 0-1; None when there are none or one is no probability."""
    if not scores or not all(0 <= score <= 1 for score in scores):
        return None
    return round(math.exp(sum(math.log(max(score, 1e-12)) for score in scores) / len(scores)), 4)


def _spot(found: re.Match[str], first: int) -> Spot | None:
    sides = [int(number) for _, number in _TOKEN.findall(found[1])]
    codes = tuple(int(number) for _, number in _TOKEN.findall(found[2]))
    if len(sides) != 4 or max(sides) > LAST or not (sides[0] < sides[2] and sides[1] < sides[3]):
        return None
    whole = len(codes) == CODES and max(codes) <= MOST_CODE
    top, left, bottom, right = (side / LAST for side in sides)
    label = clean(found[3])
    return Spot(top, left, bottom, right, label, codes if whole else (), first, 4 + len(codes))
