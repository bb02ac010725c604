"""What watches a worker while it works: keeps its lease, and ends it when it is over time or memory."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from docproc.errors import Unavailable
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import Database

log = logging.getLogger("docproc.worker")
TICK = 0.5
"""Seconds between two looks."""
FAR_OVER = 2.0
"""Times `worker_memory` that a job may need for a moment; between jobs Celery replaces who is over it at all."""

Verdict = Callable[[jobs.Claim, dict[str, Any]], None]


@dataclass(slots=True)
class _Watch:
    """When a job began, and when its lease was extended last."""

    since: float
    kept: float


class Heartbeat(threading.Thread):
    """A thread beside the one that works. `give_up` is told of a job that this process is about to die of."""

    def __init__(self, database: Database, settings: Settings, give_up: Verdict) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._database, self._settings, self._give_up = database, settings, give_up
        self._parent = os.getppid()
        self._lock = threading.Lock()
        self._held: dict[jobs.Claim, _Watch] = {}
        self._model = 0

    @contextmanager
    def watching(self, held: jobs.Claim) -> Iterator[None]:
        """Keep the lease of `held` until the block ends. Several threads may have jobs at a time."""
        with self._lock:
            self._held[held] = _Watch(time.monotonic(), time.monotonic())
        try:
            yield
        finally:
            with self._lock:
                del self._held[held]

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Let what is loaded within the block, a model, not count as the memory of jobs."""
        before, known = resident(), self._model
        self._model = sys.maxsize
        try:
            yield
        finally:
            self._model = known + max(resident() - before, 0)

    def run(self) -> None:
        """Look every TICK seconds, until the process ends."""
        while True:
            time.sleep(TICK)
            if os.getppid() != self._parent:
                os._exit(1)  # an orphan: the main process was killed
            with self._lock:
                for held, watch in self._held.items():
                    self._look(held, watch)

    def _look(self, held: jobs.Claim, watch: _Watch) -> None:
        moment = time.monotonic()
        if moment - watch.since > self._settings.job_seconds:
            self._end(held, _over_time(self._settings))
        if resident() - self._model > FAR_OVER * self._settings.worker_memory:
            self._end(held, _over_memory(self._settings))
        if moment - watch.kept > self._settings.lease_seconds / 3:
            watch.kept = moment
            self._keep(held)

    def _keep(self, held: jobs.Claim) -> None:
        try:
            if not jobs.keep(self._database, held, self._settings):
                log.info("The job is no longer ours", extra={"fields": fields(held)})
        except Unavailable as error:
            log.warning("The lease could not be extended: %s", error, extra={"fields": fields(held)})

    def _end(self, held: jobs.Claim, problem: dict[str, Any]) -> None:
        log.error("%s", problem["message"], extra={"fields": fields(held)})
        try:
            self._give_up(held, problem)
        finally:
            os._exit(1)


def resident() -> int:
    """Return the bytes of memory that this process and its children occupy."""
    total, me = 0, psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:  # it has ended meanwhile
            continue
    return total


def fields(held: jobs.Claim) -> dict[str, Any]:
    """Return what a log line says of a job."""
    return {
        "job": held.job_id,
        "kind": held.kind,
        "document": held.document_id,
        "run": held.run_id,
        "page": held.number or None,
        "attempt": held.attempt,
    }


def _over_time(settings: Settings) -> dict[str, Any]:
    return {
        "code": "over-time",
        "message": f"The page took longer than {settings.job_seconds:,} s.",
        "hint": "DOCPROC_JOB_SECONDS raises the limit.",
    }


def _over_memory(settings: Settings) -> dict[str, Any]:
    return {
        "code": "over-memory",
        "message": f"The page needed more than {FAR_OVER * settings.worker_memory / 1e9:.2g} GB of memory.",
        "hint": "DOCPROC_WORKER_MEMORY raises the limit (half of what one page may take for a moment).",
    }
