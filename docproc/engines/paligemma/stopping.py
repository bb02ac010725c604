"""When a generation ends before its model says so, and how sure the model was of what it wrote."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

import torch
from transformers import LogitsProcessor, StoppingCriteria

from docproc.engines import Limits
from docproc.engines.paligemma.repeats import LOOK_EVERY, loops

Reason = Literal["tokens", "time", "repetition", "cancelled"]


class Stops(StoppingCriteria):  # type: ignore[misc]
    """Stops each row of a batch at its own limits; `ends` tells after how many tokens and why."""

    def __init__(self, limits: Sequence[Limits], prompt: int) -> None:
        self._limits = limits
        self._prompt = prompt
        self._began = time.monotonic()
        self.ends: dict[int, tuple[int, Reason]] = {}

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Return for each row whether it is over."""
        written = input_ids.shape[1] - self._prompt
        passed = time.monotonic() - self._began
        for row, limit in enumerate(self._limits):
            if written >= limit.tokens:
                self.ends.setdefault(row, (limit.tokens, "tokens"))
            elif limit.seconds is not None and passed >= limit.seconds:
                self.ends.setdefault(row, (written, "time"))
            elif limit.cancelled is not None and limit.cancelled():
                self.ends.setdefault(row, (written, "cancelled"))
        if written % LOOK_EVERY == 0:
            for row, length in loops(input_ids[:, self._prompt :].cpu()).items():
                self.ends.setdefault(row, (length, "repetition"))
        over = [row in self.ends for row in range(len(self._limits))]
        return torch.tensor(over, device=input_ids.device)


class Certainty(LogitsProcessor):  # type: ignore[misc]
    """Keeps the probability of the likeliest token of each step: the one that greedy decoding takes.

    The logits themselves would be a quarter of a million numbers per token.
    """

    def __init__(self) -> None:
        self._steps: list[Any] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return `scores` as they are."""
        self._steps.append(torch.exp(scores.max(-1).values - scores.logsumexp(-1)))
        return scores

    def rows(self) -> list[list[float]]:
        """Return the probabilities, 0-1, of each row."""
        found: list[list[float]] = torch.stack(self._steps, 1).clamp(0.0, 1.0).tolist()
        return found
