"""The worker's processes: a main one that takes messages and sweeps, and children that work."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from celery import signals
from celery.exceptions import SecurityWarning

from docproc import logs
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import Database
from worker.app import TASK, make
from worker.deliver import Deliverer
from worker.jobs import Worker
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
        worker.start()
        return int(worker.exitcode or 0)

    def _work(self) -> None:
        """Claim the best job and do it; tell others when more waits."""
        assert self._worker is not None  # noqa: S101  (made when the child began)
        held = self._worker.claim()
        if held is None:
            return
        # One message makes one at most: they spread to all who are idle, and do not pile up.
        told = self._announce_more(self._worker)
        self._worker.work(held)
        if not told:
            self._announce_more(self._worker)

    def _announce_more(self, worker: Worker) -> bool:
        with worker.database.read() as session:
            queues = jobs.ready(session, self.queues)
        for queue in queues[:1]:
            announce(self.settings, queue)
        return bool(queues)

    def _child_began(self, **_: Any) -> None:
        threads = self.settings.threads or max(1, cores() // self.concurrency)
        settings = replace(self.settings, threads=threads)
        self._worker = Worker(settings, self.queues, f"{self.name}.{os.getpid()}")

    def _child_ends(self, **_: Any) -> None:
        if self._worker is not None:
            self._worker.close()

    def _ready(self, **_: Any) -> None:
        Sweeper(self._database, self.settings, self.name, self.queues, self.concurrency).start()
        Deliverer(self._database, self.settings).start()

    def _ending(self, **_: Any) -> None:
        timer = threading.Timer(GRACE, self._hand_back)
        timer.daemon = True
        timer.start()

    def _hand_back(self) -> None:
        """End at once: what children still work on is queued again, the attempt not counted."""
        jobs.release_all(self._database, self.name)
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(0)


def _configure_logs(**_: Any) -> None:
    logs.configure()
    for name in ("celery", "kombu", "amqp"):
        logging.getLogger(name).setLevel(logging.WARNING)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def best_concurrency(settings: Settings) -> int:
    """Return how many children to start: as asked for, else one per core as far as memory goes."""
    return settings.workers or max(1, min(cores(), _memory() // WORKER_MEMORY))


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
