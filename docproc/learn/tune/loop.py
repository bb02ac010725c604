"""The training itself: steps over batches, taken up where it was ended.

What a step does follows from the seed and its number alone (the order of examples, what is dropped), so a training
that was killed and taken up ends with the very weights of one that was not, on the same machine and as many threads.
Only `Plan.minutes` makes it depend on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from docproc.engines.paligemma.loading import Loaded
from docproc.errors import EngineFailed
from docproc.learn.tune import kept
from docproc.learn.tune.batches import Batch, collate, pixels_of
from docproc.learn.tune.devices import Devices
from docproc.learn.tune.feed import ahead, order
from docproc.learn.tune.loss import Seen, strayed, summed_loss
from docproc.learn.tune.parts import quiet, trained
from docproc.learn.tune.plan import Plan
from docproc.learn.tune.rows import Row
from docproc.learn.tune.standing import BETAS, KEEP, LARGEST, MEASURED, Standing, curve, go_on, progress_of


@dataclass(frozen=True, slots=True)
class Work:
    """What a training is made of. `model` is `loaded.model` or what is around it, `identity` names the training.

    `rehearsed` is what the base alone can do already.
    """

    loaded: Loaded
    model: Any
    plan: Plan
    rows: Sequence[Row]
    devices: Devices
    folder: Path
    identity: Mapping[str, Any]
    rehearsed: Sequence[Row] = ()

    @property
    def total(self) -> int:
        """Return the steps at most, 0 when the clock alone ends it."""
        return self.plan.count(len(self.rows))


def train(work: Work, tell: Callable[[Standing, float], None]) -> Standing:
    """Train until the plan is fulfilled; `tell` gets the standing and how much is done, 0-1, after every step.

    Goes on from the checkpoint in the folder where there is one. Raises Usage when it is of another training,
    Unavailable when the disk is full, EngineFailed when the loss is no number any more.
    """
    with _deterministic():
        return _train(work, tell)


def _train(work: Work, tell: Callable[[Standing, float], None]) -> Standing:
    weights = trained(work.model)
    optimizer = _optimizer(weights, work.plan)
    standing = _resumed(work, weights, optimizer)
    seen = Seen(work.loaded) if "vision" in work.plan.frozen else None
    steps = ahead(_steps(work, standing.steps, with_pixels=seen is None))

    def take(number: int, share: float, clock: Callable[[], float]) -> tuple[float, int, float]:
        for group in optimizer.param_groups:
            group["lr"] = work.plan.rate * share
        return _step(work, weights, optimizer, next(steps), seen, (number, clock))

    def save() -> None:
        _save(work, weights, optimizer, standing)

    go_on(work.plan, work.total, standing, tell, take, save)
    work.devices.wait()
    return standing


def progress(work: Work, standing: Standing) -> float:
    """Return how much of a training is done, 0-1."""
    return progress_of(work.plan, work.total, standing)


def measure(work: Work, rows: Sequence[Row]) -> float:
    """Return the mean loss, without smoothing, of (the first `MEASURED`) examples; nan for none."""
    work.model.eval()
    plain = replace(work.plan, smoothing=0.0)
    sums = torch.zeros(2, dtype=torch.float64)
    own = rows[:MEASURED][work.devices.number :: work.devices.count]
    size = work.plan.micro or 4
    with torch.no_grad():
        for start in range(0, len(own), size):
            batch = _with_pixels(own[start : start + size], work.loaded)
            total, weight, _ = summed_loss(batch, work.loaded, plain, None)
            sums += torch.tensor([float(total), weight], dtype=torch.float64)
    work.model.train()
    total, weight = _summed(work, sums)
    return total / weight if weight else math.nan


@contextmanager
def _deterministic() -> Iterator[None]:
    """Take kernels that always compute the same where there are such, and warn where not."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _steps(work: Work, start: int, *, with_pixels: bool) -> Iterator[tuple[list[Batch], list[Batch]]]:
    """Yield the batches of this process for each step without end, and those it rehearses: `micro` rows at a time."""
    plan, devices = work.plan, work.devices
    besides = plan.besides if work.rehearsed else 0
    numbers = order(len(work.rows), plan.seed, start * plan.batch)
    others = order(len(work.rehearsed) or 1, plan.seed, start * besides)
    collated = _with_pixels if with_pixels else collate
    while True:
        own = [work.rows[number] for number in islice(numbers, plan.batch)][devices.number :: devices.count]
        old = [work.rehearsed[number] for number in islice(others, besides)][devices.number :: devices.count]
        size = plan.micro or plan.batch
        yield tuple(  # type: ignore[misc]  # of two
            [collated(some[at : at + size], work.loaded) for at in range(0, len(some), size)] for some in (own, old)
        )


