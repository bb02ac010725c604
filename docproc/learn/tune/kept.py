"""Where a training stands, on disk: written whole or not at all, so that `kill -9` costs a minute at most."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from docproc.errors import Unavailable, Usage

CHECKPOINT = "checkpoint"
FREE = frozenset({"micro", "checkpointing"})
"""What of a plan may change when a training is taken up: it changes speed and memory, not what is learnt."""


def save(folder: Path, state: Mapping[str, Any], dump: Callable[[Any, BinaryIO], None]) -> None:
    """Keep `state` in `folder`, in place of what was kept before. Raises Unavailable when the disk is full.

    `dump` writes it to a stream, as torch.save does; `state["identity"]` is what `load` compares.
    """
    path = folder / CHECKPOINT
    new = path.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as stream:
            dump(dict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except (OSError, RuntimeError) as error:  # torch says either
        new.unlink(missing_ok=True)
        raise Unavailable(
            f"The checkpoint could not be written to {folder}: {error}.",
            hint="Make room and give the same command again: it goes on from the last checkpoint.",
            code="disk-full",
        ) from error


def load(folder: Path, identity: Mapping[str, Any], parse: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return what was kept in `folder` of the same training, {} when nothing was.

    `identity` says which training it is, `parse` reads what `dump` of `save` wrote. Raises Usage when another was
    begun in that folder.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return {}
    try:
        state = parse(path)
        before = dict(state["identity"])
    except (OSError, RuntimeError, EOFError, LookupError, TypeError, ValueError) as error:
        raise Usage(
            f"{path} is damaged: {error}.", hint="Begin again with --restart.", code="checkpoint-damaged"
        ) from error
    changed = [key for key, value in identity.items() if key not in FREE and before.get(key) != value]
    if changed:
        told = ", ".join(f"{key}: {before.get(key)}, now {identity[key]}" for key in changed)
        raise Usage(
            f"In {folder} another training was begun ({told}).",
            hint="Give the same options to go on with it, or --restart to begin again.",
            code="other-training",
        )
    return state


def require_room(folder: Path, needed: int) -> None:
    """Raise Unavailable unless `needed` bytes are free where `folder` is or will be."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise Unavailable(
            f"Checkpoints and the result take {needed / 1e9:.1f} GB in {folder}; {free / 1e9:.1f} GB are free.",
            hint="Make room, or give another folder with --output.",
            code="disk-full",
        )
