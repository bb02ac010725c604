"""How well the reading order was found, whatever the lines were cut into."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

MIN_ANCHORS = 2
"""Fewer words than this say nothing about order."""


def order_score(true: Sequence[str], read: Sequence[str]) -> float | None:
    """Return the share (0-1) of anchors that stand in the right order; None when the truth has none to test.

    Anchors are words that occur once in the truth and once in the reading: they can be told apart, and how
    either side is cut into lines does not matter. The share is the longest run of anchors that rises in both
    over all anchors, which is 1 minus the fewest anchors that would have to be moved. Two columns swapped
    score .5, and so do two columns read straight across.
    A reading that shares no anchors scores 0.
    """
    places = {word: index for index, word in enumerate(true)}
    once_true = _once(true)
    if len(once_true) < MIN_ANCHORS:
        return None
    anchors = once_true & _once(read)
    if len(anchors) < MIN_ANCHORS:
        return 0.0
    return _longest_rise([places[word] for word in read if word in anchors]) / len(anchors)


def _once(words: Sequence[str]) -> set[str]:
    return {word for word, count in Counter(words).items() if count == 1}


def _longest_rise(numbers: Sequence[int]) -> int:
    """Return the length of the longest increasing subsequence (patience sorting)."""
    piles: list[int] = []
    for number in numbers:
        place = bisect_left(piles, number)
        piles[place : place + 1] = [number]
    return len(piles)
