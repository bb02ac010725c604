"""Examples that are learnt together, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.learn.nano import tokens

ROUND = 8
"""Texts are padded to a multiple of so many tokens, so that there are few shapes."""
NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt, the right answer, and for each token of the answer the patch where it stands, or NOWHERE."""

    prompt: str
    answer: str
    places: Sequence[int] = field(default=())


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures with as many prompts each, or none, those of the first picture first.

    `pixels` uint8[P, side, side]. `tokens` int64[B, T] are <bos>, the prompt and newline (`prefix` int64[B] of them)
    and the answer; `places` int16[B, T] the patch where each token of the answer stands, or NOWHERE. `hints`
    int16[P, patches, SLOTS + 1] tell what stands in each patch of a line, as in `lines.Labels`; pictures of pages
    have instead `things` int64[P, patches], what lies on each patch (1 for the first class, 0 for nothing), and
    `boxes` float32[P, patches, 4], the edges of that.
    """

    task: str
    pixels: NDArray[np.uint8]
    tokens: NDArray[np.int64]
    prefix: NDArray[np.int64]
    places: NDArray[np.int16]
    hints: NDArray[np.int16] | None = None
    things: NDArray[np.int64] | None = None
    boxes: NDArray[np.float32] | None = None


def assemble(task: str, pixels: list[Any], asked: Sequence[Asked], **known: Any) -> Batch:
    """Return a batch of pictures with equally many prompts each, or none; `known` are the arrays that it may have."""
    before = [[tokens.BOS, *tokens.encode(one.prompt + "\n")] for one in asked]
    after = [[*tokens.encode(one.answer), tokens.EOS] for one in asked]
    length = max((len(prefix) + len(row) for prefix, row in zip(before, after, strict=True)), default=0)
    ids = np.full((len(asked), -(-length // ROUND) * ROUND), tokens.PAD, np.int64)
    places = np.full(ids.shape, NOWHERE, np.int16)
    for at, (prefix, row, one) in enumerate(zip(before, after, asked, strict=True)):
        ids[at, : len(prefix) + len(row)] = [*prefix, *row]
        told = one.places[: len(row)]
        places[at, len(prefix) : len(prefix) + len(told)] = told
    return Batch(task, np.stack(pixels), ids, np.array([*map(len, before)], np.int64), places, **known)
