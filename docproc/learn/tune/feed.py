"""What a training is fed with, in whatever framework: examples in an order that the seed alone tells; pictures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from random import Random
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from docproc.errors import Usage
from docproc.learn.tune.rows import Row

T = TypeVar("T")


def order(count: int, seed: int, start: int) -> Iterator[int]:
    """Yield numbers of examples without end, from the one at position `start`: each epoch in an order of its own."""
    epoch, at = divmod(start, count)
    while True:
        numbers = list(range(count))
        Random(f"{seed}/{epoch}").shuffle(numbers)  # noqa: S311  (an order, not a secret)
        yield from numbers[at:]
        epoch, at = epoch + 1, 0


def opened(row: Row) -> Any:
    """Return the picture of a row in RGB. Raises Usage for one that is broken."""
    try:
        with Image.open(row.image) as picture:
            return Image.fromarray(np.asarray(picture.convert("RGB")))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise Usage(
            f"{row.image} is no picture that can be read: {error}.",
            hint="Export the dataset again, or leave its examples out.",
            code="bad-dataset",
        ) from error


def ahead(values: Iterator[T]) -> Iterator[T]:
    """Yield the same values; while one is used the next is made, in another thread."""
    with ThreadPoolExecutor(1) as thread:
        waiting: Future[T | None] = thread.submit(next, values, None)
        while (value := waiting.result()) is not None:
            waiting = thread.submit(next, values, None)
            yield value
