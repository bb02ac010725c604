"""How far confidences can be trusted: from which on answers are mostly right, and what people said of answers.

What the ranker says is calibrated on drawn pages. Documents differ: where people have said of answers whether they
were right, a line through the log-odds (Platt 1999) is fitted to that, and holds back as long as they were few.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from docproc.findings import Answer
from docproc.qa.index import ENGINE
from docproc.qa.ranker import ranker

USUAL = 0.9
"""The precision that is meant by an answer that is `sure`."""
HELD_BACK = 5.0
"""How much it takes to turn the line: with this prior some twenty answers begin to count."""
MOST_TURNED = 3.0
_STEPS = 25
_CLIP = 1e-4


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line through log-odds: `slope` 1 and `shift` 0 leave confidences as they are."""

    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, verdicts: Iterable[tuple[float, bool]]) -> Calibration:
        """Fit to (confidence, whether it was right) of answers; none leave everything as it is."""
        known = list(verdicts)
        if not known:
            return cls()
        odds = _log_odds(np.array([confidence for confidence, _ in known]))
        right = np.array([float(one) for _, one in known])
        inputs, line = np.stack([odds, np.ones_like(odds)], axis=1), np.array([1.0, 0.0])
        for _ in range(_STEPS):  # Newton: the loss is convex
            chance = 1 / (1 + np.exp(-(inputs @ line)))
            slope = inputs.T @ (chance - right) + HELD_BACK * (line - (1.0, 0.0))
            bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + HELD_BACK * np.eye(2)
            line = np.clip(line - np.linalg.solve(bend, slope), -MOST_TURNED, MOST_TURNED)
        return cls(max(float(line[0]), 0.0), float(line[1]))

    def __call__(self, confidence: float) -> float:
        """Return a confidence, 0-1, as it is after calibration."""
        odds = self.slope * float(_log_odds(np.array(confidence))) + self.shift
        return confidence if self == Calibration() else round(float(1 / (1 + np.exp(-odds))), 4)

    def of_answer(self, answer: Answer) -> Answer:
        """Return an answer of our own with its confidence calibrated; what other engines say stays."""
        if answer.engine != ENGINE or answer.confidence is None or answer.not_found:
            return answer
        return replace(answer, confidence=self(answer.confidence))


def least_confidence(precision: float) -> float:
    """Return the confidence from which on the share `precision` of the answers on held-out drawn pages was right.

    0 for a precision of 0; above 1 where no confidence is enough.
    """
    if precision <= 0:
        return 0.0
    told = ranker().told
    best = told[np.argsort(-told[:, 0], kind="stable")]
    share = np.cumsum(best[:, 1]) / np.arange(1, len(best) + 1)
    enough = np.flatnonzero(share >= precision)
    return float(best[enough[-1], 0]) if len(enough) else 1.01


def is_sure(answer: Answer, precision: float = USUAL) -> bool:
    """Say whether answers as confident as this one are right in the share `precision`; "not found" is never sure."""
    known = answer.engine == ENGINE and answer.confidence is not None and not answer.not_found
    return known and (answer.confidence or 0.0) >= least_confidence(precision)


def only_sure(answer: Answer, precision: float) -> Answer:
    """Return an answer of our own as "not found" where it is not sure enough; 0 lets everything through."""
    if precision <= 0 or answer.engine != ENGINE or answer.not_found or is_sure(answer, precision):
        return answer
    return Answer(text="", confidence=round(1 - (answer.confidence or 0.0), 4), not_found=True, engine=ENGINE)


def _log_odds(confidence: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    kept = np.clip(confidence, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)
