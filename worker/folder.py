"""Celery's transport without a server: messages are files in the data folder.

kombu's own writes a message in the place where readers look, so that a reader can take half of one and end with
an error. Here it gets its name when it is whole, and what cannot be read is passed over. kombu's own also keeps a
table of queues, which a full disk or two workers that start at once leave broken; messages of ours name their queue.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import filesystem

SUFFIX = ".msg"
PART = ".part"
YOUNG = 60.0
"""Seconds in which a part may still become a message."""


def clear(folder: Path) -> None:
    """Remove what writers that were killed have left."""
    for part in folder.glob(f"*{PART}"):
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > YOUNG:
                part.unlink()


class Channel(filesystem.Channel):
    """Puts and gets whole messages, oldest first."""

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}"
        part = folder / f"{name}{PART}"
        try:
            part.write_text(json.dumps(payload), "utf-8")
            part.rename(folder / f"{name}{SUFFIX}")
        except OSError:  # the disk is full
            part.unlink(missing_ok=True)
            raise

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        ending = f".{queue}{SUFFIX}"
        for path in sorted(Path(self.data_folder_in).glob(f"*{ending}")):
            try:
                text = path.read_text("utf-8", "replace")
                path.unlink()  # of several readers one succeeds
                message: dict[str, Any] = json.loads(text)
            except (FileNotFoundError, ValueError):
                continue
            return message
        raise Empty

    def _queue_bind(self, *_: Any) -> None:
        pass

    def get_table(self, exchange: str) -> list[Any]:
        """Return nothing: no message goes by an exchange."""
        return []


class Transport(filesystem.Transport):
    """The transport that `worker.app` names."""

    Channel = Channel
