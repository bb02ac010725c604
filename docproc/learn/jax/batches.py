"""Rows as arrays, padded on the right to a few lengths, so that little is compiled anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from docproc.learn.jax.weights import Weights
from docproc.learn.tune.feed import opened
from docproc.learn.tune.plan import Mean
from docproc.learn.tune.rows import Row

STEP = 32
"""Lengths are multiples of it: a training meets a handful of them."""
LAST = "channels_last"

Batch = dict[str, NDArray[Any]]
"""`pixels` float32[B, H, W, 3] from -1 to 1; `tokens` int32[B, T], prefix, suffix, padding; `prefix` int32[B], its
length; `places` int32[B, S], where among image and text a token is foretold; `targets` int32[B, S], the token;
`weights` float32[B, S], how much it counts, 0 on padding."""


def collate(rows: Sequence[Row], weights: Weights, mean: Mean, size: int, like: Sequence[Row] = ()) -> Batch:
    """Return rows as a batch of `size`, as long as `like` needs; rows that miss are blank and count nothing."""
    longest = max(len(row.prefix) + len(row.suffix) for row in (*rows, *like))
    answers = max(len(row.suffix) for row in (*rows, *like))
    width = weights.checkpoint.image_tokens
    tokens = np.zeros((size, _rounded(longest)), np.int32)
    shape = (size, _rounded(answers))
    prefix, places, targets = np.ones(size, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    counts = np.zeros(shape, np.float32)
    for at, row in enumerate(rows):
        start, end = len(row.prefix), len(row.prefix) + len(row.suffix)
        tokens[at, :end] = [*row.prefix, *row.suffix]
        prefix[at] = start
        places[at, : end - start] = np.arange(width + start - 1, width + end - 1)
        targets[at, : end - start] = row.suffix
        counts[at, : end - start] = 1 / len(row.suffix) if mean == "example" else 1
    shown = weights.images([opened(row) for row in rows], return_tensors="np", input_data_format=LAST).pixel_values
    pixels = np.zeros((size, *shown.shape[2:], 3), np.float32)
    pixels[: len(rows)] = shown.transpose(0, 2, 3, 1)
    return {
        "pixels": pixels, "tokens": tokens, "prefix": prefix, "places": places, "targets": targets, "weights": counts,
    }  # fmt: skip


def _rounded(length: int) -> int:
    return -(-length // STEP) * STEP
