"""A document that can be asked: which pages a question is about, and which of their words answer it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np

from docproc.document import Page
from docproc.embed import Vectors, embedder
from docproc.engines.reader import Reader
from docproc.findings import Answer, Evidence
from docproc.qa import judge
from docproc.qa.candidates import Candidate
from docproc.qa.features import NAMES, Fit, Offer, Read, fit
from docproc.qa.question import Question
from docproc.qa.ranker import Ranker, Scores, ranker
from docproc.qa.reading import Span, SpanReader, with_spans
from docproc.qa.subject import is_strange
from docproc.qa.text import PageText, content, tokens

ENGINE = "embedded 1"
"""Name and version of what answers."""
_CURRENCY = re.compile(r"^[A-Z]{2,3}\.? ?(?=\d)|(?<=\d) [A-Z]{3}$")
"""A code beside a sum, as RM 12.50: it is the sum that was asked for. A sign (£12.50) stays."""
STANDS_BACK = 5.0
"""Score that what plays a part loses to a label that says all of the question."""
_HAS_READER = NAMES.index("has reader")
_SAID = [NAMES.index(f"{slot} said") for slot in ("key", "left", "above", "column")]
STRANGE = 0.95
"""How probable an answer has to be where nothing on the pages has to do with the question, as far as words tell."""
PAGES = 3
"""Pages whose words are looked at; of longer documents those nearest to the question."""
OFFERS = 32
"""Pages whose candidates are kept for the next question: a megabyte each, for a fifth of a second of work."""
THREADS = 2
"""Cores that the reader uses for a question: a window is too small for more."""
PASSAGE = 450
"""Characters of a passage: what the embedder sees of prose."""


@dataclass(frozen=True)
class Index:
    """Pages in order, ready to be asked. `passages` are vectors of each page's text, for long documents."""

    texts: tuple[PageText, ...]
    passages: tuple[Vectors, ...] = ()
    reader: SpanReader | None = None
    """What points at answers besides the rules; None leaves it to these."""

    @classmethod
    def of(cls, pages: Iterable[Page], *, vectors: Sequence[Vectors] = (), reads: bool = True) -> Index:
        """Return the index of pages; more than `PAGES` take some milliseconds per passage.

        `vectors` are the `passages` of an index that was made of the same pages before; without `reads` no reader
        is asked.
        """
        texts = tuple(PageText.of(page) for page in pages)
        reader = shared_reader() if reads else None
        if vectors or len(texts) <= PAGES:
            return cls(texts, tuple(vectors), reader)
        cut = [passages(text) for text in texts]
        made = embedder().embed([one for some in cut for one in some])
        ends = np.cumsum([len(some) for some in cut])[:-1]
        return cls(texts, tuple(np.split(made, ends)), reader)

    def ask(self, text: str, *, pages: Sequence[int] = ()) -> Answer:
        """Answer a question from all pages, or from the page numbers given.

        Raises Usage for a question that is empty or too long.
        """
        question = Question.of(text)
        texts = [one for one in self.texts if not pages or one.page.number in pages]
        near = self._near(question, texts)
        with ThreadPoolExecutor(1) as beside:  # both spend their time where Python lets others run
            reading = beside.submit(self._read, question, [one.page for one in near])
            offers = [self._offer(one).prepared() for one in near]
            spans = reading.result()
        return answer(question, offers, ranker(), spans)

    def about(self, text: str, *, pages: Sequence[int] = ()) -> list[Page]:
        """Return the pages that a question is about, at most `PAGES`, in order; raises Usage as `ask` does."""
        texts = [one for one in self.texts if not pages or one.page.number in pages]
        return [one.page for one in self._near(Question.of(text), texts)]

    def _near(self, question: Question, texts: Sequence[PageText]) -> list[PageText]:
        """Return the pages that a question is about, in order."""
        if len(texts) <= PAGES:
            return list(texts)
        number = {id(text): at for at, text in enumerate(self.texts)}
        asked = embedder().embed([question.text])[0]
        places = [number[id(text)] for text in texts]
        by_meaning = [max((self.passages[at] @ asked).tolist(), default=0.0) for at in places]
        stems = [self._stems[at] for at in places]
        rarity = {stem: 1 / (1 + sum(stem in one for one in stems)) for stem in question.stems}
        by_words = [sum(rarity[stem] for stem in question.stems if stem in one) for one in stems]
        ranks = sum(1 / (10 + np.argsort(np.argsort(-np.array(scores)))) for scores in (by_meaning, by_words))
        best = sorted(range(len(texts)), key=lambda at: (-np.atleast_1d(ranks)[at], at))[:PAGES]
        return [texts[at] for at in sorted(best)]

    def _read(self, question: Question, pages: Sequence[Page]) -> Sequence[Span] | None:
        return self.reader.read([question.text], pages)[0] if self.reader else None

    @cached_property
    def _stems(self) -> list[frozenset[str]]:
        return [frozenset(content(" ".join(word.text for word in text.words))) for text in self.texts]

    @cached_property
    def _offers(self) -> dict[int, Offer]:
        return {}

    def _offer(self, text: PageText) -> Offer:
        number = text.page.number
        if number not in self._offers:
            self._offers[number] = _offer_of(text.page)
        return self._offers[number]


