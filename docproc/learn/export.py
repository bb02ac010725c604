"""Datasets made from several sources at once, in parallel, and what is written about them beside them."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2

from docproc.learn import dataset, from_synth
from docproc.learn.dataset import IMAGES, SPLITS, Example
from docproc.learn.from_synth import Order
from docproc.learn.splits import split_of

ABOUT = "dataset.json"
"""What a dataset was made from, beside its splits."""
FEW = 8
"""Documents up to which starting other processes takes longer than drawing them."""


def drawn(orders: Sequence[Order], folder: Path, jobs: int) -> Iterator[list[Example]]:
    """Draw documents in `jobs` processes; yield the examples of each, in order, with images in `folder`."""
    draw = partial(from_synth.examples, folder=folder)
    if jobs < 2 or len(orders) <= FEW:
        yield from map(draw, orders)
        return
    # spawned, as a process that has loaded OpenCV and others with threads is not forked safely
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_alone) as pool:
        yield from pool.map(draw, orders, chunksize=4)


def finish(folder: Path, examples: Iterable[Example], about: dict[str, Any]) -> dict[str, Any]:
    """Write the splits of `folder` anew, remove images that are in none, and return what `dataset.json` says.

    That is `about`, which tells where the examples come from, with the counts and the digest.
    """
    parts: dict[str, list[Example]] = {split: [] for split in SPLITS}
    for example in examples:
        parts[split_of(example.document)].append(example)
    dataset.write(folder, parts)
    _remove_unused(folder, parts)
    told = {
        "docproc": version("docproc"),
        **about,
        "documents": {split: len({one.document for one in some}) for split, some in parts.items()},
        "examples": {split: dict(sorted(Counter(one.task for one in some).items())) for split, some in parts.items()},
        "digest": dataset.digest(folder),
    }
    (folder / ABOUT).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return told


def watched(source: Iterable[list[Example]], step: Callable[[], object]) -> Iterator[Example]:
    """Yield the examples of documents, calling `step` after each document."""
    for some in source:
        yield from some
        step()


def _remove_unused(folder: Path, parts: dict[str, list[Example]]) -> None:
    """Remove images of ours that no example shows: a document that is gone leaves a dataset that is made again."""
    shown = {path.name for some in parts.values() for one in some for path in (one.image, one.masks) if path}
    for path in (folder / IMAGES).iterdir():
        if path.name not in shown and re.fullmatch(r"[0-9a-f]{24}\.png", path.name):
            path.unlink()


def _alone() -> None:
    """Let each process use one core: there are as many processes as cores."""
    cv2.setNumThreads(1)
