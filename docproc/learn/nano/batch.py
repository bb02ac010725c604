"""Examples that are learnt together, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.learn.nano import lines, tokens

ROUND = 16
"""Answers are padded to a multiple of so many tokens, so that there are few shapes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of one prompt. `tokens` int64[B, T] are <bos>, the prompt and newline (`prefix` of them) and answers.

    `pixels` uint8[B, side, side]. `hints` int16[B, patches, SLOTS + 1] tell what stands in each patch, and `places`
    int16[B, N] where each character of the answers stands (-1 after them), as in `lines.Labels`; None for pictures
    of pages, whose `things` int64[B, patches] are what lies on each patch, 1 for the first class, 0 for nothing.
    """

    task: str
    pixels: NDArray[np.uint8]
    tokens: NDArray[np.int64]
    prefix: int
    hints: NDArray[np.int16] | None = None
    places: NDArray[np.int16] | None = None
    things: NDArray[np.int64] | None = None


def assemble(
    task: str, prompt: str, pixels: list[Any], answers: list[str], labels: list[lines.Labels] | None = None
) -> Batch:
    """Return a batch of examples that share a prompt."""
    prefix = [tokens.BOS, *tokens.encode(prompt + "\n")]
    rows = [[*tokens.encode(answer), tokens.EOS] for answer in answers]
    length = -(-(len(prefix) + max(map(len, rows))) // ROUND) * ROUND
    ids = np.full((len(rows), length), tokens.PAD, np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(prefix) + len(row)] = [*prefix, *row]
    if labels is None:
        return Batch(task, np.stack(pixels), ids, len(prefix))
    places = np.full((len(rows), length - len(prefix)), -1, np.int16)
    for at, label in enumerate(labels):
        places[at, : len(label.places)] = label.places
    return Batch(task, np.stack(pixels), ids, len(prefix), np.stack([label.patches for label in labels]), places)
