"""Batches of examples, drawn ahead of the training by processes of their own.

A batch depends on the seed, its number and how far the tasks are alone, so that a run that is continued sees the
same ones.
"""

from __future__ import annotations

import multiprocessing
import signal
from typing import Any

import cv2

from docproc.learn.nano.batch import Batch
from docproc.learn.nano.curriculum import Standings
from docproc.learn.nano.drawing import Drawing
from docproc.learn.nano.recipe import Recipe

AHEAD = 6
"""Batches drawn ahead: their levels are those of so many steps before."""


class Feed:
    """Gives batches in order while further ones are drawn; `close` it."""

    def __init__(self, recipe: Recipe) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = context.Pool(recipe.workers, _start, (recipe,))
        self._waiting: list[tuple[int, Standings, Any]] = []

    def ask(self, number: int, far: Standings) -> None:
        """Have one more step's batches drawn."""
        self._waiting.append((number, far, self._pool.apply_async(_draw, (number, far))))

    def take(self) -> list[Batch]:
        """Return the batches asked for first."""
        made: list[Batch] = self._waiting.pop(0)[2].get(timeout=600)
        return made

    @property
    def asked(self) -> list[tuple[int, Standings]]:
        """Which batches are being drawn, by number and how far the tasks were."""
        return [(number, far) for number, far, _ in self._waiting]

    def close(self) -> None:
        """End the processes."""
        self._pool.terminate()
        self._pool.join()


_drawing: list[Drawing] = []


def _start(recipe: Recipe) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _drawing[:] = [Drawing(recipe)]


def _draw(number: int, far: Standings) -> list[Batch]:
    return _drawing[0](number, far)
