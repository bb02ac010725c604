"""The judge: how probable it is that there is an answer at all, given the best of the candidates.

The ranker chooses, and trusts itself too much on documents that are new to it. The judge looks at its choice from
outside: how clear it was, whether the reader agrees, what labels the candidate, and which words of the question
neither these nor the pages say. It is a sum of small decision trees (gradient boosting, Friedman 2001), which
`docproc.learn.judge` grows on pages with wordings that the ranker never saw; here they are walked in NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.qa import features
from docproc.qa.candidates import Candidate
from docproc.qa.features import Fit
from docproc.qa.subject import ABOUT, OWN
from docproc.qa.text import tokens

_CHOICE = (
    "there", "share", "chance", "score", "top score", "ahead",
    "read", "read here", "reader agrees", "reader overlaps", "read ahead",
)  # fmt: skip
_MOST = (
    "key said", "left said", "above said", "column said", "row said", "line said", "region said", "key field",
    "left field", "above field", "column field", "row field", "key meaning", "left meaning", "above meaning",
    "row meaning", "line meaning", "own meaning", "said near", "said in sentence", "said around", "match",
    "key whole", "left whole", "region meaning", "heading meaning",
)  # fmt: skip
_LEFT_OUT = {"x", "y", "place", "page", "has reader"}
_BEST = tuple(name for name in features.NAMES if name not in _LEFT_OUT and not name.startswith("wants "))
NAMES = (*_CHOICE, *(f"best {name}" for name in _BEST), *(f"most {name}" for name in _MOST), *ABOUT, *OWN)
"""What the judge is told: of the choice, of the best candidate, of the most of any, of the pages, of its labels.
What a question wants, and where on a page things stand, is left out: that would be learned by heart."""
_BEST_AT = [features.NAMES.index(name) for name in _BEST]
_MOST_AT = [features.NAMES.index(name) for name in _MOST]
_READER, _NULL = features.NAMES.index("reader"), features.NAMES.index("reader null")
UNREAD = -12.0
"""The margin of what the reader does not point at."""

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Judge:
    """Complete binary trees of depth d: a row that is not above `steps[t, node]` in `columns[t, node]` goes left.

    `columns` int16 and `steps` float32 are [trees, 2**d - 1], level by level; `leaves` float32[trees, 2**d] are
    log-odds that add up, beginning with `start`.
    """

    columns: NDArray[np.int16]
    steps: Numbers
    leaves: Numbers
    start: float

    def __call__(self, evidence: Numbers) -> float:
        """Return the probability, 0-1, that there is an answer."""
        trees = np.arange(len(self.columns))
        node = np.zeros(len(trees), np.int64)
        inner = self.columns.shape[1]
        while node[0] < inner:
            node = 2 * node + 1 + (evidence[self.columns[trees, node]] > self.steps[trees, node])
        odds = self.start + float(self.leaves[trees, node - inner].sum())
        return float(1 / (1 + np.exp(-odds)))

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what is kept in a file; `from_arrays` takes it back."""
        return {
            "judge_columns": self.columns, "judge_steps": self.steps, "judge_leaves": self.leaves,
            "judge_start": np.array(self.start, np.float32), "judge_names": np.array(NAMES),
        }  # fmt: skip


def from_arrays(kept: Mapping[str, NDArray[Any]]) -> Judge | None:
    """Return the judge of a file; None where there is none, or one that was told other things."""
    if "judge_names" not in kept or tuple(kept["judge_names"].tolist()) != NAMES:
        return None
    return Judge(
        np.asarray(kept["judge_columns"], np.int16),
        np.asarray(kept["judge_steps"], np.float32),
        np.asarray(kept["judge_leaves"], np.float32),
        float(kept["judge_start"]),
    )


def evidence(found: Sequence[Candidate], fitted: Fit, scores: Numbers, chances: Numbers, best: int) -> Numbers:
    """Return float32[len(NAMES)] for the choice of candidate number `best`.

    `scores` float32[n] are the ranker's, `chances` float32[n + 1] what its softmax makes of them, "none" last.
    """
    wording = tokens(found[best].text)
    same = np.array([tokens(one.text) == wording for one in found])
    there, chance = 1 - float(chances[-1]), float(chances[:-1][same].sum())
    others = scores[~same]
    numbers = fitted.numbers
    margins = -4 * numbers[0, _NULL] + np.where(numbers[:, _READER] > -3, 4 * numbers[:, _READER], UNREAD)
    first = int(margins.argmax())
    second = float(np.partition(margins, -2)[-2]) if len(margins) > 1 else UNREAD
    mine, pointed = ({word.id for word in found[at].words} for at in (best, first))
    choice = (
        _odds(there), chance / max(there, 1e-6), _odds(chance), scores[best], scores.max(),
        scores[best] - others.max(initial=-20.0), margins[first], margins[best], best == first,
        len(mine & pointed) / max(len(mine | pointed), 1), min(margins[first] - second, 10.0),
    )  # fmt: skip
    own = fitted.subject.on_candidate(found[best], fitted.labels[best])
    most = numbers[:, _MOST_AT].max(axis=0)
    return np.concatenate([np.array(choice), numbers[best, _BEST_AT], most, fitted.about, own]).astype(np.float32)


def _odds(chance: float) -> float:
    kept = min(max(chance, 1e-4), 1 - 1e-4)
    return float(np.log(kept / (1 - kept)))
