"""A running `docproc serve` over a folder of its own, for measurements."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

from docproc.client import Client
from docproc.settings import Settings
from docproc.store import tokens, users
from docproc.store.database import Database

READY_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Served:
    """The process, its address, and a token of an admin."""

    process: subprocess.Popen[str]
    url: str
    token: str

    def client(self) -> Client:
        """Return a client of it."""
        return Client(self.url, self.token)

    def cpu(self) -> float:
        """Return the CPU seconds of all its processes up to now."""
        return cpu_seconds(self.process.pid)


@contextmanager
def serve(workers: int = 0, threads: int = 0) -> Iterator[Served]:
    """Run `docproc serve` with so many worker processes and engine threads each; its workers are ready."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DOCPROC_")}
    chosen = {"DOCPROC_WORKERS": str(workers), "DOCPROC_THREADS": str(threads)}
    with TemporaryDirectory(prefix="docproc-") as folder, Path(folder, "log").open("w") as log:
        command = [sys.executable, "-m", "docproc", "serve", "--port", "0", "--no-sample", "--data", f"{folder}/data"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=plain | chosen)
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            if found is None:
                raise RuntimeError(Path(folder, "log").read_text())
            _wait_for_workers(found[0])
            yield Served(process, found[0], _token(Path(folder, "data")))
        finally:
            process.terminate()
            process.wait(60)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and all below it, those that have ended too."""
    total = 0.0
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _token(folder: Path) -> str:
    database = Database(Settings(data_dir=folder))
    with database.write() as session:
        secret = tokens.make(session, users.only_admin(session), "admin")[1]
    database.close()
    return secret


def _wait_for_workers(url: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while httpx.get(f"{url}/readyz", timeout=30).status_code != httpx.codes.OK:
        if time.monotonic() > until:
            raise RuntimeError("No worker came up.")
        time.sleep(0.5)
