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
from safetensors.torch import load_file
from torch import Tensor, nn
from torch import _dynamo as dynamo
from torch.nn import functional

from docproc.learn.nano import lines, sheets, tokens
from docproc.learn.nano.batch import Batch
from docproc.learn.nano.curriculum import Gate, Standing, Standings
from docproc.learn.nano.feed import AHEAD, Feed
from docproc.learn.nano.lean import Lean, take
from docproc.learn.nano.recipe import Recipe

STATE = "state.pt"
WEIGHTS = "model.safetensors"
CURVE = "curve.jsonl"
SAVE_EVERY = 120.0
"""Seconds between two checkpoints."""
FIRST_HINT = tokens.IDS["▁"]
HINTS = len(dict.fromkeys(tokens.CHARACTERS)) + 1
"""Classes of a hint: the characters, and the last one for none."""
NUMBERS = 128
"""Characters of a line that are numbered."""
FIRST_PLACE, PLACES = tokens.IDS["<loc0000>"], len(tokens.LOCATIONS)
BLUR = 6.0
"""Standard deviation, in bins of 1,024, of the places that count as right."""
NEAR = 24
"""Bins by which a place may be off to be counted as right."""
PLACE_WEIGHT = 2.0
"""Weight of the loss of a place; of other tokens 1."""
EDGES = 30.0
"""Weight of the loss of the edges of things, which is a mean of shares of the page."""
HERE = 4.0
"""Weight of an edge in the patches that it runs through; of those elsewhere 1."""
FALLS = 2 / 3
"""Share of a run from which on the rate falls."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: `done` 0-1, `left` seconds as far as one can tell."""

    step: int
    done: float
    loss: float
    far: dict[str, Standing]
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
            nn.Linear(shape.vision_width, len(sheets.CLASSES) + 1), nn.Linear(shape.vision_width, 4),
        ]).to(self.device)  # fmt: skip
        with torch.no_grad():
            places = slice(FIRST_PLACE, FIRST_PLACE + PLACES)
            self.model.embedding[places] = smooth(PLACES, shape.width).to(self.device) * shape.width**-0.5
        if recipe.start:
            take(self.model, load_file(Path(recipe.start) / WEIGHTS))
        weights = [*self.model.parameters(), *self.hints.parameters()]
        groups: list[dict[str, Any]] = [
            {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": recipe.decay},
            {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.95), fused=True)
        self.gates = {"ocr": Gate(recipe.gate, recipe.pace)}
        self.gates |= {task: Gate(recipe.gate_others, recipe.pace) for task in recipe.tasks}
        self._blurred = _blurred().to(self.device)
        self.step, self.seconds = 0, 0.0
        self.stopped = False
        self._asked: list[tuple[int, Standings]] = []
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
            for number, far in self._asked or [(self.step + ahead, self.far) for ahead in range(AHEAD)]:
                feed.ask(number, far)
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
            loss = 0.0
            for batch in batches:
                found, right = self.loss(batch)
                (found / len(batches)).backward()  # lines weigh as much as the others, however few they are
                loss += found.item() / len(batches)
                if batch.task in self.gates:
                    self.gates[batch.task].step(right)
            nn.utils.clip_grad_norm_([*self.model.parameters(), *self.hints.parameters()], 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.step += 1
            feed.ask(self.step + AHEAD - 1, self.far)
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
            yield Progress(self.step, self.done, loss, self.far, speed, left, self.seconds)
        self.save(feed.asked)

    @property
    def done(self) -> float:
        """How much of the recipe is done, 0 to 1."""
        recipe = self.recipe
        return min(self.step / recipe.steps if recipe.steps else self.seconds / 60 / recipe.minutes, 1.0)

    @property
    def far(self) -> dict[str, Standing]:
        """How far each task is."""
        return {task: Standing(gate.level, gate.right) for task, gate in self.gates.items()}

    def loss(self, batch: Batch) -> tuple[Tensor, float]:
        """Return the loss, a mean over tokens, and the share of right ones: of places, where there are any."""
        seen = self.model.look(torch.from_numpy(batch.pixels).to(self.device))
        loss, hints, right = seen.new_zeros((), dtype=torch.float32), 0.0, 0.0
        if len(batch.tokens):
            ids, prefix, places = (
                torch.from_numpy(each).to(self.device) for each in (batch.tokens, batch.prefix, batch.places)
            )
            states, before = self.model.states(seen.repeat_interleave(len(ids) // len(seen), 0), ids, prefix)
            at = torch.arange(1, ids.shape[1], device=self.device)
            counts = (at >= prefix[:, None]) & (ids[:, 1:] != tokens.PAD)
            loss, right = self._token_loss(self.model.scores(states[:, :-1][counts]), ids[:, 1:][counts])
            hints = self._place_loss(before[:, :-1][counts], places[:, 1:][counts].long())
        if batch.hints is not None:
            hints = hints + self._hint_loss(seen, torch.from_numpy(batch.hints).to(self.device).long())
        if batch.things is not None and batch.boxes is not None:
            things, boxes = (torch.from_numpy(each).to(self.device) for each in (batch.things, batch.boxes))
            hints = hints + self._thing_loss(seen, things, boxes)
        return loss + self.recipe.hints * hints, right

    def _token_loss(self, scores: Tensor, wanted: Tensor) -> tuple[Tensor, float]:
        """Return the mean loss of tokens, and the share of right ones.

        Not the mean of the means of each example: where nothing is the right answer that is one token, which
        outweighs the first ones of all long answers, and soon nothing is all that the model says. Neighbours of
        the right place count as nearly right, BLUR bins away; where there are places, those NEAR are right ones.
        """
        told = scores.log_softmax(-1)
        each = -told.gather(1, wanted[:, None])[:, 0]
        said = scores.detach().argmax(-1)
        hits = said == wanted
        located = (wanted >= FIRST_PLACE) & (wanted < FIRST_PLACE + PLACES)
        if located.any():
            near = self._blurred[wanted[located] - FIRST_PLACE]
            each = each.clone()
            each[located] = -(near * told[located, FIRST_PLACE : FIRST_PLACE + PLACES]).sum(1)
            hits = ((said - wanted).abs() <= NEAR)[located]
        weights = torch.where(located, PLACE_WEIGHT, 1.0)
        return (each * weights).sum() / weights.sum(), float(hits.float().mean())

    def _thing_loss(self, seen: Tensor, things: Tensor, boxes: Tensor) -> Tensor:
        """Return how badly the tower's states tell what lies on each patch, and where that ends."""
        loss = functional.cross_entropy(self._told(3, seen).flatten(0, 1), things.view(-1))
        at, across = things.nonzero()[:, 1], self.recipe.shape.side // self.recipe.shape.patch
        wanted = boxes[things > 0]
        patch = torch.stack([at % across, at // across], 1).repeat(1, 2)
        here = (wanted * across).floor() == patch  # this edge runs through this patch, where it is seen
        weights = torch.where(here, HERE, 1.0)
        off = (self._told(4, seen[things > 0]) - wanted).abs()
        return loss + EDGES * (off * weights).sum() / weights.sum()

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
        """Return how badly the states before the last layer tell in which patch the next character or thing is."""
        known = places >= 0
        if not known.any():
            return before.new_zeros((), dtype=torch.float32)
        return functional.cross_entropy(self._told(2, before[known]), places[known])

    def _told(self, head: int, states: Tensor) -> Tensor:
        """Return what one of the heads that only training has makes of states."""
        weight, bias = (each.to(states.dtype) for each in self.hints[head].parameters())
        return functional.linear(states, weight, bias).float()

    def _slope(self) -> float:
        """Return the share of the full rate: a short warm-up, all of it, and in the last part a cosine to 0."""
        last = max(self.done - FALLS, 0) / (1 - FALLS)
        return min((self.step + 1) / self.recipe.warmup, 1.0) * (1 + math.cos(math.pi * last)) / 2

    def save(self, asked: list[tuple[int, Standings]]) -> None:
        """Write the state whole or not at all."""
        state = {
            "model": self.model.state_dict(), "hints": self.hints.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds,
            "far": _plain(self.far), "asked": [(number, _plain(far)) for number, far in asked],
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
        for task, far in state["far"].items():
            self.gates[task].level, self.gates[task].right = far
        self._asked = [
            (number, {task: Standing(*each) for task, each in far.items()}) for number, far in state["asked"]
        ]


def smooth(count: int, width: int) -> Tensor:
    """Return [count, width] of about 1 in size, alike for neighbours: waves of all lengths along the places."""
    turns = torch.logspace(-1, 1.7, width // 2)
    angles = 2 * math.pi * torch.outer(torch.linspace(0, 1, count), turns) + 7 * turns
    return torch.cat([angles.cos(), angles.sin()], 1) * 2**0.5


def _blurred() -> Tensor:
    """Return [PLACES, PLACES]: for each right place the share that each place has of being right."""
    at = torch.arange(PLACES).float()
    return (-((at - at[:, None]) / BLUR).square() / 2).softmax(1)


def _plain(far: Standings) -> dict[str, tuple[float, float]]:
    return {task: (each.level, each.right) for task, each in far.items()}
