"""The whole of a fine-tuning, top to bottom: a dataset and a model in, a version in the registry out."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from docproc.engines.paligemma.loading import Loaded, load
from docproc.errors import Usage
from docproc.learn import dataset
from docproc.learn.tune import kept
from docproc.learn.tune.devices import Devices, devices
from docproc.learn.tune.loop import Standing, Work, curve, measure, progress, train
from docproc.learn.tune.parts import prepare, resize, trained
from docproc.learn.tune.plan import Plan, make_plan
from docproc.learn.tune.result import Target
from docproc.learn.tune.rows import Rows, rows_of
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.tasks.grammar import Trained

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: train `model` on the dataset in `folder`, call the result `name`.

    `preset` is a recipe's name or "", `said` what of a plan was given beside it, `side` the pixels of pictures (0: as
    the model has them), `prompts` task -> template of prompts that are new to the model. `output` is where the
    training is kept until it is done, `restart` forgets one that was begun there.
    """

    folder: Path
    model: str
    name: str
    preset: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)
    side: int = 0
    prompts: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    restart: bool = False
    device: str = ""


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
        rows = _rows(request.folder, "train", loaded, variant, plan)
        held = _rows(request.folder, "validation", loaded, variant, plan)
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
        work = Work(loaded, model, plan, rows.rows, here, folder, identity)
        before = measure(work, held.rows)
        standing = _train(work, tell)
        after = measure(work, held.rows)
        if not here.first:
            return None
        about = _about(request, work, standing, (digest, source)) | {
            "figures": _figures(standing, before, after, len(rows.rows), here)
        }
        card = target.put(loaded, model, curve(standing), about, request.prompts)
        if request.output is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            (folder / kept.CHECKPOINT).unlink(missing_ok=True)
        return card


def _rows(folder: Path, split: str, loaded: Loaded, variant: Trained, plan: Plan) -> Rows:
    path = folder / f"{split}.jsonl"
    if split != "train" and not path.is_file():
        return Rows((), ())
    return rows_of(dataset.read(path), loaded, variant, plan.longest)


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


def _train(work: Work, tell: Tell) -> Standing:
    """Train under a progress bar, in the first process."""
    with tqdm(
        total=1.0, file=sys.stderr, disable=not work.devices.first, mininterval=0.5,
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
            steps = f"{standing.steps}/{work.total}" if work.total else f"{standing.steps}"
            bar.postfix = f"step {steps}, loss {sum(lately) / len(lately):.3f}, {speed:,.0f} tokens/s"
            bar.update(done - bar.n)

        return train(work, told)


def _figures(standing: Standing, before: float, after: float, rows: int, here: Devices) -> dict[str, Any]:
    last = standing.losses[-20:]
    figures = {
        "loss_first": standing.losses[0],
        "loss_last": sum(last) / len(last),
        "validation_loss_before": before,
        "validation_loss_after": after,
        "tokens_per_second": standing.tokens / max(standing.seconds, 1e-9),
    }
    rounded = {name: round(value, 5) for name, value in figures.items() if not math.isnan(value)}
    return rounded | {
        "steps": standing.steps,
        "seconds": round(standing.seconds, 1),
        "examples": rows,
        "devices": here.count,
    }


def _about(request: Request, work: Work, standing: Standing, named: tuple[str, str]) -> dict[str, Any]:
    """Return what the card tells beside figures: where from, on what, how."""
    digest, source = named
    base = work.loaded.checkpoint
    versions = {"torch": torch.__version__}
    return {
        "base": {"model": request.model, "weights": base.version},
        "data": {"folder": request.folder.name, "sha256": digest},
        "recipe": asdict(work.plan) | {"preset": request.preset, "source": source, "side": base.side},
        "seed": work.plan.seed,
        "curve": "losses.svg",
        "versions": versions,
        "done": round(progress(work, standing), 3),
    }
