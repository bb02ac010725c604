"""Which version of a model is used, which were before, and why it changed each time: one small file beside them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docproc.errors import DocprocError

FILE = "current.json"
MOST_ENTRIES = 1000
"""Changes that are kept, the newest."""


@dataclass(frozen=True, slots=True)
class Current:
    """`version` is the one in use, 0 when none is; `before` those used before, the last one first.

    `log` has an entry per change, oldest first: "at" (ISO 8601), "version", "from", "by" ("added", "promote" or
    "rollback"), and what else was said of it: the figures it was promoted on, or the reason it was forced.
    """

    version: int = 0
    before: tuple[int, ...] = ()
    log: tuple[Mapping[str, Any], ...] = ()

    def using(self, version: int, *, by: str, why: Mapping[str, Any]) -> Current:
        """Return what it is once `version` is used; going back takes the last one off `before`."""
        if by == "rollback":
            before = self.before[1:]
        else:
            before = self.before if self.version in {0, version} else (self.version, *self.before)
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "version": version, "from": self.version}
        return Current(version, before, (*self.log, entry | {"by": by} | dict(why))[-MOST_ENTRIES:])

    def write(self, home: Path) -> None:
        """Write it into the folder of a model, whole or not at all."""
        content = {"version": self.version, "before": list(self.before), "log": list(self.log)}
        replace_file(home / FILE, json.dumps(content, ensure_ascii=False))

    @classmethod
    def read(cls, home: Path) -> Current:
        """Return that of a model's folder; one without a version where none was ever used.

        Raises DocprocError when it is damaged.
        """
        path = home / FILE
        try:
            found = json.loads(path.read_text("utf-8"))
            numbers = tuple(int(number) for number in found["before"])
            return cls(int(found["version"]), numbers, tuple(found.get("log", ())))
        except FileNotFoundError:
            return cls()
        except (ValueError, LookupError, TypeError) as error:
            raise DocprocError(
                f"{path} is damaged.", hint="Remove the model's folder and add it again.", code="model-damaged"
            ) from error


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(name).replace(path)
