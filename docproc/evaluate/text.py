"""How well text was read: character and word error rates, and words found whatever their order.

Both sides are normalised first: Unicode NFKC (so long s is s, ligatures are letters), one form for quotes,
dashes and ellipses, white space collapsed; case is folded only where a set's labels are upper case alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u0060\u00b4\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u00ad", "-"),
        **dict.fromkeys("\u200b\ufeff"),
    }
)
"""Quotes and primes, dashes and the minus sign in one form each; characters without width dropped."""


_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Precision, recall and F1, each 0-1, of `right` among `read` against `true` (counts)."""

    right: float
    read: float
    true: float

    @property
    def precision(self) -> float:
        """Share of what was read that is right; 1 when nothing was read and nothing is there."""
        return self.right / self.read if self.read else float(not self.true)

    @property
    def recall(self) -> float:
        """Share of what is there that was read; 1 when nothing is there."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of the two; 1 when nothing is there and nothing was read."""
        both = self.read + self.true
        return 2 * self.right / both if both else 1.0

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.right + other.right, self.read + other.read, self.true + other.true)


def normalise(text: str, *, fold_case: bool = False) -> str:
    """Return the text as it is compared: see the module."""
    # Before, as NFKC makes a space and an accent of a lone acute; and after, for what it makes.
    same = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    collapsed = " ".join(same.split())
    return collapsed.casefold() if fold_case else collapsed


def error_rate(true: Sequence[str], read: Sequence[str]) -> float:
    """Return the Levenshtein distance over the length of `true`: 0 is perfect, 1 all missing.

    It is the character error rate of two strings and the word error rate of two lists of words. Too much read
    can make it more than 1. With nothing to read it is 0 when nothing was read, else 1.
    """
    if not true:
        return float(bool(read))
    return Levenshtein.distance(true, read) / len(true)


def word_overlap(true: Sequence[str], read: Sequence[str]) -> Overlap:
    """Count the words that both have, as bags: order and place are ignored, repeats count."""
    shared = Counter(true) & Counter(read)
    return Overlap(shared.total(), len(read), len(true))


def tokens(text: str) -> list[str]:
    """Return the words of a normalised text: runs of letters, digits and underscores, no punctuation.

    So it does not matter whether a space stands before a colon; CER and WER count punctuation.
    """
    return _TOKEN.findall(text)


def text_scores(true: str, read: str, *, fold_case: bool = False) -> dict[str, float]:
    """Return `cer`, `wer`, `word_precision`, `word_recall`, `word_f1` of two texts.

    The words of the last three are `tokens`, those of the WER are split at white space and keep punctuation.
    """
    true, read = normalise(true, fold_case=fold_case), normalise(read, fold_case=fold_case)
    true_words, read_words = true.split(), read.split()
    words = word_overlap(tokens(true), tokens(read))
    return {
        "cer": error_rate(true, read),
        "wer": error_rate(true_words, read_words),
        "word_precision": words.precision,
        "word_recall": words.recall,
        "word_f1": words.f1,
    }
