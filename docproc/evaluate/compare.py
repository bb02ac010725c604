"""Two models on the same examples: their figures, by how much they differ, and how sure that is.

How sure is told by a paired bootstrap: documents, not examples, are drawn with replacement, because the examples of
one document have its print and its scan in common; both models are scored on the same draw (Efron and Tibshirani
1993; for such tests Berg-Kirkpatrick et al. 2012).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from docproc.evaluate.examples import FIGURES, Scored
from docproc.evaluate.layout import RECALLS

DRAWS = 2000
SURE = 95.0
"""Percent of the draws that an interval holds."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a task on documents of a `kind` ("" is all): of one model, and of another beside it.

    `difference` is second - first; `low` and `high` bound the interval of `SURE` percent, and are None when fewer
    than two documents leave nothing to draw from.
    """

    task: str
    kind: str
    figure: str
    examples: int
    documents: int
    first: float
    second: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def gain(self) -> tuple[float, float | None, float | None]:
        """By how much the second is better, and the interval of that: positive is better, whatever the figure."""
        if self.difference is None:
            return 0.0, None, None
        if FIGURES[self.figure].lower_is_better:
            turned = [None if one is None else -one for one in (self.high, self.low)]
            return -self.difference, turned[0], turned[1]
        return self.difference, self.low, self.high


def compare(first: Sequence[Scored], second: Sequence[Scored] | None = None) -> list[Row]:
    """Return the figures of one model, or of two on the same examples, by task: of all documents, then by kind."""
    rows: list[Row] = []
    for task in dict.fromkeys(one.example.task for one in first):
        chosen = [at for at, one in enumerate(first) if one.example.task == task]
        kinds = sorted({first[at].example.kind for at in chosen} - {""})
        for kind in ("", *(kinds if len(kinds) > 1 else ())):
            places = [at for at in chosen if not kind or first[at].example.kind == kind]
            pair = [first[at] for at in places], [second[at] for at in places] if second else None
            rows.extend(_rows(task, kind, *pair))
    return rows


def changed(first: Sequence[Scored], second: Sequence[Scored]) -> list[tuple[float, Scored, Scored]]:
    """Return the examples on which the two differ as (gain, first, second), what got worst first."""
    pairs = [(b.goodness - a.goodness, a, b) for a, b in zip(first, second, strict=True)]
    return sorted((one for one in pairs if one[0]), key=lambda one: one[0])


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return rows as JSON values."""
    return [asdict(row) for row in rows]


def _rows(task: str, kind: str, first: Sequence[Scored], second: Sequence[Scored] | None) -> Iterator[Row]:
    documents = {one.example.document: None for one in first}
    for figure in _figures_of(first):
        made = _Figure(figure, first)
        ones = np.ones((1, len(first)))
        one = float(made.over(ones)[0])
        if second is None:
            yield Row(task, kind, figure, len(first), len(documents), one)
            continue
        other = _Figure(figure, second)
        two = float(other.over(ones)[0])
        low = high = None
        if len(documents) > 1:
            drawn = _draws([example.example.document for example in first])
            differences = other.over(drawn) - made.over(drawn)
            low, high = (float(side) for side in np.percentile(differences, [50 - SURE / 2, 50 + SURE / 2]))
        yield Row(task, kind, figure, len(first), len(documents), one, two, two - one, low, high)


def _figures_of(scored: Sequence[Scored]) -> list[str]:
    task = scored[0].example.task
    return ["map50"] if task == "detect" else [name for name in FIGURES if name in scored[0].shares]


def _draws(documents: Sequence[str]) -> Floats:
    """Return float[DRAWS, N]: how often each example counts in each draw of documents. Always the same draws."""
    names = {name: at for at, name in enumerate(dict.fromkeys(documents))}
    counts = np.random.default_rng(0).multinomial(len(names), [1 / len(names)] * len(names), size=DRAWS)
    return counts[:, [names[one] for one in documents]].astype(np.float64)


class _Figure:
    """A figure of a model that can be made of any weights of its examples."""

    def __init__(self, name: str, scored: Sequence[Scored]) -> None:
        self._name, self._scored = name, scored

    def over(self, weights: Floats) -> Floats:
        """Return float[R] for weights float[R, N]."""
        if self._name == "map50":
            return self._mean_precision(weights)
        shares = np.array([one.shares[self._name] for one in self._scored], np.float64)
        below: Floats = weights @ shares[:, 1]
        found: Floats = (weights @ shares[:, 0]) / np.maximum(below, 1e-9)
        return found

    def _mean_precision(self, weights: Floats) -> Floats:
        """Return the mean, over the labels that a draw has, of their average precision."""
        labels = sorted({label for one in self._scored for label in one.there})
        total, present = np.zeros(len(weights)), np.zeros(len(weights))
        for label in labels:
            true = weights @ np.array([one.there.get(label, 0) for one in self._scored], np.float64)
            precision = self._precision(label, weights, true)
            total += np.where(true > 0, precision, 0.0)
            present += true > 0
        if not labels:  # there is nothing to find: right is who draws nothing
            drew = np.array([float(not one.found) for one in self._scored])
            clean: Floats = (weights @ drew) / np.maximum(weights.sum(1), 1e-9)
            return clean
        mean: Floats = total / np.maximum(present, 1)
        return mean

    def _precision(self, label: str, weights: Floats, true: Floats) -> Floats:
        drawn = [(found, at) for at, one in enumerate(self._scored) for found in one.found.get(label, ())]
        if not drawn:
            return np.zeros(len(weights))
        drawn.sort(key=lambda one: -one[0].score)
        counted = weights[:, [at for _, at in drawn]]
        right = np.cumsum(counted * [float(found.right) for found, _ in drawn], 1)
        precision = right / np.maximum(np.cumsum(counted, 1), 1e-9)
        envelope = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
        recall = right / np.maximum(true, 1e-9)[:, None]
        found: list[float] = []
        for reached, best in zip(recall, envelope, strict=True):
            places = np.searchsorted(reached, RECALLS - 1e-9, side="left")
            found.append(float(np.append(best, 0.0)[places].mean()))
        return np.array(found)
