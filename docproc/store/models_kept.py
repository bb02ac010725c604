"""The registered models in a backup: always what is known of them, their files where that is asked for.

Cards, which version is used and why, and accepted licences are small and cannot be made again; the weights of a
checkpoint can be gigabytes, and mostly be fetched again. What was fine-tuned here cannot.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import IO

from docproc.registry import Registry
from docproc.registry.card import CARD
from docproc.registry.current import FILE as CURRENT
from docproc.registry.folder import NAME, STAGING
from docproc.registry.licences import FILE as LICENCES
from docproc.settings import Settings

FOLDER = "models"


def known(settings: Settings, *, weights: bool) -> Iterator[tuple[str, Path]]:
    """Yield name in the backup and path of what is to be kept; with `weights` all files of all versions."""
    registry = Registry(settings)
    licences = registry.root / LICENCES
    if licences.is_file():
        yield f"{FOLDER}/{LICENCES}", licences
    for name in registry.names():
        home = registry.root / name
        for path in sorted(path for path in home.rglob("*") if path.is_file()):
            place = path.relative_to(registry.root)
            if _plain(place) and (weights or path.name in (CARD, CURRENT)):
                yield f"{FOLDER}/{place.as_posix()}", path


class Restored:
    """Models on their way out of a backup; `keep` puts them in their place."""

    def __init__(self, settings: Settings) -> None:
        self._root = Registry(settings).root
        self._staged: Path | None = None

    def put(self, name: str, stream: IO[bytes]) -> bool:
        """Take in a file by its name below `FOLDER`; return False for a name that no backup of ours has."""
        place = PurePosixPath(name)
        if not place.parts or not _plain(place):
            return False
        if self._staged is None:
            self._root.mkdir(parents=True, exist_ok=True)
            self._staged = Path(tempfile.mkdtemp(prefix=STAGING, dir=self._root))
        path = self._staged / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file)
        return True

    def keep(self) -> tuple[list[str], list[str]]:
        """Put models where there is none of their name; return the names of those, and of those that were there."""
        new, old = list[str](), list[str]()
        for path in sorted(self._staged.iterdir()) if self._staged else ():
            there = (self._root / path.name).exists()
            if path.is_dir():
                (old if there else new).append(path.name)
            if not there:
                path.rename(self._root / path.name)
        self.close()
        return new, old

    def close(self) -> None:
        """Remove what was taken in and not kept."""
        if self._staged:
            shutil.rmtree(self._staged, ignore_errors=True)
            self._staged = None


def _plain(place: PurePath) -> bool:
    """Say whether a path stays where it begins: every part is a plain name."""
    return all(NAME.fullmatch(part) for part in place.parts)
