"""The whole of a fine-tuning, top to bottom: a dataset and a model in, a version in the registry out."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from docproc.engines.paligemma.loading import Loaded, load
from docproc.errors import Usage
from docproc.learn import dataset
from docproc.learn.mask_codes import encoder_of
from docproc.learn.tune import kept, rehearsal
from docproc.learn.tune.devices import devices
from docproc.learn.tune.loop import Work, measure, progress, train
from docproc.learn.tune.parts import prepare, resize, trained
from docproc.learn.tune.plan import Plan, make_plan
from docproc.learn.tune.request import Request, Tell, about, rows_in
from docproc.learn.tune.result import Target
from docproc.learn.tune.standing import Standing, curve, figures, under_bar
from docproc.learn.tune.written import write
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.tasks.grammar import Trained
from docproc.vision import masks_of


def finetune(request: Request, settings: Settings, tell: Tell) -> Card | None:
    """Train as asked and return the card of what was registered; None in processes that only helped.

    `tell` gets notes for people. Raises Usage, Unavailable or Conflict before any training where it could not end
    well: a dataset that is broken, prompts nobody would ask, a base or a name that does not fit, a full disk.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with devices(request.device) as here:
        registry = Registry(settings)
        base = registry.locate(request.model, side=request.side)
        plan, source = make_plan(request.preset, request.side or (base.card.side if base.card else 0), request.said)
        if here.device != "cpu":  # its frozen weights are bfloat16
            plan = replace(plan, bf16=True)
        if plan.batch < here.count:
            raise Usage(f"A batch of {plan.batch} is too small for {here.count} devices.", hint="Raise --batch.")
        target = Target(registry, request.name, base, plan.method)
        target.check()
        digest = dataset.digest(request.folder)
        loaded = load(base.folder, device=here.device)
        loaded = _resized(loaded, request.side, plan)
        variant = Trained(loaded.checkpoint.variant, {**(base.card.prompts if base.card else {}), **request.prompts})
        masks = encoder_of(masks_of(registry, base.folder))
        rows = rows_in(request.folder, "train", loaded, variant, plan, masks)
        held = rows_in(request.folder, "validation", loaded, variant, plan, masks)
        for note in rows.notes if here.first else ():
            tell(note)
        folder = request.output or settings.data_dir.expanduser() / "training" / request.name
        if request.restart and here.first:
            shutil.rmtree(folder, ignore_errors=True)
        here.wait()
        model = prepare(loaded, plan)
        _require_room(folder, model, loaded, plan)
        identity = asdict(plan) | {"data": digest, "base": loaded.checkpoint.version, "side": loaded.checkpoint.side}
        identity["frozen"] = list(plan.frozen)
        if here.first:
            rehearsal.draw(folder, loaded, variant, plan, plan.count(len(rows.rows)))
        here.wait()
        old = rehearsal.rehearsed(folder, loaded, variant, plan, masks).rows
        work = Work(loaded, model, plan, rows.rows, here, folder, identity, old)
        before = measure(work, held.rows)
        standing = under_bar(partial(train, work), work.total, tell, show=here.first)
        after = measure(work, held.rows)
        if not here.first:
            return None
        told = _about(request, work, standing, (digest, source)) | {
            "figures": figures(standing, before, after, len(rows.rows), here.count)
        }
        card = target.put(
            loaded.checkpoint, partial(write, loaded, model, base.card), curve(standing), told, request.prompts
        )
        if request.output is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            (folder / kept.CHECKPOINT).unlink(missing_ok=True)
        return card


def _resized(loaded: Loaded, side: int, plan: Plan) -> Loaded:
    if side in (0, loaded.checkpoint.side):
        return loaded
    if plan.method != "full":
        raise Usage(
            f"An adapter sees what its base sees: {loaded.checkpoint.side} pixels, not {side}.",
            hint=f"Take --method full, or a base of {side} pixels.",
            code="wrong-resolution",
        )
    resize(loaded, side)
    tokens = (side // loaded.model.config.vision_config.patch_size) ** 2
    return replace(loaded, checkpoint=replace(loaded.checkpoint, side=side, image_tokens=tokens))


def _require_room(folder: Path, model: Any, loaded: Loaded, plan: Plan) -> None:
    """Ask for room for two checkpoints, each what is trained and two moments of it, and for the result."""
    learnt = 4 * sum(weight.numel() for weight in trained(model).values())
    result = 4 * loaded.checkpoint.parameters if plan.method == "full" else learnt
    kept.require_room(folder, 2 * 3 * learnt + result)


def _about(request: Request, work: Work, standing: Standing, named: tuple[str, str]) -> dict[str, Any]:
    """Return what the card tells beside figures: where from, on what, how."""
    digest, source = named
    own = request, work.plan, work.loaded.checkpoint.version, work.loaded.checkpoint.side, digest, source
    return about(*own) | {"versions": {"torch": torch.__version__}, "done": round(progress(work, standing), 3)}
