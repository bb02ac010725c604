"""What the main process of every worker does every few seconds: find what was lost, say that it lives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import psutil

from docproc.errors import DocprocError
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import Database
from worker.heartbeat import resident
from worker.queue import announce

log = logging.getLogger("docproc.worker")


class Sweeper(threading.Thread):
    """Sweeps until the process ends."""

    def __init__(
        self, database: Database, settings: Settings, name: str, queues: Sequence[str], concurrency: int
    ) -> None:
        super().__init__(name="sweep", daemon=True)
        self._database, self._settings, self._worker = database, settings, name
        self._queues, self._concurrency = queues, concurrency

    def run(self) -> None:
        """Sweep every `settings.sweep_seconds`."""
        while True:
            try:
                self._once()
            except DocprocError as error:
                log.warning("The sweep could not do its work: %s", error)
            time.sleep(self._settings.sweep_seconds)

    def _once(self) -> None:
        jobs.forfeit(self._database, self._worker, alive=_children())
        swept = jobs.sweep(self._database, self._settings)
        if swept.requeued or swept.failed:
            log.warning("Sweep: %d jobs queued again, %d given up", swept.requeued, swept.failed)
        with self._database.write() as session:
            jobs.heard_of(session, self._worker, self._queues, resident())
            busy = jobs.busy(session, self._worker)
        for queue in swept.ready.intersection(self._queues):
            announce(self._settings, queue, max(self._concurrency - busy, 0))


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
