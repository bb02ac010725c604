"""A private temporary folder that is removed even when its owner was killed: by the next one who makes a folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "docproc-parser-"
YOUNG = 60.0
"""Seconds in which a folder is let alone: its owner may not have locked it yet."""


class Scratch:
    """A new folder at `path`, locked for as long as this process has it; `remove` removes it."""

    def __init__(self) -> None:
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _locked(self.path)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _sweep() -> None:
    """Remove folders whose owner is gone: the kernel drops a lock with its process."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            status = path.lstat()
        except OSError:
            continue
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < YOUNG:
            continue
        lock = _locked(path)
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _locked(path: Path) -> int | None:
    """Return the open folder with our lock on it, None when somebody else has one or it is no folder."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(folder)
        return None
    return folder
