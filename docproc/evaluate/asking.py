"""Models asked what a dataset asks: the same images and prompts, each with as much to say as the right answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image

from docproc.engines import Generation, Limits, VisionRequest
from docproc.evaluate.examples import Scored, score
from docproc.learn.dataset import Example
from docproc.raster import PageImage
from docproc.tasks import TASKS
from docproc.tasks.pages import Model

AT_ONCE = 32
"""Examples whose images are held at a time."""
MORE = 32
"""Tokens that a model may write beyond one for each character of the right answer: who says more is cut there."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A model by its name and version, and what it made of every example, in their order."""

    name: str
    engine: str
    scored: tuple[Scored, ...]


def measure(
    name: str,
    opened: AbstractContextManager[Model],
    examples: Sequence[Example],
    *,
    done: Callable[[int], None] = lambda _: None,
) -> Measured:
    """Ask a model, open within `opened`, all examples; `done` is told how many are.

    Raises what the model does: Usage, Unavailable, EngineFailed.
    """
    scored: list[Scored] = []
    with opened as model:
        for some in _parts(examples):
            written = _ask(model, some)
            scored += [score(example, one, model.decoder) for example, one in zip(some, written, strict=True)]
            done(len(scored))
        engine = f"{model.engine.name} {model.engine.version}"
    return Measured(name, engine, tuple(scored))


def _ask(model: Model, examples: Sequence[Example]) -> list[Generation]:
    images: dict[str, PageImage] = {}
    requests = []
    for example in examples:
        image = images.setdefault(str(example.image), _image(example))
        tokens = min(TASKS[example.task].tokens, MORE + len(example.suffix))
        adapter = model.adapters.get(example.task, "")
        requests.append(VisionRequest(image, example.prefix, Limits(tokens), adapter))
    return list(model.engine.generate(requests))


def _image(example: Example) -> PageImage:
    with Image.open(example.image) as image:
        return PageImage(np.asarray(image.convert("RGB")), 72.0)


def _parts(examples: Sequence[Example]) -> Iterator[list[Example]]:
    rest = iter(examples)
    while some := list(islice(rest, AT_ONCE)):
        yield some
