"""Scores of answers: ANLS, as document question answering is scored everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

LEAST = 0.5
"""Answers less alike than this score 0 (Biten et al. 2019, arXiv 1905.13648, eq. 1)."""


def likeness(said: str, right: str) -> float:
    """Return 1 - the edit distance over the longer length, 0-1; without case, white space as one blank."""
    return Levenshtein.normalized_similarity(_plain(said), _plain(right))


def anls(said: str, answers: Iterable[str]) -> float:
    """Return how right an answer is, 0-1: its likeness to the nearest right one, 0 when below `LEAST`.

    No right answers means that there is none: then an empty answer is right.
    """
    answers = tuple(answers)
    if not answers:
        return float(not said.strip())
    best = max(likeness(said, right) for right in answers)
    return best if best >= LEAST else 0.0


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
