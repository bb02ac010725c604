"""The whole of a fine-tuning in JAX, top to bottom: a dataset and a model in, a version in the registry out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from docproc.errors import Usage
from docproc.learn import dataset
from docproc.learn.jax import adapters, weights
from docproc.learn.jax.train import Trainer, Work, devices_called, measure, train
from docproc.learn.jax.weights import Weights
from docproc.learn.mask_codes import encoder_of
from docproc.learn.tune import kept, rehearsal
from docproc.learn.tune.plan import Plan, make_plan
from docproc.learn.tune.request import Request, Tell, about, rows_in
from docproc.learn.tune.result import Target
from docproc.learn.tune.standing import curve, figures, progress_of, under_bar
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.tasks.grammar import Trained
from docproc.vision import masks_of


def finetune(request: Request, settings: Settings, tell: Tell) -> Card:
    """Train as asked, on all devices of this machine, and return the card of what was registered.

    `tell` gets notes for people. Raises Usage, Unavailable or Conflict before any training where it could not end
    well, as the training in PyTorch does, and for what is trained there alone: 4 bits, another resolution.
    """
    registry = Registry(settings)
    base = registry.locate(request.model, side=request.side)
    plan, source = make_plan(request.preset, request.side or (base.card.side if base.card else 0), request.said)
    devices = devices_called(request.device)
    if devices[0].platform != "cpu":
        plan = replace(plan, bf16=True)
    target = Target(registry, request.name, base, plan.method)
    target.check()
    digest = dataset.digest(request.folder)
    loaded = weights.load(base.folder)
    _check(request, plan, loaded)
    variant = Trained(loaded.checkpoint.variant, {**(base.card.prompts if base.card else {}), **request.prompts})
    masks = encoder_of(masks_of(registry, base.folder))
    rows = rows_in(request.folder, "train", loaded, variant, plan, masks)
    held = rows_in(request.folder, "validation", loaded, variant, plan, masks)
    for note in rows.notes:
        tell(note)
    folder = request.output or settings.data_dir.expanduser() / "training" / request.name
    if request.restart:
        shutil.rmtree(folder, ignore_errors=True)
    identity = asdict(plan) | {"data": digest, "base": loaded.checkpoint.version, "framework": "jax"}
    identity["frozen"] = list(plan.frozen)
    rehearsal.draw(folder, loaded, variant, plan, plan.count(len(rows.rows)))
    old = rehearsal.rehearsed(folder, loaded, variant, plan, masks).rows
    work = Work(loaded, plan, rows.rows, folder, identity, devices, old)
    trainer = Trainer(work)
    if len(devices) > 1:
        tell(trainer.told())
    _require_room(folder, trainer.learnt, loaded, plan)
    before = measure(work, trainer, held.rows)
    standing = under_bar(partial(train, work, trainer), work.total, tell)
    after = measure(work, trainer, held.rows)
    told = about(request, plan, loaded.checkpoint.version, loaded.checkpoint.side, digest, source) | {
        "versions": {"jax": jax.__version__},
        "done": round(progress_of(plan, work.total, standing), 3),
        "figures": figures(standing, before, after, len(rows.rows), len(devices)),
    }
    name = base.card.name if base.card else str(base.folder)
    writes = partial(write, loaded, trainer.arrays(), plan, name)
    card = target.put(loaded.checkpoint, writes, curve(standing), told, request.prompts)
    if request.output is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        (folder / kept.CHECKPOINT).unlink(missing_ok=True)
    return card


def write(loaded: Weights, learnt: Mapping[str, NDArray[Any]], plan: Plan, base: str, folder: Path) -> None:
    """Write what was learnt as PyTorch serves it: an adapter as peft has it, or a checkpoint of transformers.

    Raises OSError when the disk is full.
    """
    try:
        if plan.method == "full":
            weights.write_checkpoint({**loaded.arrays, **learnt}, loaded.checkpoint, folder)
        else:
            adapters.write(learnt, base, plan.rank, folder)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _check(request: Request, plan: Plan, loaded: Weights) -> None:
    if plan.method == "qlora":
        raise Usage("JAX has no weights of 4 bits here.", hint="Take --method lora, or --framework torch.")
    if request.side not in (0, loaded.checkpoint.side):
        raise Usage(
            f"The model sees {loaded.checkpoint.side} pixels; JAX trains it so, not at {request.side}.",
            hint="Take --framework torch, or a base of that resolution.",
            code="wrong-resolution",
        )


def _require_room(folder: Path, learnt: Mapping[str, Any], loaded: Weights, plan: Plan) -> None:
    """Ask for room for two checkpoints, each what is learnt and two moments of it, and for the result."""
    numbers = sum(int(np.prod(one.shape)) for one in learnt.values())
    result = loaded.checkpoint.parameters if plan.method == "full" else numbers
    kept.require_room(folder, 4 * (2 * 3 * numbers + result))
