"""Rows as tensors, and the order in which a training sees them, which the seed alone tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image

from docproc.engines.paligemma.loading import Loaded
from docproc.errors import Usage
from docproc.learn.tune.rows import Row

LAST = "channels_last"
T = TypeVar("T")


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


def order(count: int, seed: int, start: int) -> Iterator[int]:
    """Yield numbers of examples without end, from the one at position `start`: each epoch in an order of its own."""
    epoch, at = divmod(start, count)
    while True:
        numbers = list(range(count))
        Random(f"{seed}/{epoch}").shuffle(numbers)  # noqa: S311  (an order, not a secret)
        yield from numbers[at:]
        epoch, at = epoch + 1, 0


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
    squeezed = []
    for row in rows:
        try:
            with Image.open(row.image) as picture:
                squeezed.append(Image.fromarray(np.asarray(picture.convert("RGB"))))
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise Usage(
                f"{row.image} is no picture that can be read: {error}.",
                hint="Export the dataset again, or leave its examples out.",
                code="bad-dataset",
            ) from error
    return loaded.images(squeezed, return_tensors="pt", input_data_format=LAST).pixel_values


def ahead(values: Iterator[T]) -> Iterator[T]:
    """Yield the same values; while one is used the next is made, in another thread."""
    with ThreadPoolExecutor(1) as thread:
        waiting: Future[T | None] = thread.submit(next, values, None)
        while (value := waiting.result()) is not None:
            waiting = thread.submit(next, values, None)
            yield value
