"""Which words of a question the surroundings of a candidate say: what tells "open on Friday" from "open on Tuesday".

A likeness looks at one label at a time. The answer to "price of the oak shelf" stands where "price" comes from the
head of its column and "oak shelf" from its row; and where nothing on the page says "oak shelf", nothing answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from docproc.embed import rank_of
from docproc.labels import asked_for
from docproc.qa.candidates import Candidate
from docproc.qa.question import Question
from docproc.qa.text import PageText, content, stemmed

NAMES = (
    "said near", "said in sentence", "said around", "near behind", "sentence behind", "rarest not said",
    "words absent", "rarest absent", "ordinal",
)  # fmt: skip
"""What each column is. `near`: labels and the printed row; `sentence`: the sentence; `around`: these, the heading and
the region; `behind`: how much more another candidate has; `absent`: from all pages that are looked at."""
ALIKE = 84.0
"""Percent of likeness from which two words of `FUZZY` letters or more are one that was misread."""
FUZZY = 5
USUAL = 0.3
"""How telling a word is, at most, that labels of forms are made of."""
COMMON, RARE = 1_500, 16_000
"""Places in the vocabulary of MiniLM, which is sorted by how often words are used: telling nothing, telling all."""
SENTENCE = 45
"""Words beyond which a sentence goes on as another: what has no points is no prose."""
_NEAR = ("key", "left", "above", "column", "row", "line")
_SENTENCE_END = re.compile(r"[.!?][\"')\]]*$")
_ITEM = re.compile(r"[-*+\u2022\u2023\u25aa\u25cf\u25e6\u00b7\u2013\u2014\u25ba]|\(?\w{1,2}[.)]|\[.?\]")

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Surroundings:
    """What stands around the candidates of a page, by stems: `words` are those of the page.

    `near`, `sentence` and `around` are bool[contexts, words], `rows` int[n, 3] says which are a candidate's.
    `ordinals` are places in lists and tables, from 1; 0 where there is none.
    """

    words: tuple[str, ...]
    contexts: NDArray[np.bool_]
    rows: NDArray[np.int64]
    ordinals: NDArray[np.int64]

    @classmethod
    def of(cls, text: PageText, found: Sequence[Candidate]) -> Surroundings:
        """Return what stands around candidates of a page."""
        sentences, rows, items = _sentences(text), _printed_rows(text), _items(text)
        stems = _Stems()
        kept: dict[frozenset[str], int] = {}
        places, ordinals = [], []
        for one in found:
            at = text.index.get(one.words[0].id, 0) if one.words else 0
            row = rows[text.piece_of[at]] if text.words else ""
            near = stems.union(row, *(one.labels.get(slot, "") for slot in _NEAR))
            sentence = stems.union(sentences[at] if text.words else "", one.labels.get("heading", ""))
            around = near | sentence | stems.union(one.labels.get("region", ""), one.text)
            places.append([kept.setdefault(context, len(kept)) for context in (near, sentence, around)])
            ordinals.append(one.place or items.get(at, 0))
        words = tuple(dict.fromkeys(stem for word in text.words for stem in content(word.text)))
        number = {word: at for at, word in enumerate(words)}
        contexts = np.zeros((len(kept), len(words)), np.bool_)
        for context, at in kept.items():
            contexts[at, [number[word] for word in context if word in number]] = True
        return cls(words, contexts, np.array(places, np.int64).reshape(-1, 3), np.array(ordinals, np.int64))


def covered(question: Question, given: Sequence[Surroundings]) -> Numbers:
    """Return float32[n, len(NAMES)] for the candidates of several pages, in their order."""
    weights = telling(question.words)
    values = np.array([weights[stem] for stem in question.stems], np.float32)
    total = max(float(values.sum()), 1e-6)
    rows, known = [], np.zeros(len(values), np.bool_)
    for one in given:
        same = said_on(question.stems, one.words)
        known |= same.any(axis=1)
        said = (one.contexts.astype(np.float32) @ same.T.astype(np.float32)) > 0
        near, sentence, around = (said[one.rows[:, at]].astype(np.float32) for at in range(3))
        rest = np.where(around > 0, 0.0, values).max(axis=1, initial=0.0)
        place = np.where(one.ordinals == question.ordinal, 1.0, np.where(one.ordinals > 0, -1.0, 0.0))
        columns = (near @ values / total, sentence @ values / total, around @ values / total, rest)
        rows.append(np.stack([*columns, place * (question.ordinal > 0)], axis=1))
    near, sentence, around, rest, place = np.concatenate(rows).T
    lost = np.where(known, 0.0, values)
    whole = np.ones_like(near)
    every = (
        near, sentence, around, near.max(initial=0.0) - near, sentence.max(initial=0.0) - sentence, rest,
        lost.sum() / total * whole, lost.max(initial=0.0) * whole, place,
    )  # fmt: skip
    return np.stack(every, axis=1).astype(np.float32)


def telling(words: Iterable[str]) -> Mapping[str, float]:
    """Return how much each word tells of what is meant, 0.05-1, by stem: names and numbers most."""
    found: dict[str, float] = {}
    for word in words:
        stem = stemmed(word)
        found[stem] = max(found.get(stem, 0.0), _telling(word))
    return found


@cache
def _telling(word: str) -> float:
    if any(map(str.isdecimal, word)):
        return 1.0
    rank = rank_of(word)
    rare = 1.0 if rank is None else math.log(max(rank / COMMON, 1.0)) / math.log(RARE / COMMON)
    most = USUAL if stemmed(word) in _usual() else 1.0
    return min(max(rare, 0.05), most)


@cache
def _usual() -> frozenset[str]:
    """Return the stems of words that fields are called by."""
    return frozenset(stem for wordings in asked_for().values() for one in wordings for stem in content(one))


def said_on(stems: Sequence[str], words: Sequence[str]) -> NDArray[np.bool_]:
    """Return bool[stems, words]: which words of a page are a word of the question, or one that was misread."""
    number = {word: at for at, word in enumerate(words)}
    long = [word for word in words if len(word) >= FUZZY and not word.isdecimal()]
    same = np.zeros((len(stems), len(words)), np.bool_)
    for row, stem in zip(same, stems, strict=True):
        if stem in number:
            row[number[stem]] = True
        if len(stem) >= FUZZY and not stem.isdecimal():
            for word, _, _ in process.extract(stem, long, scorer=fuzz.ratio, score_cutoff=ALIKE, limit=5):
                row[number[word]] = True
    return same


class _Stems:
    """The stems of texts, made once."""

    def __init__(self) -> None:
        self._kept: dict[str, frozenset[str]] = {}

    def union(self, *texts: str) -> frozenset[str]:
        for text in texts:
            if text not in self._kept:
                self._kept[text] = frozenset(content(text))
        return frozenset().union(*(self._kept[text] for text in texts))


def _sentences(text: PageText) -> list[str]:
    """Return for each word the sentence that it stands in."""
    found: list[str] = []
    start = 0
    for at in range(1, len(text.words) + 1):
        ends = at == len(text.words) or text.region_of[at] != text.region_of[at - 1] or at - start >= SENTENCE
        if ends or _SENTENCE_END.search(text.words[at - 1].text):
            found += [text.text(start, at)] * (at - start)
            start = at
    return found


def _printed_rows(text: PageText) -> list[str]:
    """Return for each piece what stands in its printed row."""
    found = [""] * len(text.pieces)
    for row in text.rows:
        said = " ".join(text.text(text.pieces[at].first, text.pieces[at].last) for at in row)
        for at in row:
            found[at] = said
    return found


def _items(text: PageText) -> dict[int, int]:
    """Return the place in its list of each word that begins an item (or follows its mark)."""
    regions = sorted(text.page.regions, key=lambda one: one.order)
    found: dict[int, int] = {}
    heading, count = "", 0
    for at in range(len(text.words)):
        if at and text.line_of[at] == text.line_of[at - 1]:
            continue
        region = text.region_of[at]
        if region < 0:
            continue
        begins = regions[region].label == "list-item" and (not at or text.region_of[at - 1] != region)
        marked = _ITEM.fullmatch(text.words[at].text) is not None
        if text.headings[region] != heading:
            heading, count = text.headings[region], 0
        if begins or marked:
            count += 1
            found[at] = count
            if marked:
                found[at + 1] = count
    return found


__all__ = ["NAMES", "Surroundings", "covered", "said_on", "telling"]