def _with_pixels(rows: Sequence[Row], loaded: Loaded) -> Batch:
    return replace(collate(rows, loaded), pixels=pixels_of(rows, loaded))


def _step(
    work: Work, weights: Mapping[str, Any], optimizer: Any, batches: tuple[list[Batch], list[Batch]],
    seen: Seen | None, at: tuple[int, Callable[[], float]],
) -> tuple[float, int, float]:  # fmt: skip
    """Return the mean loss over all devices of what is learnt, its tokens and what the first device's clock says."""
    number, clock = at
    own, old = batches
    torch.manual_seed(hash((work.plan.seed, number, work.devices.number)) % (1 << 62))  # of what is dropped
    sums = torch.zeros(4, dtype=torch.float64)
    for batch in old:
        with quiet():
            (KEEP * strayed(batch, work.loaded, work.model, work.plan, seen)).backward()
    for batch in own:
        with quiet():
            total, weight, tokens = summed_loss(batch, work.loaded, work.plan, seen)
            total.backward()
        sums += torch.tensor([float(total.detach()), weight, tokens, 0.0], dtype=torch.float64)
    if work.devices.first:
        sums[3] = clock()
    total, weight, learnt, seconds = _summed(work, sums)
    if not math.isfinite(total):
        raise EngineFailed(
            f"In step {number + 1} the loss is {total}: the training broke.",
            hint="Take a smaller --rate; the same command with it and --restart begins again.",
            code="diverged",
        )
    work.devices.sum_gradients(weights.values())
    for one in weights.values():
        if one.grad is not None:
            one.grad.div_(weight)
    torch.nn.utils.clip_grad_norm_(weights.values(), LARGEST)
    optimizer.step()
    optimizer.zero_grad()
    return total / weight, int(learnt), seconds


def _summed(work: Work, sums: Any) -> list[float]:
    found: list[float] = work.devices.sum(sums.to(work.loaded.model.device)).tolist()
    return found


def _optimizer(weights: Mapping[str, Any], plan: Plan) -> Any:
    """Return AdamW; its decay is multiplied by the rate, big_vision's is not, hence the quotient."""
    matrices = [one for name, one in weights.items() if one.ndim > 1 and "embed" not in name]
    others = [one for name, one in weights.items() if one.ndim <= 1 or "embed" in name]
    groups = [{"params": matrices, "weight_decay": plan.decay / plan.rate}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=plan.rate, betas=BETAS)


def _resumed(work: Work, weights: Mapping[str, Any], optimizer: Any) -> Standing:
    state = kept.load(work.folder, work.identity, partial(torch.load, map_location="cpu", weights_only=True))
    if not state:
        return Standing()
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(state["weights"][name])
    optimizer.load_state_dict(state["optimizer"])
    return Standing(state["steps"], state["seconds"], state["tokens"], list(state["losses"]))


def _save(work: Work, weights: Mapping[str, Any], optimizer: Any, standing: Standing) -> None:
    if not work.devices.first:
        return
    state = {"identity": dict(work.identity), "optimizer": optimizer.state_dict()}
    state["weights"] = {name: weight.detach() for name, weight in weights.items()}
    kept.save(work.folder, state | {name: getattr(standing, name) for name in standing.__slots__}, torch.save)
    (work.folder / "losses.svg").write_text(curve(standing), "utf-8")
