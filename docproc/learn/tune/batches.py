"""Rows as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from docproc.engines.paligemma.loading import Loaded
from docproc.learn.tune.feed import opened
from docproc.learn.tune.rows import Row

LAST = "channels_last"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one forward pass, padded on the right. All int64[B, L] but `pixels`.

    `ids` are image tokens, prefix, suffix, padding; `mask` is 0 on padding; `types` is 1 on the suffix and on the
    padding after it, which attend causally, and 0 on what sees all of itself. `labels` are the next tokens where they
    are to be learnt and -100 elsewhere. `pixels` is float32[B, 3, S, S], -1 to 1, None where features are at hand.
    """

    ids: Any
    mask: Any
    types: Any
    labels: Any
    rows: Sequence[Row]
    pixels: Any = None


def collate(rows: Sequence[Row], loaded: Loaded) -> Batch:
    """Return rows as a batch without pixels."""
    width = loaded.checkpoint.image_tokens
    longest = width + max(len(row.prefix) + len(row.suffix) for row in rows)
    ids = torch.full((len(rows), longest), loaded.tokenizer.pad_token_id)
    mask, types = torch.zeros_like(ids), torch.ones_like(ids)
    labels = torch.full_like(ids, -100)
    for at, row in enumerate(rows):
        start, end = width + len(row.prefix), width + len(row.prefix) + len(row.suffix)
        ids[at, :end] = torch.tensor([loaded.image_token] * width + [*row.prefix, *row.suffix])
        mask[at, :end] = 1
        types[at, :start] = 0
        labels[at, start - 1 : end - 1] = ids[at, start:end]
    return Batch(ids, mask, types, labels, rows)


def pixels_of(rows: Sequence[Row], loaded: Loaded) -> Any:
    """Return float32[B, 3, S, S], as the engine shows pictures to the model. Raises Usage for one that is broken."""
    squeezed = [opened(row) for row in rows]
    return loaded.images(squeezed, return_tensors="pt", input_data_format=LAST).pixel_values
