"""How far a training is, in whatever framework: what it counts, its rate, its curve, its progress bar."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tqdm import tqdm

from docproc.learn.plot import plot
from docproc.learn.tune.plan import Plan

WARM_UP = 0.05
BETAS = (0.9, 0.999)
LARGEST = 1.0
"""Warm-up, second moment and largest norm of a gradient as in big_vision's transfers."""
KEEP = 2.7
"""What a rehearsed picture weighs beside one that is learnt."""
SAVE_SECONDS = 60.0
SAVE_SHARE = 20
"""Saving takes at most a twentieth of the time, however large the model is."""
SELDOM = 10.0
"""Seconds between two lines on how far it is where they are kept: in a log, or a notebook."""
MEASURED = 200
"""Validation examples that are looked at."""


@dataclass(slots=True)
class Standing:
    """How far a training is: steps, seconds and learnt tokens, and the loss of each step."""

    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    losses: list[float] = field(default_factory=list)


Trains = Callable[[Callable[[Standing, float], None]], Standing]
"""A training: it tells its standing and how much is done, 0-1, before the first and after every step."""


def progress_of(plan: Plan, total: int, standing: Standing) -> float:
    """Return how much of a training of at most `total` steps is done, 0-1."""
    minutes = plan.minutes
    done = (standing.steps / total if total else 0.0, standing.seconds / 60 / minutes if minutes else 0.0)
    return min(max(done), 1.0)


def share_of_rate(done: float, soon: float) -> float:
    """Return what the rate is multiplied by in a step before which `done`, and after which `soon`, is done."""
    return min(soon / WARM_UP, 0.5 * (1 + math.cos(math.pi * max(done - WARM_UP, 0.0) / (1 - WARM_UP))))


class Take(Protocol):
    """A step of a training, whatever computes it."""

    def __call__(self, number: int, share: float, clock: Callable[[], float]) -> tuple[float, int, float]:
        """Take step `number` at a share of the rate; return its loss, the tokens learnt and what `clock` says."""


def go_on(
    plan: Plan, total: int, standing: Standing, tell: Callable[[Standing, float], None], take: Take,
    save: Callable[[], None],
) -> Standing:  # fmt: skip
    """Take steps until the plan is fulfilled, from where a training stands; `save` it now and then and at the end.

    `tell` gets the standing and how much is done, 0-1, before the first step and after every one.
    """
    done = progress_of(plan, total, standing)
    tell(standing, done)
    began, saved, took = time.monotonic() - standing.seconds, time.monotonic(), 0.0
    while done < 1:
        share = share_of_rate(done, progress_of(plan, total, replace(standing, steps=standing.steps + 1)))
        loss, tokens, seconds = take(standing.steps, share, lambda: time.monotonic() - began)
        standing.steps, standing.seconds, standing.tokens = standing.steps + 1, seconds, standing.tokens + tokens
        standing.losses.append(loss)
        done = progress_of(plan, total, standing)
        tell(standing, done)
        if time.monotonic() - saved > max(SAVE_SECONDS, SAVE_SHARE * took) or done >= 1:
            start = time.monotonic()
            save()
            saved = time.monotonic()
            took = saved - start
    return standing


def curve(standing: Standing) -> str:
    """Return the losses as an SVG: at most 400 points, each the mean of as many steps."""
    width = -(-len(standing.losses) // 400) or 1
    parts = [standing.losses[at : at + width] for at in range(0, len(standing.losses), width)]
    points = [(min((at + 1) * width, len(standing.losses)), sum(part) / len(part)) for at, part in enumerate(parts)]
    return plot(points, unit="steps")


def under_bar(train: Trains, total: int, tell: Callable[[str], None], *, show: bool = True) -> Standing:
    """Train under a progress bar, of `total` steps (0: nobody knows); `show` it or not."""
    with tqdm(
        total=1.0, file=sys.stderr, disable=not show, mininterval=0.5 if sys.stderr.isatty() else SELDOM,
        maxinterval=2 * SELDOM,
        bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining} {postfix}",
    ) as bar:  # fmt: skip
        start: list[Standing] = []

        def told(standing: Standing, done: float) -> None:
            if not start:  # before the first step
                start.append(replace(standing))
                bar.initial = bar.last_print_n = bar.n = done
                if standing.steps:
                    tell(f"Going on after {standing.steps} steps.")
                return
            lately = standing.losses[-20:]
            speed = (standing.tokens - start[0].tokens) / max(standing.seconds - start[0].seconds, 1e-9)
            steps = f"{standing.steps}/{total}" if total else f"{standing.steps}"
            bar.postfix = f"step {steps}, loss {sum(lately) / len(lately):.3f}, {speed:,.0f} tokens/s"
            bar.update(done - bar.n)

        return train(told)


def figures(standing: Standing, before: float, after: float, rows: int, devices: int) -> dict[str, Any]:
    """Return what a card tells of a training: losses, on `rows` examples and before and after on others; speed."""
    last = standing.losses[-20:]
    found = {
        "loss_first": standing.losses[0],
        "loss_last": sum(last) / len(last),
        "validation_loss_before": before,
        "validation_loss_after": after,
        "tokens_per_second": standing.tokens / max(standing.seconds, 1e-9),
    }
    rounded = {name: round(value, 5) for name, value in found.items() if not math.isnan(value)}
    return rounded | {
        "steps": standing.steps,
        "seconds": round(standing.seconds, 1),
        "examples": rows,
        "devices": devices,
    }
