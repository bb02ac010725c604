"""Child processes that are kept alive: started, started again when they die, ended together.

Each holds the reading end of a pipe as its standard input; when this process dies, however it dies, the pipe
ends and the children end themselves.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

log = logging.getLogger("docproc.serve")

GRACE = 12.0
"""Seconds that children get to end by themselves."""
BACKOFF = (0.2, 30.0)
"""Seconds before a child is started again: at first, and at most."""
HEALTHY = 30.0
"""Seconds after which a child counts as having started well."""


@dataclass(slots=True)
class Child:
    """One process that is to run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    sockets: tuple[int, ...] = ()
    """File descriptors that it inherits."""
    nice: int = 0
    """How much it gives way to others, 0 to 19."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    backoff: float = BACKOFF[0]
    next_start: float = 0.0

    def start(self) -> None:
        """Start it, in a group of its own, so that Ctrl-C reaches us alone."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            env=dict(self.environment),
            pass_fds=self.sockets,
            start_new_session=True,
        )
        os.setpriority(os.PRIO_PROCESS, self.process.pid, min(os.getpriority(os.PRIO_PROCESS, 0) + self.nice, 19))
        self.started = time.monotonic()

    def look(self) -> None:
        """Start it again when it has died, after a while that grows as long as it keeps dying."""
        moment = time.monotonic()
        if self.process is None:
            if moment >= self.next_start:
                self.start()
        elif self.process.poll() is not None:
            self._died(moment)

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to it and everything that it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process is not None and self.process.poll() is None

    def _died(self, moment: float) -> None:
        assert self.process is not None  # noqa: S101  (look has seen it)
        code = self.process.returncode
        self.kill()  # what it left behind
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        healthy = moment - self.started > HEALTHY
        self.backoff = BACKOFF[0] if healthy else min(self.backoff * 2, BACKOFF[1])
        self.next_start = moment + self.backoff
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.warning("%s has died (%s); it is started again in %.1f s", self.name, how, self.backoff)


class Supervisor:
    """Keeps children alive until it is told to stop: once gracefully, twice at once."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children
        self._asked = 0
        self._wake = threading.Event()

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        for child in self.children:
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.ask_to_end()
        until = time.monotonic() + GRACE
        while self._asked < 2 and time.monotonic() < until and any(child.runs for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            child.kill()

    def run(self) -> None:
        """Look after the children until a signal comes."""
        while not self._asked:
            self.look()

    def look(self) -> bool:
        """Look after the children once; return whether to go on."""
        for child in self.children:
            child.look()
        self._wake.wait(0.2)
        return not self._asked

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        self._wake.set()
