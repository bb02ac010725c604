"""Celery's transport without a server: messages are files in the data folder.

kombu's own writes a message in the place where readers look, so that a reader can take half of one and end with
an error. Here it gets its name when it is whole, and what cannot be read is passed over.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem

SUFFIX = ".msg"


class Channel(filesystem.Channel):
    """Puts and gets whole messages, oldest first."""

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}"
        part = folder / f"{name}.part"
        part.write_text(json.dumps(payload), "utf-8")
        part.rename(folder / f"{name}{SUFFIX}")

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        ending = f".{queue}{SUFFIX}"
        for name in sorted(path.name for path in Path(self.data_folder_in).glob(f"*{ending}")):
            taken = Path(self.processed_folder, name)
            try:
                Path(self.data_folder_in, name).rename(taken)  # of several readers one succeeds
                message: dict[str, Any] = json.loads(taken.read_text("utf-8"))
            except (FileNotFoundError, ValueError):
                continue
            finally:
                taken.unlink(missing_ok=True)
            return message
        raise Empty


class Transport(filesystem.Transport):
    """The transport that `worker.app` names."""

    Channel = Channel
