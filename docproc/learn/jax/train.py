"""The training itself in JAX: steps over batches, on all devices, taken up where it was ended.

What a step does follows from the seed and its number alone, so a training that was killed and taken up ends with the
very weights of one that was not, on the same devices. The rate, the norm of gradients and the decay are those of the
training in PyTorch (`docproc.learn.tune.loop`), and of big_vision.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray

from docproc.errors import EngineFailed, Usage
from docproc.learn.jax import adapters, model
from docproc.learn.jax.batches import Batch, collate
from docproc.learn.jax.weights import Weights
from docproc.learn.tune import kept
from docproc.learn.tune.feed import ahead, order
from docproc.learn.tune.plan import Plan
from docproc.learn.tune.rows import Row
from docproc.learn.tune.standing import BETAS, KEEP, LARGEST, MEASURED, Standing, curve, go_on

SHARED = 1 << 16
"""Numbers of an array that are divided among devices; smaller ones every device has whole."""
AXIS = "data"
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a training is made of; `identity` names it. `devices` are those of one process.

    `rehearsed` is what the base alone can do already.
    """

    weights: Weights
    plan: Plan
    rows: Sequence[Row]
    folder: Path
    identity: Mapping[str, Any]
    devices: Sequence[Any]
    rehearsed: Sequence[Row] = ()

    @property
    def total(self) -> int:
        """Return the steps at most, 0 when the clock alone ends it."""
        return self.plan.count(len(self.rows))

    @property
    def how(self) -> model.How:
        """Return how the model is computed."""
        plan = self.plan
        dtype = jnp.bfloat16 if plan.bf16 else jnp.float32
        return model.How(dtype, remat=plan.checkpointing, dropout=plan.dropout, lora=adapters.ALPHA)


def devices_called(kind: str) -> list[Any]:
    """Return all devices of a kind that JAX knows (cpu, cuda, tpu; "" is the best there is); else raise Usage."""
    try:
        found: list[Any] = jax.devices(kind or None)
    except RuntimeError as error:
        raise Usage(f"JAX finds no {kind}: {error}.", hint="Leave --device out, or give cpu.") from error
    return found


def begin(weights: Weights, plan: Plan) -> Arrays:
    """Return what a training changes, float32, as it is before: an adapter, or the arrays that are not frozen."""
    if plan.method == "full":
        learnt = {name: one for name, one in weights.arrays.items() if adapters.part_of(name) not in plan.frozen}
        return {name: one.astype(np.float32) for name, one in learnt.items()}
    return adapters.fresh(weights.arrays, plan)


