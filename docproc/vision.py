"""The vision model of this installation: opened by the settings, and tried out before anybody waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from docproc.engines import load_masks, load_vision
from docproc.errors import DocprocError, Unavailable, Usage
from docproc.registry import Registry
from docproc.settings import Settings
from docproc.tasks.pages import Model, task_called
from docproc.tasks.views import SIDES

MASKS = "vae-oid.npz"
EXPORTED = "openvino"
HERE = ("paligemma", EXPORTED)
"""Engines whose models are registered, or folders."""
PATIENCE = 900.0
"""Seconds that loading a model may take: 55 GB from a slow disk."""
KINDS: dict[str, type[DocprocError]] = {"Unavailable": Unavailable, "Usage": Usage}


def open_model(
    settings: Settings, *, engine: str = "", model: str = "", masks: Path | None = None, task: str = ""
) -> Model:
    """Return a model ready to be asked; engine and model are those of the settings where not given.

    Of several sizes of one model that which does `task` well is taken, the largest without one. A registered model
    comes with the prompts it was added with, and with its adapters, each for its tasks. `masks` is the decoder of
    masks; where not given, the one in the model's folder or beside it, or the registered one, if there is one.
    Raises Unavailable when something is not here, Usage when it is wrong.
    """
    chosen, model = engine or settings.vision_engine, model or settings.vision_model
    if not model:
        raise Unavailable(
            "There is no vision model.",
            hint="Set DOCPROC_VISION_MODEL to a registered model (`docproc models list`) or the folder of one.",
            code="no-vision-model",
        )
    if chosen not in HERE:
        found = masks or masks_beside(Path(model))
        return Model(load_vision(chosen, settings, model), decoder=load_masks(found) if found else None)
    registry = Registry(settings)
    located = registry.locate(model, side=task_called(task).side if task else max(SIDES))
    card, adapter = located.card, located.adapter
    if card and card.kind == "exported" and not engine:
        chosen = EXPORTED
    name = adapter.name if adapter else card.name if card else model
    loaded = load_vision(chosen, settings, name)
    own, adapters = dict((adapter or card).prompts) if card else {}, {}
    for one in registry.adapters(card) if card and not adapter else ():
        adapters.update(dict.fromkeys(one.tasks, one.name))
        own.update(one.prompts)
    found = masks or masks_beside(located.folder) or registry.masks()
    return Model(loaded, own, load_masks(found) if found else None, adapters)


def masks_beside(folder: Path) -> Path | None:
    """Return the decoder of masks that lies in the folder of a model or beside it."""
    return next((path for path in (folder / MASKS, folder.parent / MASKS) if path.is_file()), None)


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
