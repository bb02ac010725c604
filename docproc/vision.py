"""The vision model of this installation: opened by the settings, and tried out before anybody waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from docproc.engines import load_masks, load_vision
from docproc.errors import DocprocError, Unavailable, Usage
from docproc.settings import Settings
from docproc.tasks.pages import Model

MASKS = "vae-oid.npz"
PATIENCE = 900.0
"""Seconds that loading a model may take: 55 GB from a slow disk."""
KINDS: dict[str, type[DocprocError]] = {"Unavailable": Unavailable, "Usage": Usage}


def open_model(settings: Settings, *, engine: str = "", model: str = "", masks: Path | None = None) -> Model:
    """Return a model ready to be asked; engine and model are those of the settings where not given.

    `masks` is the decoder of masks; where not given, the one in the model's folder or beside it, if there is one.
    Raises Unavailable when something is not here, Usage when it is wrong.
    """
    engine, model = engine or settings.vision_engine, model or settings.vision_model
    if not model:
        raise Unavailable(
            "There is no vision model.",
            hint="Set DOCPROC_VISION_MODEL to the folder of a checkpoint.",
            code="no-vision-model",
        )
    loaded = load_vision(engine, settings, model)
    found = masks or masks_beside(model)
    return Model(loaded, decoder=load_masks(found) if found else None)


def masks_beside(model: str) -> Path | None:
    """Return the decoder of masks that lies in the folder of a model or beside it."""
    folder = Path(model)
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
