"""What a model is trained with, as a TOML file says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from docproc.errors import Usage
from docproc.learn.nano.lean import Shape
from docproc.learn.nano.tokens import ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A training run. It ends after `steps`, or where that is 0 after `minutes` of training.

    `batch` lines a step, and once lines are read `others` prompts of each of `at_once` other tasks, `each` of them
    about one picture. `looks` pages a step have no prompt: only the tower learns from them. `gate` is the share of
    tokens of lines, and `gate_others` of other tasks, that must be right before harder examples come, `pace` how much
    harder each step then (of 1 for the hardest). `start` is a folder with the weights to start from.
    `longest` characters of a line; `hints` weighs the loss of the characters seen in each patch. `held_out` are
    families of fonts that no example is drawn in; `fonts` are folders to look for more in. `masks` is the
    encoder of masks, by default the one that comes with the package. `threads` compute on
    a CPU, `workers` draw.
    """

    shape: Shape
    seed: int = 1
    steps: int = 0
    minutes: float = 0.0
    batch: int = 64
    others: int = 0
    at_once: int = 1
    each: int = 2
    looks: int = 0
    start: str = ""
    rate: float = 6e-4
    warmup: int = 200
    decay: float = 0.05
    gate: float = 0.88
    gate_others: float = 0.35
    pace: float = 0.005
    longest: int = 60
    hints: float = 0.5
    tasks: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    fonts: tuple[str, ...] = ()
    masks: str = ""
    bfloat16: bool = False
    compiled: bool = False
    device: str = "cpu"
    threads: int = 1
    workers: int = 1


def read(path: Path) -> Recipe:
    """Return the recipe in a TOML file; raise Usage when it is none."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Usage(f"{path} is no recipe: {error}", hint="Start from one in docproc/learn/nano/recipes.") from error
    try:
        model = dict(told.pop("model"))
        shape = Shape(**{"rows": ROWS, **model})
        lists: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
        }
        recipe = Recipe(shape=shape, **lists)
    except (KeyError, TypeError) as error:
        known = ", ".join(each.name for each in fields(Recipe) if each.name != "shape")
        raise Usage(f"{path} is no recipe: {error}", hint=f"It has a table [model] and {known}.") from error
    if bool(recipe.steps) == bool(recipe.minutes):
        raise Usage(f"{path} must give either steps or minutes.", hint="Give one of them, more than 0.")
    return recipe
