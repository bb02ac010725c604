"""The ranker: candidates and a question to probabilities, "none of them" among these.

A learned likeness (question and label vectors, each projected) joins the numbers of `docproc.qa.features`; a layer
of ReLUs makes one score of them. "Not found" has score 0, so a softmax over all gives each its probability.
`docproc.learn.ranker` trains it; here it runs in NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.errors import Unavailable
from docproc.qa.features import NAMES, Fit
from docproc.qa.judge import Judge, from_arrays

WEIGHTS = Path(__file__).parent / "ranker.npz"
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Ranker:
    """`names` are the columns it was trained on, some or all of them.

    `limit` is the least probability of there being an answer.
    """

    names: tuple[str, ...]
    mean: Scores
    scale: Scores
    asked: Scores
    """float32[384, k], the projection of questions."""
    label: Scores
    """float32[384, k], the projection of labels."""
    hidden: Scores
    hidden_bias: Scores
    out: Scores
    out_bias: float
    limit: float
    temperature: float
    judge: Judge | None = None
    """Says whether there is an answer; None: what the softmax leaves to "none" is taken as it is."""
    told: Scores = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    """float32[n, 2]: confidence of answers given on held-out pages, and 1 where one was right, else 0."""

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Ranker:
        """Read the weights. Raises Unavailable when the file is missing or of another version."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                values = {name: kept[name] for name in kept.files}
        except (OSError, ValueError) as error:
            raise Unavailable(
                "The ranker of answers cannot be read.", hint="Install docproc again.", code="no-ranker"
            ) from error
        names = tuple(values.pop("names").tolist())
        judge = from_arrays({name: values.pop(name) for name in list(values) if name.startswith("judge")})
        needed = set(cls.__dataclass_fields__) - {"names", "judge", "told"}
        if not set(names) <= set(NAMES) or not needed <= set(values):
            raise Unavailable(
                "The ranker of answers is of another version.", hint="docproc finetune ranker", code="no-ranker"
            )
        arrays: dict[str, Any] = {name: np.asarray(value, np.float32) for name, value in values.items()}
        arrays |= {name: float(arrays[name]) for name in ("out_bias", "limit", "temperature")}
        return cls(names=names, judge=judge, **arrays)

    def save(self, path: Path) -> None:
        """Write the weights, matrices in half precision."""
        values: dict[str, Any] = {name: getattr(self, name) for name in type(self).__dataclass_fields__}
        judge = values.pop("judge")
        values |= {"limit": np.float32(self.limit), "names": np.array(self.names)}
        stored: dict[str, Any] = {
            name: value.astype(np.float16) if isinstance(value, np.ndarray) and value.ndim == 2 else value
            for name, value in values.items()
        }
        np.savez_compressed(path, **stored, **(judge.arrays() if judge else {}))

    def scores(self, fit: Fit) -> Scores:
        """Return float32[n]: scores, of which 0 means as likely as nothing."""
        alike = learned_likeness(fit.question @ self.asked, fit.labels @ self.label)
        numbers = fit.numbers if self.names == NAMES else fit.numbers[:, [NAMES.index(name) for name in self.names]]
        inputs = np.concatenate([(numbers - self.mean) / self.scale, alike], axis=1)
        hidden = np.maximum(inputs @ self.hidden + self.hidden_bias, 0)
        return np.asarray(hidden @ self.out + self.out_bias, np.float32)

    def probabilities(self, scores: Scores) -> Scores:
        """Return float32[n + 1]: of each candidate, and last of none of them."""
        all_scores = np.append(scores, np.float32(0)) / self.temperature
        powers = np.exp(all_scores - all_scores.max())
        return np.asarray(powers / powers.sum(), np.float32)


def learned_likeness(asked: Scores, labels: Scores) -> Scores:
    """Return float32[n, slots]: 3 x the cosines of a projected question [k] and labels [n, slots, k]."""
    length = np.linalg.norm(labels, axis=-1) * np.linalg.norm(asked)
    return np.asarray(3 * (labels @ asked) / np.maximum(length, 1e-6), np.float32)


@cache
def ranker() -> Ranker:
    """Return the ranker that ships with docproc, loaded once."""
    return Ranker.load()
