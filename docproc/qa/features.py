"""Numbers that say how well a candidate fits a question: what the ranker is given."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from docproc.embed import Vectors
from docproc.geometry import Box
from docproc.qa import coverage
from docproc.qa.candidates import ORIGINS, SLOTS, Candidate, candidates
from docproc.qa.likeness import fields_of, memory
from docproc.qa.question import KINDS, Question
from docproc.qa.subject import Subject, is_short
from docproc.qa.text import PageText, content, stemmed, tokens

ALIKE = 84.0
"""Percent of likeness from which two words of five letters or more are one that was misread."""
WHOLE = 8
"""A label of fewer words may stand in a question as a whole."""
LONG = 3
"""Words beyond which a candidate says something by itself, so that its own meaning is looked at."""
_SAID = ("meaning", "said", "asked", "whole", "field")
_FIXED = (
    "x", "y", "place", "height", "length", "digits", "capitals", "confidence", "sure", "same label", "nth", "last",
)  # fmt: skip
_ASKED = (
    "match", "mismatch", "unwanted", "own words", "own meaning", "likeness", "rank", "behind", "page", "yes or no",
    "words missing", "names missing",
    "reader", "reader null", "has reader",
)  # fmt: skip
NAMES = (
    *(f"{slot} {what}" for slot in SLOTS for what in _SAID),
    *(f"wants {kind}" for kind in KINDS),
    *(f"is {kind}" for kind in KINDS),
    *(f"from {origin}" for origin in ORIGINS),
    *_FIXED,
    *_ASKED,
    *coverage.NAMES,
)
"""What each column is."""
Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Offer:
    """The candidates of a page, and what can be said of them before anything is asked."""

    text: PageText
    found: tuple[Candidate, ...]

    @classmethod
    def of(cls, text: PageText) -> Offer:
        """Return all candidates of a page."""
        return cls(text, candidates(text))

    def prepared(self) -> Offer:
        """Return itself, with everything made that takes a while."""
        _ = self.slots, self.own, self.fields, self.own_vectors, self.fixed, self.surroundings, self.short
        return self

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label once, the empty one first."""
        return tuple(dict.fromkeys(["", *(label for one in self.found for label in one.labels.values())]))

    @cached_property
    def slots(self) -> NDArray[np.int64]:
        """int64[n, slots]: which label each candidate has there, 0 for none."""
        place = {label: at for at, label in enumerate(self.labels)}
        rows = [[place[one.labels.get(slot, "")] for slot in SLOTS] for one in self.found]
        return np.array(rows, np.int64).reshape(len(rows), len(SLOTS))

    @cached_property
    def stems(self) -> tuple[frozenset[str], ...]:
        """The stems of each label."""
        return tuple(frozenset(content(label)) for label in self.labels)

    @cached_property
    def short(self) -> NDArray[np.bool_]:
        """bool[labels]: which are no whole lines or regions."""
        return is_short(self.labels)

    @cached_property
    def own(self) -> tuple[frozenset[str], ...]:
        """The stems of each candidate's own words."""
        return tuple(frozenset(content(one.text)) for one in self.found)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The stems of all words of the page."""
        return frozenset(stemmed(word) for one in self.text.words for word in tokens(one.text))

    @cached_property
    def telling(self) -> list[int]:
        """Which candidates say something by themselves."""
        own = ("sentence", "piece", "read")
        return [at for at, one in enumerate(self.found) if len(one.words) > LONG and one.origin in own]

    @cached_property
    def surroundings(self) -> coverage.Surroundings:
        """What stands around each candidate."""
        return coverage.Surroundings.of(self.text, self.found)

    @cached_property
    def vectors(self) -> Vectors:
        """float32[labels, 384]."""
        return memory().vectors(self.labels)

    @cached_property
    def fields(self) -> Numbers:
        """float32[labels, fields]."""
        return fields_of(self.vectors)

    @cached_property
    def own_vectors(self) -> Vectors:
        """float32[telling, 384]."""
        return memory().vectors([self.found[at].text for at in self.telling])

    @cached_property
    def fixed(self) -> Numbers:
        """float32[n, kinds + origins + _FIXED]: what does not depend on the question."""
        labelled = [_label(one) for one in self.found]
        same, seen = Counter(labelled), Counter[str]()
        rows = []
        for one, label in zip(self.found, labelled, strict=True):
            seen[label] += 1
            often = (
                math.log(same[label]) / 3 if label else 0.0,
                seen[label] / same[label],
                seen[label] == same[label],
            )
            kinds = [kind in one.kinds for kind in KINDS]
            rows.append([*kinds, *(one.origin == origin for origin in ORIGINS), *_shape(one, self.text), *often])
        return np.array(rows, np.float32).reshape(len(rows), len(KINDS) + len(ORIGINS) + len(_FIXED))


@dataclass(frozen=True, slots=True)
class Fit:
    """`numbers` is float32[n, len(NAMES)]; `labels` float32[n, slots, 384] are vectors, zero where there is none.

    `about` float32[len(subject.ABOUT)] says of all pages whether they speak of what is asked.
    """

    numbers: Numbers
    labels: Vectors
    question: Vectors
    subject: Subject
    about: Numbers


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader says of the candidates: a score of each (logits), and of there being no answer."""

    scores: Mapping[int, float]
    nothing: float


