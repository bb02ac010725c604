"""Grows the judge of answers on drawn pages: `docproc finetune judge`.

Pages with layouts and wordings that the ranker never saw, their questions, and others about what no page of the kind
speaks of (`docproc.synth.questions.others`). Each question gives one row, `docproc.qa.judge.evidence`, and whether it
has an answer. How far the trees can be trusted is measured on kinds of documents that they were not grown on: the
rows of each kind are judged by trees of all other kinds, and these set the limit and what is `told` of confidences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.document import Page
from docproc.learn.ranker import LEAST, asked_about, figures, is_right, limit_of
from docproc.qa.index import best_of, said, scored, shared_reader
from docproc.qa.judge import Judge, evidence
from docproc.qa.ranker import WEIGHTS, Ranker
from docproc.synth.asked import Asked
from docproc.synth.questions import SOURCES, questioned_pages
from docproc.synth.questions.others import KIND, about_others

TREES, DEPTH, RATE = 400, 5, 0.03
ROWS, COLUMNS, LEAF = 0.6, 0.1, 15
"""Share of the rows a tree is grown on, share of the columns a split chooses from, rows of a leaf at least."""
OTHERS, WEIGHT = 3, 0.35
"""Questions about other things on each page, and how much each counts beside those that the page is drawn with."""

Questioned = Iterator[tuple[Page, tuple[Asked, ...]]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the best answer to it, and what the judge is told; `share`: of this wording among all, 0-1."""

    asked: Asked
    text: str
    share: float
    evidence: NDArray[np.float32]
    document: str

    @property
    def other(self) -> bool:
        """Whether it is about what no page of the kind speaks of."""
        return self.asked.kind == KIND


def train(model: Ranker, output: Path = WEIGHTS, *, pages: int, seed: int, jobs: int = 2) -> dict[str, float]:
    """Grow a judge for a ranker, write both, and return the figures over the questions of the drawn pages."""
    cases = _cases(model, pages, seed, jobs)
    there = np.zeros(len(cases))
    for kind in sorted({case.document for case in cases}):
        grown = grow([case for case in cases if case.document != kind], seed)
        for at, case in enumerate(cases):
            if case.document == kind:
                there[at] = grown(case.evidence)
    limit = limit_of([one for case, one in zip(cases, there, strict=True) if case.asked.answers])
    shown = [
        (case, case.text if one >= limit else "", one * case.share) for case, one in zip(cases, there, strict=True)
    ]
    told = [(chance, is_right(case.asked, text)) for case, text, chance in shown if text and chance >= LEAST]
    judged = replace(model, judge=grow(cases, seed), limit=limit, told=np.array(told, np.float32).reshape(-1, 2))
    judged.save(output)
    own = [(case.asked, text) for case, text, _ in shown if not case.other]
    others = [not text for case, text, _ in shown if case.other]
    return figures(own) | {"others found absent": float(np.mean(others)) if others else 0.0}


def grow(cases: Sequence[Case], seed: int) -> Judge:
    """Return trees grown on cases; needs scikit-learn."""
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415  (the extra `learn`)

    boosted = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, subsample=ROWS, max_features=COLUMNS,
        min_samples_leaf=LEAF, random_state=seed,
    )  # fmt: skip
    rows = np.stack([case.evidence for case in cases])
    answers = np.array([bool(case.asked.answers) for case in cases])
    boosted.fit(rows, answers, sample_weight=[WEIGHT if case.other else 1.0 for case in cases])
    share = float(boosted.init_.class_prior_[1])
    trees = [_complete(one[0].tree_) for one in boosted.estimators_]
    columns, steps, leaves = (np.stack(parts) for parts in zip(*trees, strict=True))
    return Judge(columns, steps, np.float32(RATE) * leaves, float(np.log(share / (1 - share))))


def _complete(tree: Any) -> tuple[NDArray[np.int16], NDArray[np.float32], NDArray[np.float32]]:
    """Return a tree of scikit-learn with all its levels: under a leaf that comes early, everything is that leaf."""
    inner = 2**DEPTH - 1
    columns, steps = np.zeros(inner, np.int16), np.zeros(inner, np.float32)
    leaves = np.zeros(inner + 1, np.float32)
    places = [(0, 0)]
    for node, at in places:
        left, right = tree.children_left[at], tree.children_right[at]
        if node >= inner:
            leaves[node - inner] = tree.value[at].item()
            continue
        if left >= 0:
            columns[node], steps[node] = tree.feature[at], _not_above(tree.threshold[at])
        places += [(2 * node + 1, at if left < 0 else left), (2 * node + 2, at if left < 0 else right)]
    return columns, steps, leaves


def _not_above(step: float) -> np.float32:
    """Return the greatest number of half the digits that is not above a step: rows have no more digits either."""
    rounded = np.float32(step)
    return rounded if rounded <= step else np.nextafter(rounded, np.float32(-np.inf))


def _cases(model: Ranker, pages: int, seed: int, jobs: int) -> list[Case]:
    total = sum(source.share for source in SOURCES.values())
    counts = [max(round(pages * source.share / total), 1) for source in SOURCES.values()]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        parts = pool.map(_cases_of, SOURCES, counts, repeat(model), repeat(seed))
        return [case for part in parts for case in part]


def _cases_of(kind: str, count: int, model: Ranker, seed: int) -> list[Case]:
    """Return the cases of `count` pages of a kind."""
    drawn = _with_others(questioned_pages(seed, count, [kind], split="test"), f"{kind}/{seed}")
    made = []
    for one, found, fitted, _ in asked_about(drawn, count, shared_reader()):
        if found:
            scores = scored(model, found, fitted)
            chances = model.probabilities(scores)
            best, chance = best_of(found, chances)
            share = min(chance / max(1 - float(chances[-1]), 1e-6), 1.0)
            row = evidence(found, fitted, scores, chances, best)
            made.append(Case(one, said(found[best]), share, row, kind))
    return made


def _with_others(drawn: Questioned, seed: str) -> Questioned:
    for number, (page, asked) in enumerate(drawn):
        random = Random(f"others/{seed}/{number}")  # noqa: S311  (a drawing, not a secret)
        yield page, (*asked, *about_others(page, asked, random, "test", OTHERS))
