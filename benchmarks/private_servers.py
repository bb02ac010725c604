"""PostgreSQL, Redis and RabbitMQ of our own: started from nothing in a folder, on ports of their own.

What is broken here is nobody else's: they know nothing of the servers that run on the machine already.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

How = Literal["gently", "hard"]
START_SECONDS = 120.0
POSTGRES_PROGRAMS = "/usr/lib/postgresql/*/bin"
RABBITMQ_PROGRAMS = "/usr/lib/rabbitmq/bin"


class Server(Protocol):
    """A server of our own; `url` is where it answers, whether it runs or not."""

    url: str
    name: str

    def start(self) -> None:
        """Start it, and wait until it answers."""

    def stop(self, how: How) -> None:
        """Stop it; hard is as by a crash."""

    def close(self) -> None:
        """End it with all that it started."""


class Postgres:
    """A cluster in `folder`. It refuses to run as root, so root runs it as the user postgres."""

    name = "PostgreSQL"

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        self.url = f"postgresql://docproc@127.0.0.1:{self._port}/postgres"
        folder.mkdir()
        if self._user:
            shutil.chown(folder, **self._user)
        self._run("initdb", "--auth=trust", "--username=docproc", "--encoding=UTF8", "--no-locale", "-D", str(folder))

    def start(self) -> None:  # noqa: D102  (as Server says)
        # What it keeps ready of its log is small, so that it meets a full disk like everything else.
        options = f"-p {self._port} -k '' -c listen_addresses=127.0.0.1 -c max_wal_size=64MB -c min_wal_size=32MB"
        log = self._folder / "log"
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self._folder), "-l", str(log), "-o", options)

    def stop(self, how: How) -> None:  # noqa: D102
        mode = {"gently": "fast", "hard": "immediate"}[how]
        self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self._folder), check=False)

    def close(self) -> None:  # noqa: D102
        self.stop("hard")

    def runs(self) -> bool:
        """Whether its main process is there."""
        return self._run("pg_ctl", "status", "-D", str(self._folder), check=False) == 0

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        found = sorted(Path("/").glob(f"{POSTGRES_PROGRAMS[1:]}/{program}"))
        command = [str(found[-1]) if found else program, *arguments]
        done = subprocess.run(command, check=False, cwd="/", **_quiet(), **self._user)
        if check and done.returncode:
            raise RuntimeError(f"{program} failed")
        return done.returncode


class Redis:
    """A Redis that keeps nothing on disk."""

    name = "Redis"

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"
        folder.mkdir()

    def start(self) -> None:  # noqa: D102
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(["redis-server", *options], **_quiet())
        _until(lambda: self._said(b"PING\r\n").startswith(b"+PONG"))

    def stop(self, how: How) -> None:  # noqa: D102
        _end(self._process, how)

    def close(self) -> None:  # noqa: D102
        self.stop("hard")

    def flush(self) -> None:
        """Forget everything."""
        self._said(b"FLUSHALL\r\n")

    def _said(self, line: bytes) -> bytes:
        return ask(self._port, line)


class RabbitMq:
    """A node with a name, a folder, ports and an epmd of its own."""

    name = "RabbitMQ"

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        folder.mkdir()
        (folder / "enabled_plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text("listeners.tcp.default = " + f"127.0.0.1:{self._port}\n")
        self._environment = {
            **os.environ,
            "HOME": str(folder),  # its cookie
            "RABBITMQ_NODENAME": f"docproc-chaos-{self._port}@localhost",
            "RABBITMQ_BASE": str(folder),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # lets it be told to end
        }

    def start(self) -> None:  # noqa: D102
        program = Path(RABBITMQ_PROGRAMS, "rabbitmq-server")
        command = [str(program) if program.exists() else program.name]
        self._process = subprocess.Popen(command, env=self._environment, start_new_session=True, **_quiet())
        _until(lambda: ask(self._port, b"AMQP\0\0\x09\x01").startswith(b"\x01"))

    def stop(self, how: How) -> None:  # noqa: D102
        _end(self._process, how, group=True)

    def close(self) -> None:  # noqa: D102
        self.stop("hard")
        subprocess.run(["epmd", "-kill"], check=False, env=self._environment, **_quiet())


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def ask(port: int, line: bytes) -> bytes:
    """Return the beginning of what is answered to `line`; b"" when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(line)
            return connection.recv(64)
    except OSError:
        return b""


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("A server did not start.")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes] | None, how: How, *, group: bool = False) -> None:
    if process is None or process.poll() is not None:
        return
    sent = {"gently": signal.SIGTERM, "hard": signal.SIGKILL}[how]
    if group:
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    process.wait(60)


def _quiet() -> Mapping[str, Any]:
    return {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
