"""Whether pages, and a candidate's labels, speak of what a question is about: its words as printed, or by meaning.

"Who is the seller?" may be answered where "Vendor" stands; "What is the name of the dog?" only where some word is
near to a dog.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from docproc.embed import Vectors
from docproc.qa.candidates import Candidate
from docproc.qa.coverage import said_on, telling
from docproc.qa.likeness import fields_of, memory
from docproc.qa.question import Question
from docproc.qa.text import content, stemmed, tokens

LEAST_ALIKE, LEAST_FIELD = 0.5, 0.55
"""Likeness (cosine) below which words of a question are strange to a page, and the question to every known field."""
SHORT = 8
"""A label of fewer words is one; longer ones are lines and regions."""
_GRASPED = ("grasped", "least grasped", "most lost", "lost")
ABOUT = (
    *(f"{what} by labels" for what in _GRASPED),
    *(f"{what} by all" for what in _GRASPED),
    "said", "last said", "last grasped", "nearest", "nearest gap", "nearest label", "field there",
)  # fmt: skip
"""What is said of the pages. `grasped`: how much of the question's words is there, 0-1, weighed by how telling
they are; `last`: of the last word, mostly the noun; `nearest`: how near in meaning a label is to the question."""
OWN = (*(f"{what} by own" for what in _GRASPED), "said by own", "most unsaid", "last own", "nearest own", "field own")
"""The same of the labels and the words of one candidate."""

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Subject:
    """What a question is about: a vector for the question and each of its words, and how telling these are.

    `words` is float32[w, 384], `worth` float32[w] (0-1), `known` float32[w]: 1 where the pages say the word.
    """

    stems: tuple[str, ...]
    asked: Vectors
    words: Vectors
    worth: Numbers
    known: Numbers

    @classmethod
    def of(cls, question: Question, asked: Vectors, pages: Sequence[Sequence[str]]) -> Subject:
        """Return what a question is about; `pages` are the stems of all words of each page."""
        first: dict[str, str] = {}
        for word in question.words:
            first.setdefault(stemmed(word), word)
        weights = telling(question.words)
        known = np.zeros(len(first), np.bool_)
        for stems in pages:
            known |= said_on(tuple(first), stems).any(axis=1)
        worth = np.array([weights[stem] for stem in first], np.float32)
        return cls(tuple(first), asked, memory().vectors(list(first.values())), worth, known.astype(np.float32))

    @cached_property
    def field(self) -> int:
        """The field that the question asks for, as a column of `fields_of`."""
        return int(fields_of(self.asked[None])[0].argmax())

    def on_pages(self, labels: Vectors, short: NDArray[np.bool_], fields: Numbers) -> Numbers:
        """Return float32[len(ABOUT)] for the labels of all pages: their vectors, which are short, their fields."""
        alike, near = labels @ self.words.T, labels @ self.asked
        by_label = alike[short].max(axis=0, initial=0.0)
        some = near[near != 0]
        found = (
            *self._grasped(self.known, by_label), *self._grasped(self.known, alike.max(axis=0, initial=0.0)),
            float(self.known @ self.worth / self.worth.sum()), self.known[-1], max(self.known[-1], by_label[-1]),
            near.max(initial=0.0), near.max(initial=0.0) - (some.mean() if len(some) else 0.0),
            near[short].max(initial=0.0), fields[:, self.field].max(initial=0.0),
        )  # fmt: skip
        return np.array(found, np.float32)

    def on_candidate(self, one: Candidate, labels: Vectors) -> Numbers:
        """Return float32[len(OWN)] for a candidate and the vectors of its labels, float32[slots, 384]."""
        every = np.concatenate([labels, memory().vectors([one.text])])
        own = frozenset(stem for text in (*one.labels.values(), one.text) for stem in content(text))
        said = np.array([stem in own for stem in self.stems], np.float32)
        alike = (every @ self.words.T).max(axis=0)
        found = (
            *self._grasped(said, alike), float(said @ self.worth / self.worth.sum()),
            ((1 - said) * self.worth).max(), max(said[-1], alike[-1]), (every @ self.asked).max(),
            fields_of(every)[:, self.field].max(),
        )  # fmt: skip
        return np.array(found, np.float32)

    def _grasped(self, said: Numbers, alike: Numbers) -> tuple[float, ...]:
        """Return the mean, the least, the most telling loss and the sum of losses of words said or alike."""
        grasped = np.maximum(said, np.clip(alike, 0, 1))
        lost = (1 - grasped) * self.worth
        mean = float(grasped @ self.worth / self.worth.sum())
        return mean, float(grasped.min()), float(lost.max()), float(lost.sum())


def is_strange(subject: Subject, about: Numbers) -> bool:
    """Whether pages say no word of a question nor anything like it, and it asks for no field that we know."""
    said, alike = about[ABOUT.index("said")], about[ABOUT.index("grasped by all")]
    asks = fields_of(subject.asked[None])[0].max()
    return bool(said == 0 and alike < LEAST_ALIKE and asks < LEAST_FIELD)


def is_short(labels: Sequence[str]) -> NDArray[np.bool_]:
    """Return bool[labels]: which are labels, not lines or nothing."""
    return np.array([0 < len(tokens(label)) < SHORT for label in labels], np.bool_)


__all__ = ["ABOUT", "OWN", "Subject", "is_short", "is_strange"]
