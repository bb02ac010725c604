"""What the main process of every worker does every few seconds: find what was lost, say that it lives, clear up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from docproc.settings import Settings
from docproc.store import jobs, retention, webhooks
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.search import vectors
from worker.heartbeat import resident
from worker.jobs import guarded
from worker.queue import announce

log = logging.getLogger("docproc.worker")
CLEARING_SECONDS = 600.0
"""How often the trash and old events are looked through."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """The duties of a worker's main process, besides handing out messages."""

    database: Database
    settings: Settings
    worker: str
    queues: Sequence[str]
    concurrency: int

    def start(self) -> None:
        """Do all duties, each in a thread of its own, until the process ends."""
        every(self.settings.sweep_seconds, self.sweep)
        every(self.settings.sweep_seconds, self.deliver)
        every(CLEARING_SECONDS, self.clear_up)

    def sweep(self) -> None:
        """Give lost work to others, and tell of work for which nobody seems to have been told."""
        jobs.forfeit(self.database, self.worker, alive=_children())
        swept = jobs.sweep(self.database, self.settings)
        if swept.requeued or swept.failed:
            log.warning("Sweep: %d jobs queued again, %d given up", swept.requeued, swept.failed)
        with self.database.write() as session:
            jobs.heard_of(session, self.worker, self.queues, resident())
            idle = self.concurrency - jobs.busy(session, self.worker)
            waits_for_meaning = vectors.any_waiting(session)
        ready = swept.ready.intersection(self.queues)
        for queue in ready:
            announce(self.settings, queue, max(idle, 0))
        if waits_for_meaning and idle and not ready:
            announce(self.settings, self.queues[0])

    def deliver(self) -> None:
        """Send the messages of webhooks that are due."""
        while webhooks.deliver_due(self.database, self.settings):
            pass

    def clear_up(self) -> None:
        """Delete for good what its time is up for."""
        retention.sweep(self.database, Files(self.settings), self.settings)


def every(seconds: float, duty: Callable[[], None]) -> None:
    """Do `duty` every so many seconds in a thread; when it fails it is logged and done again."""

    def repeat() -> None:
        while True:
            guarded(duty, f"{duty.__name__} failed")
            time.sleep(seconds)

    threading.Thread(target=repeat, name=duty.__name__, daemon=True).start()


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