class Trainer:
    """The model on its devices. Arrays are divided among them where they are large, batches always."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._mesh = Mesh(np.array(work.devices), (AXIS,))
        self._whole = NamedSharding(self._mesh, PartitionSpec())
        self._rows = NamedSharding(self._mesh, PartitionSpec(AXIS))
        start = begin(work.weights, work.plan)
        half = work.plan.bf16
        self.learnt = {name: self._put(one) for name, one in start.items()}
        self._fixed = {
            name: self._put(one.astype(jnp.bfloat16 if half else np.float32))
            for name, one in work.weights.arrays.items()
            if name not in start
        }
        self._optimizer = optax.chain(optax.clip_by_global_norm(LARGEST), optax.scale_by_adam(*BETAS))
        like = jax.eval_shape(self._optimizer.init, self.learnt)
        states = jax.tree.map(lambda one: self._sharding(one.shape), like)
        places = {name: one.sharding for name, one in self.learnt.items()}
        self.state = jax.jit(self._optimizer.init, out_shardings=states)(self.learnt)
        self._gradients = jax.jit(
            jax.value_and_grad(partial(summed_loss, how=work.how, smoothing=work.plan.smoothing)),
            out_shardings=(self._whole, places),
        )
        self._strays = jax.jit(jax.grad(partial(strayed, how=replace(work.how, dropout=0.0))), out_shardings=places)
        self._loss = jax.jit(partial(summed_loss, how=work.how, smoothing=0.0), out_shardings=self._whole)
        self._update = jax.jit(self._updated, out_shardings=(places, states), donate_argnums=(0, 1))
        self._add = jax.jit(partial(jax.tree.map, jnp.add), out_shardings=places, donate_argnums=0)

    def step(
        self, number: int, parts: Sequence[Batch], weight: float, share: float, old: Sequence[Batch] = ()
    ) -> float:
        """Take one step on all parts of a batch, at that share of the rate; return the mean loss.

        Besides, stay with what the base says of `old` ones.
        """
        total, gradients = 0.0, None
        for at, part in enumerate(parts):
            key = jax.random.fold_in(jax.random.fold_in(jax.random.key(self._work.plan.seed), number), at)
            loss, found = self._gradients(self.learnt, self._fixed, self._given(part), key)
            gradients = found if gradients is None else self._add(gradients, found)
            total += float(loss)
        for part in old:
            gradients = self._add(gradients, self._strays(self.learnt, self._fixed, self._given(part)))
        if not math.isfinite(total):
            raise EngineFailed(
                f"In step {number + 1} the loss is {total}: the training broke.",
                hint="Take a smaller --rate; the same command with it and --restart begins again.",
                code="diverged",
            )
        self.learnt, self.state = self._update(self.learnt, self.state, gradients, weight, share)
        return total / weight

    def loss(self, part: Batch) -> float:
        """Return the sum of the losses of a batch, without smoothing and dropout."""
        return float(self._loss(self.learnt, self._fixed, self._given(part), None))

    def keep(self) -> Arrays:
        """Return all that a training goes on from, by name."""
        leaves = jax.tree.leaves(self.state)
        kept_ones = {f"weights:{name}": np.asarray(one) for name, one in self.learnt.items()}
        return kept_ones | {f"state:{at}": np.asarray(one) for at, one in enumerate(leaves)}

    def take_up(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `keep` gave. Raises LookupError for what it did not."""
        self.learnt = {
            name: jax.device_put(arrays[f"weights:{name}"], one.sharding) for name, one in self.learnt.items()
        }
        leaves, form = jax.tree.flatten(self.state)
        again = [jax.device_put(arrays[f"state:{at}"], one.sharding) for at, one in enumerate(leaves)]
        self.state = jax.tree.unflatten(form, again)

    def told(self) -> str:
        """Say how the model lies on its devices."""
        arrays = [*self.learnt.values(), *self._fixed.values()]
        divided = sum(not one.sharding.is_fully_replicated for one in arrays)
        return f"{divided} of {len(arrays)} arrays are divided among {len(self._work.devices)} devices."

    def arrays(self) -> Arrays:
        """Return what was learnt."""
        return {name: np.asarray(one) for name, one in self.learnt.items()}

    def _updated(self, learnt: Any, state: Any, gradients: Any, weight: Any, share: Any) -> tuple[Any, Any]:
        mean = jax.tree.map(lambda one: one / weight, gradients)
        moves, state = self._optimizer.update(mean, state)
        plan = self._work.plan
        return {
            name: one - share * (plan.rate * moves[name] + (plan.decay if _decays(name) else 0.0) * one)
            for name, one in learnt.items()
        }, state

    def _sharding(self, shape: tuple[int, ...]) -> NamedSharding:
        """Return where an array lies: its longest side that all devices can share is divided, if it is large."""
        count = len(self._work.devices)
        sides = [(side, axis) for axis, side in enumerate(shape) if side % count == 0]
        if math.prod(shape) < SHARED or not sides or count == 1:
            return self._whole
        axis = max(sides)[1]
        return NamedSharding(self._mesh, PartitionSpec(*[None] * axis, AXIS))

    def _put(self, array: NDArray[Any]) -> Any:
        return jax.device_put(array, self._sharding(array.shape))

    def _given(self, part: Batch) -> Any:
        return {name: jax.device_put(one, self._rows) for name, one in part.items()}


def summed_loss(learnt: Any, fixed: Any, batch: Any, key: Any, *, how: model.How, smoothing: float) -> Any:
    """Return the weighted sum of cross-entropies, with smoothed labels, of what is to be learnt of a batch."""
    params = {**fixed, **learnt}
    states = model.hidden(params, batch["pixels"], batch["tokens"], batch["prefix"], how, key)

    def entropy(table: Any, states: Any) -> Any:
        logits = model.logits_at({"llm/embedder/input_embedding": table}, states, batch["places"])
        spoken = jax.nn.log_softmax(logits)
        right = jnp.take_along_axis(spoken, batch["targets"][:, :, None], axis=-1)[:, :, 0]
        return -((1 - smoothing) * right + smoothing * spoken.mean(-1))

    each = jax.checkpoint(entropy)(params["llm/embedder/input_embedding"], states)  # else all logits are kept
    return (each * batch["weights"]).sum()


