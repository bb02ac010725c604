"""What a CTC recogniser would have read next: the likeliest texts of a few steps of its output."""

from __future__ import annotations

from collections.abc import Sequence

Step = Sequence[tuple[str, float]]
"""What one step of the output may be: (letter, probability), "" for the blank; the unlikely ones are left out."""

WIDTH = 12
"""Texts kept from step to step."""


def likeliest(steps: Sequence[Step], count: int) -> list[tuple[str, float]]:
    """Return the `count` likeliest texts of some steps with their probabilities, the likeliest first.

    Prefix beam search (Graves et al. 2006; Hannun et al. 2014, arXiv 1408.2873, without a language model): all
    alignments of a text count together. Blank texts are left out.

    >>> likeliest([[("a", 0.6), ("o", 0.4)], [("", 1.0)], [("n", 1.0)]], 2)
    [('an', 0.6), ('on', 0.4)]
    """
    beams: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}  # text -> probability that ends in blank, in its letter
    for step in steps:
        following: dict[str, list[float]] = {}
        for text, (blank, letter) in beams.items():
            for char, probability in step:
                if not char:
                    following.setdefault(text, [0.0, 0.0])[0] += (blank + letter) * probability
                elif text.endswith(char):
                    following.setdefault(text, [0.0, 0.0])[1] += letter * probability
                    following.setdefault(text + char, [0.0, 0.0])[1] += blank * probability
                else:
                    following.setdefault(text + char, [0.0, 0.0])[1] += (blank + letter) * probability
        kept = sorted(following.items(), key=lambda one: -sum(one[1]))[:WIDTH]
        beams = {text: (blank, letter) for text, (blank, letter) in kept}
    found = [(text, blank + letter) for text, (blank, letter) in beams.items()]
    return sorted(((text, share) for text, share in found if text.strip() and share), key=_rank)[:count]


def _rank(one: tuple[str, float]) -> tuple[float, str]:
    return -one[1], one[0]
