"""The training itself: resumable after a kill, with the same result where the recipe counts steps."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import _dynamo as dynamo
from torch.nn import functional

from docproc.learn.nano import lines, sheets, tokens
from docproc.learn.nano.batch import Batch
from docproc.learn.nano.curriculum import Gate
from docproc.learn.nano.feed import AHEAD, Feed
from docproc.learn.nano.lean import Lean
from docproc.learn.nano.recipe import Recipe

STATE = "state.pt"
CURVE = "curve.jsonl"
SAVE_EVERY = 120.0
"""Seconds between two checkpoints."""
FIRST_HINT = tokens.IDS["▁"]
HINTS = len(dict.fromkeys(tokens.CHARACTERS)) + 1
"""Classes of a hint: the characters, and the last one for none."""


NUMBERS = 128
"""Characters of a line that are numbered."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: `done` 0-1, `left` seconds as far as one can tell."""

    step: int
    done: float
    loss: float
    right: float
    level: float
    speed: float
    left: float
    seconds: float


class Trainer:
    """A run in `folder`, which keeps its state there and goes on from it."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        torch.set_num_threads(recipe.threads)
        dynamo.config.recompile_limit = 64
        torch.manual_seed(recipe.seed)
        self.recipe, self.folder = recipe, folder
        dtype = torch.bfloat16 if recipe.bfloat16 else torch.float32
        self.device = torch.device(recipe.device)
        self.model = Lean(recipe.shape, dtype=dtype, compiled=recipe.compiled).to(self.device)
        shape = recipe.shape
        self.hints = nn.ModuleList([
            nn.Linear(shape.vision_width, HINTS * lines.SLOTS),
            nn.Linear(shape.vision_width, NUMBERS), nn.Linear(shape.width, shape.patches),
            nn.Linear(shape.vision_width, len(sheets.CLASSES) + 1),
        ]).to(self.device)  # fmt: skip
        weights = [*self.model.parameters(), *self.hints.parameters()]
        groups: list[dict[str, Any]] = [
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": recipe.decay},
            {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.95), fused=True)
        self.gate = Gate(recipe.gate, recipe.pace)
        self.step, self.seconds = 0, 0.0
        self.stopped = False
        self._asked: list[tuple[int, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / STATE).is_file():
            self._load()

    def stop(self, *_: object) -> None:
        """End the run after this step and keep its state; fit to be a signal's handler."""
        self.stopped = True

    def run(self, told: Callable[[Progress], None] | None = None) -> None:
        """Train to the end of the recipe; `told` hears of every step."""
        feed = Feed(self.recipe)
        try:
            for number, level in self._asked or [(self.step + ahead, self.gate.level) for ahead in range(AHEAD)]:
                feed.ask(number, level)
            with (self.folder / CURVE).open("a", encoding="utf-8") as curve:
                for progress in self._steps(feed):
                    if progress.step % 10 == 0:
                        curve.write(json.dumps(asdict(progress)) + "\n")
                        curve.flush()
                    if told:
                        told(progress)
        finally:
            feed.close()

    def _steps(self, feed: Feed) -> Iterator[Progress]:
        saved, speed = self.seconds, 0.0
        while self.done < 1 and not self.stopped:
            start = time.perf_counter()
            batches = feed.take()
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.rate * self._slope()
            loss, right = 0.0, 0.0
            for batch in batches:
                share = len(batch.pixels) / sum(len(each.pixels) for each in batches)
                found, hit = self.loss(batch)
                (found * share).backward()
                loss += found.item() * share
                right = hit if batch.task == "ocr" else right
            nn.utils.clip_grad_norm_([*self.model.parameters(), *self.hints.parameters()], 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.gate.step(right)
            self.step += 1
            feed.ask(self.step + AHEAD - 1, self.gate.level)
            took = time.perf_counter() - start
            self.seconds += took
            speed = (
                sum(batch.tokens.size for batch in batches) / took
                if not speed
                else (0.95 * speed + 0.05 * sum(batch.tokens.size for batch in batches) / took)
            )
            if self.seconds - saved > SAVE_EVERY:
                self.save(feed.asked)
                saved = self.seconds
            left = self.seconds / max(self.done, 1e-9) * (1 - self.done)
            yield Progress(self.step, self.done, loss, right, self.gate.level, speed, left, self.seconds)
        self.save(feed.asked)

    @property
    def done(self) -> float:
        """How much of the recipe is done, 0 to 1."""
        recipe = self.recipe
        return min(self.step / recipe.steps if recipe.steps else self.seconds / 60 / recipe.minutes, 1.0)

    def loss(self, batch: Batch) -> tuple[Tensor, float]:
        """Return the loss, a mean over examples of the mean over their tokens, and the share of right tokens."""
        pixels, ids = (torch.from_numpy(each).to(self.device) for each in (batch.pixels, batch.tokens))
        seen = self.model.look(pixels)
        both = self.model.states(seen, ids, batch.prefix)
        states, before = (each[:, batch.prefix - 1 : -1] for each in both)
        wanted = ids[:, batch.prefix :]
        counts = wanted != tokens.PAD
        scores = self.model.scores(states[counts])
        each = functional.cross_entropy(scores, wanted[counts], reduction="none")
        weights = (1 / counts.sum(1, keepdim=True)).expand_as(wanted)[counts]
        loss = (each * weights).sum() / len(ids)
        right = float((scores.detach().argmax(-1) == wanted[counts]).float().mean())
        if batch.hints is not None and batch.places is not None and self.recipe.hints:
            hints, places = (torch.from_numpy(each).to(self.device).long() for each in (batch.hints, batch.places))
            loss = loss + self.recipe.hints * (self._hint_loss(seen, hints) + self._place_loss(before, places))
        if batch.things is not None and self.recipe.hints:
            things = torch.from_numpy(batch.things).to(self.device).view(-1)
            loss = loss + self.recipe.hints * functional.cross_entropy(self._told(3, seen).flatten(0, 1), things)
        return loss, right

    def _hint_loss(self, seen: Tensor, hints: Tensor) -> Tensor:
        """Return how badly the tower's states tell the characters of their patch, and the number of the first."""
        inked = hints[..., 0] > 0
        wanted, number = hints[inked][:, : lines.SLOTS], hints[inked][:, lines.SLOTS]
        classes = torch.where(
            (wanted >= FIRST_HINT) & (wanted < FIRST_HINT + HINTS - 1), wanted - FIRST_HINT, HINTS - 1
        )
        scores = self._told(0, seen[inked]).view(-1, HINTS)
        numbers = functional.cross_entropy(self._told(1, seen[inked]), number.clamp(max=NUMBERS - 1))
        return functional.cross_entropy(scores, classes.reshape(-1)) + numbers / 2

    def _place_loss(self, before: Tensor, places: Tensor) -> Tensor:
        """Return how badly the states before the last layer tell in which patch the next character is."""
        known = places >= 0
        return functional.cross_entropy(self._told(2, before[known]), places[known])

    def _told(self, head: int, states: Tensor) -> Tensor:
        """Return what one of the heads that only training has makes of states."""
        weight, bias = (each.to(states.dtype) for each in self.hints[head].parameters())
        return functional.linear(states, weight, bias).float()

    def _slope(self) -> float:
        """Return the share of the full rate: a short warm-up, then a cosine to 0."""
        return min((self.step + 1) / self.recipe.warmup, 1.0) * (1 + math.cos(math.pi * self.done)) / 2

    def save(self, asked: list[tuple[int, float]]) -> None:
        """Write the state whole or not at all."""
        state = {
            "model": self.model.state_dict(), "hints": self.hints.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds,
            "level": self.gate.level, "right": self.gate.right, "asked": asked,
        }  # fmt: skip
        partial = self.folder / (STATE + ".part")
        torch.save(state, partial)
        partial.replace(self.folder / STATE)

    def _load(self) -> None:
        state = torch.load(self.folder / STATE, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.hints.load_state_dict(state["hints"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.gate.level, self.gate.right = state["level"], state["right"]
        self._asked = [(number, level) for number, level in state["asked"]]