def strayed(learnt: Any, fixed: Any, batch: Any, *, how: model.How) -> Any:
    """Return how far an adapter leads from what its base would write of a batch, as in the training in PyTorch."""
    given = batch["pixels"], batch["tokens"], batch["prefix"], how
    before = jax.lax.stop_gradient(model.hidden(fixed, *given))

    def divergence(table: Any, now: Any) -> Any:
        head = {"llm/embedder/input_embedding": table}
        spoken = jax.nn.log_softmax(model.logits_at(head, now, batch["places"]))
        said = jax.nn.log_softmax(model.logits_at(head, before, batch["places"]))
        return (jnp.exp(said) * (said - spoken)).sum(-1)

    each = jax.checkpoint(divergence)(
        fixed["llm/embedder/input_embedding"], model.hidden({**fixed, **learnt}, *given)
    )
    return KEEP * (each * batch["weights"]).sum()


def train(work: Work, trainer: Trainer, tell: Callable[[Standing, float], None]) -> Standing:
    """Train until the plan is fulfilled; `tell` gets the standing and how much is done, 0-1, after every step.

    Goes on from the checkpoint in the folder where there is one. Raises Usage when it is of another training,
    Unavailable when the disk is full, EngineFailed when the loss is no number any more.
    """
    standing = _resumed(work, trainer)
    steps = ahead(_steps(work, standing.steps))

    def take(number: int, share: float, clock: Callable[[], float]) -> tuple[float, int, float]:
        step = next(steps)
        return trainer.step(number, step.own, step.weight, share, step.old), step.tokens, clock()

    def save() -> None:
        _save(work, trainer, standing)

    return go_on(work.plan, work.total, standing, tell, take, save)


def measure(work: Work, trainer: Trainer, rows: Sequence[Row]) -> float:
    """Return the mean loss, without smoothing, of (the first `MEASURED`) examples; nan for none."""
    total = weight = 0.0
    size = (work.plan.micro or 4) * len(work.devices)
    for start in range(0, len(rows[:MEASURED]), size):
        own = rows[start : start + size]
        total += trainer.loss(collate(own, work.weights, work.plan.mean, size))
        weight += _weight(own, work.plan)
    return total / weight if weight else math.nan


class _Step(NamedTuple):
    """The parts of what is learnt, what to divide their losses by, their tokens; the parts of what is rehearsed."""

    own: list[Batch]
    weight: float
    tokens: int
    old: list[Batch]


def _steps(work: Work, start: int) -> Iterator[_Step]:
    """Yield what each step sees, without end."""
    plan = work.plan
    besides = plan.besides if work.rehearsed else 0
    numbers = order(len(work.rows), plan.seed, start * plan.batch)
    others = order(len(work.rehearsed) or 1, plan.seed, start * besides)
    by_answer = sorted(work.rehearsed, key=lambda row: len(row.suffix))[-1:]
    by_text = sorted(work.rehearsed, key=lambda row: len(row.prefix) + len(row.suffix))[-1:]
    most = [*by_answer, *by_text]  # what is rehearsed is of many lengths, each of which would be compiled
    count = len(work.devices)
    size = plan.micro * count or -(-plan.batch // count) * count
    while True:
        own = [work.rows[number] for number in islice(numbers, plan.batch)]
        old = [work.rehearsed[number] for number in islice(others, besides)]
        parts, olds = (
            [collate(some[at : at + size], work.weights, plan.mean, size, like) for at in range(0, len(some), size)]
            for some, like in ((own, ()), (old, most))
        )
        yield _Step(parts, _weight(own, plan), sum(len(row.suffix) for row in own), olds)


def _weight(rows: Sequence[Row], plan: Plan) -> float:
    return float(len(rows) if plan.mean == "example" else sum(len(row.suffix) for row in rows))


def _decays(name: str) -> bool:
    return "embed" not in name and not name.endswith(("/bias", "/scale"))


def _resumed(work: Work, trainer: Trainer) -> Standing:
    state = kept.load(work.folder, work.identity, _parse)
    if not state:
        return Standing()
    trainer.take_up(state["arrays"])
    return Standing(**state["standing"])


def _save(work: Work, trainer: Trainer, standing: Standing) -> None:
    told = {name: getattr(standing, name) for name in standing.__slots__}
    kept.save(work.folder, {"identity": dict(work.identity), "standing": told, "arrays": trainer.keep()}, _dump)
    (work.folder / "losses.svg").write_text(curve(standing), "utf-8")


def _dump(state: Mapping[str, Any], stream: BinaryIO) -> None:
    """Write it as an .npz, all but the arrays as JSON in one of its own."""
    rest = json.dumps({name: state[name] for name in ("identity", "standing")})
    np.savez(stream, json=np.frombuffer(rest.encode(), np.uint8), **state["arrays"])


def _parse(path: Path) -> dict[str, Any]:
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
    rest: dict[str, Any] = json.loads(arrays.pop("json").tobytes())
    return rest | {"arrays": arrays}
