"""The worker's processes: a main one that takes messages and sweeps, and children that work."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import psutil
from billiard.process import current_process  # type: ignore[import-untyped]
from celery import signals
from celery.exceptions import SecurityWarning

from docproc import logs
from docproc.errors import Unavailable
from docproc.scratch import Scratch
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import Database
from worker.app import TASK, make
from worker.jobs import Worker, guarded
from worker.meaning import AT_ONCE
from worker.queue import announce
from worker.sweep import Sweeper

log = logging.getLogger("docproc.worker")
WORKER_MEMORY = 1_500_000_000
"""Bytes that a child with its engines needs, as measured."""
GRACE = 8.0
"""Seconds in which a page may be finished after SIGTERM; Docker kills after ten."""


class Processes:
    """One `docproc worker`."""

    def __init__(self, settings: Settings, queues: Sequence[str], concurrency: int) -> None:
        self.settings, self.queues, self.concurrency = settings, tuple(queues), concurrency
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._worker: Worker | None = None
        self._database = Database(settings)
        self._app = make(settings)
        if jobs.VISION_QUEUE in self.queues:  # Celery would count the model; the heartbeat does not
            self._app.conf.worker_max_memory_per_child = None
        self._app.task(name=TASK, bind=False)(self._work)

    def run(self) -> int:
        """Work until SIGTERM or Ctrl-C; return the exit code."""
        # What it warns of is pickled messages; ours are JSON, and say nothing but that there is work.
        warnings.simplefilter("ignore", SecurityWarning)
        signals.setup_logging.connect(_configure_logs, weak=False)
        signals.worker_process_init.connect(self._child_began, weak=False)
        signals.worker_process_shutdown.connect(self._child_ends, weak=False)
        signals.worker_ready.connect(self._ready, weak=False)
        signals.worker_shutting_down.connect(self._ending, weak=False)
        worker = self._app.Worker(
            hostname=f"docproc@{self.name}",
            pool_cls="prefork",
            concurrency=self.concurrency,
            queues=",".join(self.queues),
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            quiet=True,
        )
        _tidy()
        worker.start()
        return int(worker.exitcode or 0)

    def _work(self) -> None:
        """Claim the best job and do it, or prepare search by meaning; tell others when more waits."""
        assert self._worker is not None  # noqa: S101  (made when the child began)
        try:
            held = self._worker.claim()
        except Unavailable as error:
            log.warning("No job can be claimed: %s", error)
            return
        if held is None:
            self._prepare(self._worker)
            return
        # One message makes one at most: they spread to all who are idle, and do not pile up.
        told = self._announce_more(self._worker)
        self._worker.work(held)
        if not told and not self._announce_more(self._worker):
            self._prepare(self._worker)

    def _prepare(self, worker: Worker) -> None:
        """Prepare search by meaning for some pages; have it go on while there are any."""
        if worker.embed(AT_ONCE):
            announce(self.settings, self.queues[0])

    def _announce_more(self, worker: Worker) -> bool:
        """Tell of work that waits; return whether there is any. A database that is away is no reason to fail."""
        try:
            with worker.database.read() as session:
                queues = jobs.ready(session, self.queues)
        except Unavailable as error:
            log.warning("Nobody is told of work, the sweep finds it: %s", error)
            return False
        for queue in queues[:1]:
            announce(self.settings, queue)
        return bool(queues)

    def _child_began(self, **_: Any) -> None:
        threads = self.settings.threads or max(1, cores() // self.concurrency)
        settings = replace(self.settings, threads=threads, vision_devices=_device(self.settings))
        self._worker = Worker(settings, self.queues, f"{self.name}.{os.getpid()}")

    def _child_ends(self, **_: Any) -> None:
        if self._worker is not None:
            self._worker.close()

    def _ready(self, **_: Any) -> None:
        Sweeper(self._database, self.settings, self.name, self.queues, self.concurrency).start()

    def _ending(self, **_: Any) -> None:
        timer = threading.Timer(GRACE, self._hand_back)
        timer.daemon = True
        timer.start()

    def _hand_back(self) -> None:
        """End at once: what children still work on is queued again, the attempt not counted."""
        guarded(lambda: jobs.release_all(self._database, self.name), "Jobs could not be handed back")
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        os._exit(0)


def _tidy() -> None:
    """Make temporary files in a folder that the next worker removes, should this one be killed; Celery leaves one."""
    scratch = Scratch()
    tempfile.tempdir = str(scratch.path)
    Finalize(None, scratch.remove, exitpriority=-200)  # after multiprocessing has removed what is in it


def _configure_logs(**_: Any) -> None:
    logs.configure()
    for name in ("celery", "kombu", "amqp"):
        logging.getLogger(name).setLevel(logging.WARNING)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def best_concurrency(settings: Settings, queues: Sequence[str] = ("cpu",)) -> int:
    """Return how many children to start: as asked for, else one per core as far as memory goes.

    Where vision models are asked each child loads its own: one per device.
    """
    if jobs.VISION_QUEUE in queues:
        return max(len(_devices(settings)), 1)
    return settings.workers or max(1, min(cores(), _memory() // WORKER_MEMORY))


def _devices(settings: Settings) -> list[str]:
    return [device.strip() for device in settings.vision_devices.split(",") if device.strip()]


def _device(settings: Settings) -> str:
    """Return the device of this child: the children take them in turn."""
    devices = _devices(settings)
    return devices[current_process().index % len(devices)] if devices else ""


def _memory() -> int:
    """Return the bytes of memory of this machine, or of its container."""
    total: int = psutil.virtual_memory().total
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text("ascii")))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return total


def follow_parent(pipe: int) -> None:
    """End this process, gracefully, when the one that holds the other end of the pipe (a descriptor) has ended."""

    def wait() -> None:
        while os.read(pipe, 1):  # not through sys.stdin: a buffer's lock, held at exit, is fatal
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