@lru_cache(maxsize=OFFERS)
def _offer_of(page: Page) -> Offer:
    """Return what a page offers: a service makes an index for every question, mostly of pages asked before."""
    return Offer.of(PageText.of(page))


@cache
def shared_reader() -> SpanReader:
    """Return the one reader of this process; its model is loaded with the first question."""
    return Reader(min(os.cpu_count() or 1, THREADS))


def passages(text: PageText) -> list[str]:
    """Divide the text of a page into runs of about `PASSAGE` characters."""
    found: list[str] = []
    run: list[str] = []
    length = 0
    for word in text.words:
        run.append(word.text)
        length += len(word.text) + 1
        if length > PASSAGE:
            found.append(" ".join(run))
            run, length = [], 0
    return [*found, " ".join(run)] if run else found


def answer(question: Question, offers: Sequence[Offer], model: Ranker, spans: Sequence[Span] | None = None) -> Answer:
    """Return the best candidate of some pages as an answer, or that there is none.

    `spans` are what a reader points at, None where there is no reader.
    """
    read: Read | None = None
    if spans is not None:
        offers, read = with_spans(offers, spans)
    found = [one for offer in offers for one in offer.found]
    if not found:
        return Answer(text="", confidence=1.0, not_found=True, engine=ENGINE)
    fitted = fit(question, offers, read)
    best, there, chance = chosen(model, found, fitted)
    if there < (max(model.limit, STRANGE) if is_strange(fitted.subject, fitted.about) else model.limit):
        return Answer(text="", confidence=round(1 - there, 4), not_found=True, engine=ENGINE)
    return Answer(text=said(best), confidence=round(chance, 4), engine=ENGINE, evidence=evidence(best))


def chosen(model: Ranker, found: Sequence[Candidate], fitted: Fit) -> tuple[Candidate, float, float]:
    """Return the best candidate, how probable it is that there is an answer, and that it is this one.

    Without a reader the judge is not asked: it knows the ranker as it is beside one.
    """
    scores = scored(model, found, fitted)
    chances = model.probabilities(scores)
    best, chance = best_of(found, chances)
    there = 1 - float(chances[-1])
    share = min(chance / max(there, 1e-6), 1.0)
    if model.judge and fitted.numbers[0, _HAS_READER]:
        there = model.judge(judge.evidence(found, fitted, scores, chances, best))
    return found[best], there, there * share


def scored(model: Ranker, found: Sequence[Candidate], fitted: Fit) -> Scores:
    """Return float32[n], the score of each candidate.

    Where a label says all that is asked ("Due date"), what only plays a part ("date") stands back.
    """
    scores = model.scores(fitted)
    said_all = fitted.numbers[:, _SAID].max(axis=1) > 0.99
    plays = np.array([one.origin == "role" for one in found])
    if (said_all & ~plays).any():
        scores = np.where(plays & ~said_all, scores - STANDS_BACK, scores)
    return scores


def best_of(found: Sequence[Candidate], chances: Scores) -> tuple[int, float]:
    """Return which candidate has the most probable wording, over all places where it stands, and how probable."""
    by_text: dict[tuple[str, ...], float] = {}
    for one, chance in zip(found, chances, strict=False):
        by_text[tokens(one.text)] = by_text.get(tokens(one.text), 0.0) + float(chance)
    wording = max(by_text, key=lambda text: by_text[text])
    best = max((at for at, one in enumerate(found) if tokens(one.text) == wording), key=lambda at: chances[at])
    return best, min(by_text[wording], 1.0)


def said(one: Candidate) -> str:
    """Return the words of a candidate as an answer says them."""
    text = one.text.strip(" ,;:") or one.text
    return _CURRENCY.sub("", text) if "money" in one.kinds else text


def evidence(one: Candidate) -> tuple[Evidence, ...]:
    """Return what a candidate rests on."""
    boxes = tuple(Evidence(one.page, "", box) for box in one.boxes)
    return (*(Evidence(one.page, word.text, word.box) for word in one.words), *boxes)
