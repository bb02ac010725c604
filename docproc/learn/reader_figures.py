"""How right a reader is: ANLS of what has an answer, and how well it tells what has none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from docproc.document import Page
from docproc.engines.reader import Reader
from docproc.evaluate.answers import anls
from docproc.synth.asked import Asked

LOST = 0.1
"""Share of answerable questions that may be given up to find out those without an answer."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`anls` of questions that have an answer, 0-1, by the likeliest span whatever its margin; `kinds` by kind.

    `not_found`: the share of questions without an answer whose best margin is below `limit`, which `LOST` of the
    questions with one are below too.
    """

    questions: int
    anls: float
    not_found: float
    limit: float
    kinds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} {score:.3f}" for kind, score in sorted(self.kinds.items()))
        return (
            f"ANLS {self.anls:.3f} of {self.questions} questions; not found {self.not_found:.3f} of those without an "
            f"answer, {LOST:.0%} of the others lost (margin {self.limit:.2f}); {kinds}"
        )


def measure(reader: Reader, asked: Iterable[tuple[Page, Sequence[Asked]]]) -> Figures:
    """Put all questions to a reader and return how right it was."""
    scores: dict[str, list[float]] = defaultdict(list)
    right, wrong = list[float](), list[float]()
    for page, questions in asked:
        found = reader.read([one.question for one in questions], [page]) if questions else []
        for one, spans in zip(questions, found, strict=True):
            if one.answers and one.answers[0].casefold() in {"yes", "no"} and one.kind == "check":
                continue  # whether a box is ticked is no word
            margin = spans[0].margin if spans else -np.inf
            if not one.answers:
                wrong.append(margin)
                continue
            right.append(margin)
            scores[one.kind].append(anls(spans[0].text if spans else "", one.answers))
    limit = float(np.quantile(right, LOST, method="lower")) if right else 0.0
    return Figures(
        questions=len(right),
        anls=fmean(score for some in scores.values() for score in some) if right else 0.0,
        not_found=fmean(margin < limit for margin in wrong) if wrong else 0.0,
        limit=limit,
        kinds={kind: fmean(some) for kind, some in scores.items()},
    )
