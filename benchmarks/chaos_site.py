"""A whole installation that may be broken: a disk of its own, servers of its own, a web server and workers.

Whoever dies is started again, as an operating system's service manager does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from private_servers import ask, free_port
from sqlalchemy import select

from docproc.client import Client
from docproc.errors import Unavailable
from docproc.settings import Settings
from docproc.store import migrate, tokens, users
from docproc.store.database import Database
from docproc.store.tables import Job

ROOT = Path(__file__).parents[1]
DISK_BYTES = 400_000_000
LEASE_SECONDS = 4.0
SWEEP_SECONDS = 1.0
STOP_SECONDS = 60.0


@dataclass
class Site:
    """What runs over one data folder. `deaths` counts processes that ended although nobody killed them."""

    folder: Path
    settings: Settings
    workers: int
    concurrency: int
    port: int = field(default_factory=free_port)
    token: str = ""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    killed: set[int] = field(default_factory=set)
    deaths: int = 0

    def prepare(self) -> None:
        """Make the tables and a user who may upload."""
        database = Database(self.settings)
        migrate.upgrade(database)
        with database.write() as session:
            self.token = tokens.make(session, users.add(session, "ann", "reviewer"), "write")[1]
        database.close()

    def client(self) -> Client:
        """Return a client of the web server."""
        return Client(f"http://127.0.0.1:{self.port}", self.token)

    def tend(self) -> None:
        """Start what is not running."""
        for name in ("web", *(f"worker {number}" for number in range(1, self.workers + 1))):
            process = self.running.get(name)
            if process is not None and process.poll() is None:
                continue
            self.deaths += process is not None and process.pid not in self.killed
            self.running[name] = self._start(name)

    def kill(self, pid: int) -> None:
        """End a process as the kernel does when memory is short."""
        self.killed.add(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def main_of_worker(self) -> list[int]:
        """Return the main processes of the workers."""
        return [process.pid for name, process in self.running.items() if name != "web" and process.poll() is None]

    def children_of_workers(self) -> list[int]:
        """Return the processes that do the jobs."""
        return [child.pid for main in self.main_of_worker() for child in _children(main)]

    def parsers(self) -> list[int]:
        """Return the processes that open uploaded files."""
        return [parser.pid for child in self.children_of_workers() for parser in _children(child)]

    def busy(self) -> list[int]:
        """Return the processes that have a job just now; none when the database does not say."""
        database = Database(self.settings)
        try:
            with database.read() as session:
                names = session.scalars(select(Job.worker).where(Job.lease_until.is_not(None))).all()
        except Unavailable:
            return []
        finally:
            database.close()
        pids = {int((name or "").rpartition(".")[2] or 0) for name in names}
        return [pid for pid in self.children_of_workers() if pid in pids]

    def dropped(self) -> int:
        """Return how many results were not taken, because their job was another's by then."""
        return (self.folder / "log").read_text("utf-8", "replace").count("The result came too late")

    def wait_for_web(self) -> None:
        """Return when the web server answers."""
        while not ask(self.port, b"GET /healthz HTTP/1.0\r\n\r\n"):
            self.tend()
            time.sleep(0.2)

    def stop(self) -> list[str]:
        """Ask everything to end, and return what has not: "process PID: command"."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
        self.running.clear()
        end = time.monotonic() + 10
        while (left := list(self._left())) and time.monotonic() < end:
            time.sleep(0.2)
        said = [f"process {one.pid}: {' '.join(one.cmdline())[:80]}" for one in left]
        for one in left:
            one.kill()
        return said

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        web = [sys.executable, "-m", "docproc", "web", "--port", str(self.port)]
        worker = [sys.executable, "tests/run_worker.py", "--concurrency", str(self.concurrency)]
        environment = self.settings.environment() | {
            "TMPDIR": str(self.folder / "tmp"),
            "DOCPROC_TEST_ENGINE": "unsteady",
        }
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                web if name == "web" else worker, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stderr=log
            )

    def _left(self) -> Iterator[psutil.Process]:
        """Yield the processes, wherever they hang in the tree, that were started for our data folder."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                ours = process.environ().get("DOCPROC_DATA_DIR") == str(self.settings.data_dir)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process


@contextmanager
def disk(folder: Path) -> Iterator[bool]:
    """Make `folder` a small disk, and tell whether that was allowed."""
    folder.mkdir()
    options = f"size={DISK_BYTES},mode=755"
    mounted = not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False, capture_output=True
    ).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until the disk of `folder` is full; return the file to delete."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return ballast


def settings(folder: Path, database_url: str = "", broker_url: str = "") -> Settings:
    """Return settings under which death is noticed soon."""
    quick = Settings(lease_seconds=LEASE_SECONDS, sweep_seconds=SWEEP_SECONDS, threads=1)
    return replace(quick, data_dir=folder / "disk" / "data", database_url=database_url, broker_url=broker_url)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.Error:
        return []
