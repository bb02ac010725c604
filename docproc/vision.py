"""The vision model of this installation: opened by the settings, and tried out before anybody waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docproc.engines import VisionEngine, load_masks, load_vision
from docproc.errors import DocprocError, Unavailable, Usage
from docproc.registry import Registry
from docproc.settings import Settings
from docproc.tasks.grammar import Rules
from docproc.tasks.pages import Model, task_called
from docproc.tasks.views import SIDES

MASKS = "vae-oid.npz"
EXPORTED = "openvino"
HERE = ("paligemma", EXPORTED)
"""Engines whose models are registered, or folders."""
PATIENCE = 900.0
"""Seconds that loading a model may take: 55 GB from a slow disk."""
KINDS: dict[str, type[DocprocError]] = {"Unavailable": Unavailable, "Usage": Usage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is opened when a model is asked for: which engine, which model in which version, and what goes with it.

    `own` are prompts of a fine-tune, `adapters` task -> adapter, `masks` the decoder of masks. Equal choices open
    the same.
    """

    engine: str
    model: str
    own: Rules = field(default_factory=dict)
    adapters: Mapping[str, str] = field(default_factory=dict)
    masks: Path | None = None


def choose(
    settings: Settings, *, engine: str = "", model: str = "", masks: Path | None = None, task: str = ""
) -> Choice:
    """Return what `open_model` opens, from what is registered and promoted now; nothing is loaded."""
    chosen, model = engine or settings.vision_engine, model or settings.vision_model
    if not model:
        raise Unavailable(
            "There is no vision model.",
            hint="Set DOCPROC_VISION_MODEL to a registered model (`docproc models list`) or the folder of one.",
            code="no-vision-model",
        )
    if chosen not in HERE:
        return Choice(engine=chosen, model=model, masks=masks or masks_beside(Path(model)))
    registry = Registry(settings)
    located = registry.locate(model, side=task_called(task).side if task else max(SIDES))
    card, adapter = located.card, located.adapter
    if card and card.kind == "exported" and not engine:
        chosen = EXPORTED
    meant = adapter or card
    own, adapters = dict(meant.prompts) if meant else {}, {}
    if card and not adapter:
        for one in registry.adapters(card):
            if one.base_weights == card.weights:  # else it was made for another version
                adapters.update(dict.fromkeys(one.tasks, one.id))
                own.update(one.prompts)
    found = masks or masks_of(registry, located.folder)
    return Choice(engine=chosen, model=meant.id if meant else model, own=own, adapters=adapters, masks=found)


def open_model(
    settings: Settings, *, engine: str = "", model: str = "", masks: Path | None = None, task: str = ""
) -> Model:
    """Return a model ready to be asked; engine and model are those of the settings where not given.

    Of several sizes of one model that which does `task` well is taken, the largest without one. A registered model
    comes in the version that is promoted, with the prompts it was added with, and with its adapters, each for its
    tasks. `masks` is the decoder of masks; where not given, the one in the model's folder or beside it, or the
    registered one, if there is one. Raises Unavailable when something is not here, Usage when it is wrong.
    """
    return load(settings, choose(settings, engine=engine, model=model, masks=masks, task=task))


def load(settings: Settings, choice: Choice, engine: VisionEngine | None = None) -> Model:
    """Return the model of a choice, loaded; with `engine`, its engine is that one, which is loaded already."""
    loaded = engine or load_vision(choice.engine, settings, choice.model)
    return Model(loaded, choice.own, load_masks(choice.masks) if choice.masks else None, choice.adapters)


def masks_beside(folder: Path) -> Path | None:
    """Return the decoder of masks that lies in the folder of a model or beside it."""
    return next((path for path in (folder / MASKS, folder.parent / MASKS) if path.is_file()), None)


def masks_of(registry: Registry, folder: Path) -> Path | None:
    """Return the decoder of masks of the model in a folder: the one in it or beside it, or the registered one."""
    return masks_beside(folder) or registry.masks()


def require(settings: Settings) -> str:
    """Load the model of the settings once, in a process of its own; return its name and version.

    Whoever forks afterwards must not have touched the GPU. Raises what `open_model` does.
    """
    command = [sys.executable, "-m", "docproc.vision"]
    try:
        done = subprocess.run(
            command, env=settings.environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        told = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise Unavailable(
            "The vision model could not be loaded; the process that tried it ended or hung.",
            hint="It may be out of memory: take a smaller model.",
            code="no-memory",
        ) from error
    if "kind" in told:
        raise KINDS.get(told["kind"], DocprocError)(told["message"], hint=told["hint"], code=told["code"])
    return str(told["engine"])


def main() -> None:
    """Load the model and say on stdout, as JSON, what it is or why it cannot be used."""
    try:
        engine = open_model(Settings.from_environment()).engine
        told = {"engine": f"{engine.name} {engine.version}"}
    except DocprocError as error:
        told = {"kind": type(error).__name__, "message": error.message, "hint": error.hint, "code": error.code}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
