"""Files in a folder: `ab/cd/abcd...`, so that no folder gets more than a few hundred of a million."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Folder:
    """Where files are kept in embedded mode."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Return where the file of that name lies."""
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def take(self, path: Path, sha256: str) -> None:
        """Move the file at `path` to its place; the same bytes again make it young again, and mend what rotted."""
        place = self.path(sha256)
        path.chmod(0o400)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked(fcntl.LOCK_SH):
            path.replace(place)
        for folder in (place.parent, place.parent.parent, self.root):
            _flush(folder)

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """Give the file itself; raise FileNotFoundError when there is none."""
        path = self.path(sha256)
        path.stat()
        yield path

    def __str__(self) -> str:
        return str(self.root.parent)

    def is_there(self) -> bool:
        """Whether the data folder is there; ours in it is made when it is needed."""
        return self.root.parent.is_dir()

    def exists(self, sha256: str) -> bool:
        """Whether there is a file of that name."""
        return self.path(sha256).is_file()

    def delete(self, sha256: str, older_than: float) -> bool:
        """Delete what was put more than `older_than` seconds ago; no upload gets in between."""
        path = self.path(sha256)
        try:
            with self._locked(fcntl.LOCK_EX):
                if path.stat().st_mtime > time.time() - older_than:
                    return False
                path.unlink()
        except FileNotFoundError:
            return False
        return True

    def every(self) -> Iterator[str]:
        """Yield the names."""
        for path in self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            yield path.name

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Hold the folder's lock: shared by those who put, exclusive for who deletes."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)


def _flush(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