def fit(question: Question, offers: Sequence[Offer], read: Read | None = None) -> Fit:
    """Return how each candidate of the offers fits, in their order; `read.scores` count over all of them."""
    asked = memory().vectors([question.text])[0]
    per_slot = np.concatenate([_likeness(question, asked, offer)[offer.slots] for offer in offers])
    found = [one for offer in offers for one in offer.found]
    wants = [1 / (1 + question.wants.index(kind)) if kind in question.wants else 0.0 for kind in KINDS]
    parts = (
        per_slot.reshape(len(found), -1),
        np.tile(np.array(wants, np.float32), (len(found), 1)),
        np.concatenate([offer.fixed for offer in offers]),
        _asked(question, asked, offers, per_slot, read),
        coverage.covered(question, [offer.surroundings for offer in offers]),
    )
    labels = np.concatenate([offer.vectors[offer.slots] for offer in offers])
    subject = Subject.of(question, asked, [offer.surroundings.words for offer in offers])
    about = subject.on_pages(
        np.concatenate([offer.vectors for offer in offers]),
        np.concatenate([offer.short for offer in offers]),
        np.concatenate([offer.fields for offer in offers]),
    )
    return Fit(np.concatenate(parts, axis=1).astype(np.float32), labels, asked, subject, about)


def _likeness(question: Question, asked: Vectors, offer: Offer) -> Numbers:
    """Return float32[labels, 5]: how each label fits the question.

    Alike in meaning; share of the question's words that it says; share of its words that are asked for; whether the
    question has it as a whole ("What stands under TO?"); alike to the same field.
    """
    spoken = f" {' '.join(tokens(question.text))} "
    weights = _weights(question, offer.stems)
    total = sum(weights.values()) or 1.0
    matched = {stem: _matching(stem, question.stems) for one in offer.stems for stem in one}
    rows = np.zeros((len(offer.labels), len(_SAID)), np.float32)
    rows[:, 0] = offer.vectors @ asked
    for at, one in enumerate(offer.stems):
        hit = {match for stem in one if (match := matched[stem])}
        if hit:
            rows[at, 1] = sum(weights[stem] for stem in hit) / total
            rows[at, 2] = sum(1 for stem in one if matched[stem]) / len(one)
        said = tokens(offer.labels[at])
        rows[at, 3] = bool(said) and len(said) < WHOLE and f" {' '.join(said)} " in spoken
    rows[:, 4] = np.minimum(offer.fields, fields_of(asked[None])[0]).max(axis=1)
    rows[0] = 0.0
    return rows


def _weights(question: Question, stems: Sequence[frozenset[str]]) -> dict[str, float]:
    """Weigh a word of the question by how few labels have it."""
    known = Counter(stem for one in stems for stem in one)
    return {stem: 1 / (1 + math.log1p(known[stem])) for stem in question.stems}


def _matching(stem: str, asked: Sequence[str]) -> str:
    if stem in asked:
        return stem
    if len(stem) < 5 or stem.isdecimal():
        return ""
    return next((one for one in asked if len(one) >= 5 and fuzz.ratio(stem, one) >= ALIKE), "")


def _missing(stems: Sequence[str], offers: Sequence[Offer]) -> float:
    """Return which share of a question's words no page has: it asks for something else, then."""
    if not stems:
        return 0.0
    known = frozenset[str]().union(*(offer.vocabulary for offer in offers))
    absent = [one for one in stems if one not in known and not any(_matching(word, (one,)) for word in known)]
    return len(absent) / len(stems)


def _label(one: Candidate) -> str:
    return one.labels.get("key") or one.labels.get("left") or one.labels.get("above") or ""


def _shape(one: Candidate, text: PageText) -> tuple[float, ...]:
    """Return where it stands and how it looks: the first of `_FIXED`."""
    box = Box.union([*(word.box for word in one.words), *one.boxes])
    lines = max(len({text.line_of[text.index[word.id]] for word in one.words if word.id in text.index}), 1)
    letters = [char for char in one.text if char.isalpha()]
    return (
        box.center[0] / max(text.page.width, 1),
        box.center[1] / max(text.page.height, 1),
        min(text.index.get(one.words[0].id, 0) / 40, 3.0),
        min(box.height / lines / text.height, 4.0) - 1,
        math.log1p(len(one.words)) / 2,
        sum(map(str.isdigit, one.text)) / max(len(one.text), 1),
        sum(map(str.isupper, letters)) / max(len(letters), 1),
        sum(word.confidence or 0.9 for word in one.words) / len(one.words),
        one.sure,
    )


def _asked(
    question: Question, asked: Vectors, offers: Sequence[Offer], per_slot: Numbers, read: Read | None
) -> Numbers:
    """Return float32[n, _ASKED]."""
    best = per_slot[:, :, [0, 3, 4]].max(axis=(1, 2)) + per_slot[:, :, 1].max(axis=1)
    ranks = np.argsort(np.argsort(-best))
    top = max(read.scores.values(), default=0.0) if read else 0.0
    stems, worth = frozenset(question.stems), {kind: 1 / (1 + at) for at, kind in enumerate(question.wants)}
    missing = _missing(question.stems, offers), _missing(question.named, offers)
    rows: list[tuple[float, ...]] = []
    for page, offer in enumerate(offers):
        meaning = dict(zip(offer.telling, (offer.own_vectors @ asked).tolist(), strict=True)) if offer.telling else {}
        for place, one in enumerate(offer.found):
            at = len(rows)
            match = max((worth.get(kind, 0.0) for kind in one.kinds), default=0.0)
            score = read.scores.get(at) if read else None
            rows.append(
                (
                    match,
                    bool(worth and one.kinds and not match),
                    not worth,
                    len(stems & offer.own[place]) / max(len(stems), 1),
                    meaning.get(place, 0.0),
                    best[at],
                    1 / (1 + ranks[at]),
                    best.max() - best[at],
                    page / 4,
                    question.yes_no,
                    *missing,
                    (score - top) / 4 if score is not None else -3.0 if read else 0.0,
                    (read.nothing - top) / 4 if read else 0.0,
                    read is not None,
                )
            )
    return np.array(rows, np.float32).reshape(len(rows), len(_ASKED))
