"""A child process that opens uploaded files, so that a bad file costs one call and never the caller.

It is started with `subprocess` (a Celery worker may not use multiprocessing) as `python -m docproc.sandbox`,
lives as long as it behaves, and is killed with everything it started when it does not. It is not trusted:
nothing that it sends is unpickled (`docproc.parsers.wire`), and callers check the values.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from docproc.errors import DocprocError, EngineFailed, Rejected, Unavailable
from docproc.parsers import wire
from docproc.scratch import Scratch
from docproc.settings import Settings

START_SECONDS = 60.0
RECYCLE_BYTES = 600_000_000
"""A child that keeps more than this in memory between calls is replaced by a fresh one."""
STDERR_KEPT = 4_000
KINDS: dict[str, type[DocprocError]] = {kind.__name__: kind for kind in (EngineFailed, Rejected, Unavailable)}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a verb returned: JSON values (not trusted: check them) and raw bytes."""

    values: dict[str, Any]
    blob: memoryview


class Sandbox:
    """Runs the verbs of `docproc.parsers`; the child starts with the first call. Threads may share one.

    Make it in the process that uses it (after a fork), and close it, best by `with`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the child, None while there is none."""
        child = self._child
        return child.process.pid if child else None

    def close(self) -> None:
        """End the child and everything it started, and remove its folder. A later call starts a new one."""
        with self._lock:
            self._stop()

    def call(self, verb: str, arguments: Mapping[str, Any], *, seconds: float) -> Reply:
        """Run `verb` with `arguments` (as JSON) in the child, for at most `seconds`, not counting its start.

        Raises what the verb raised (Rejected, EngineFailed, Unavailable), or EngineFailed with the code
        `parser-time`, `parser-memory` or `parser-crash`; after these the next call gets a fresh child.
        """
        request = {"verb": verb, "arguments": dict(arguments), "seconds": seconds}
        with self._lock:
            try:
                header, blob = self._exchange(request, seconds)
            except TimeoutError:
                self._stop()
                raise _out_of_time(seconds) from None
            except (EOFError, OSError, ValueError, RecursionError) as error:
                raise self._crashed(error) from None
            except BaseException:  # Ctrl-C: what is left of this answer must not meet the next call
                self._stop()
                raise
            if header.get("code") == "parser-memory" or self._resident > RECYCLE_BYTES:
                self._stop()
        if header["ok"]:
            return Reply(header["values"], blob)
        if header["code"] == "parser-memory":
            raise self._out_of_memory()
        raise KINDS.get(header["kind"], EngineFailed)(header["message"], hint=header["hint"], code=header["code"])

    def _exchange(self, request: Mapping[str, Any], seconds: float) -> tuple[dict[str, Any], memoryview]:
        child = self._child or self._start()
        try:
            child.send(request, seconds)
        except ConnectionError:  # it died while nothing was asked of it
            self._stop()
            child = self._start()
            child.send(request, seconds)
        largest = max(3 * self._settings.max_pixels, 2 * self._settings.max_bytes)
        return child.receive(seconds, largest)

    def _start(self) -> _Child:
        self._child = child = _Child(self._settings)
        try:
            child.receive(START_SECONDS, 0)
        except (TimeoutError, EOFError):
            how, said = self._stop(patience=1.0)
            failure = Unavailable(f"The parser process did not start{how}.", hint="`docproc doctor` may tell.")
            failure.add_note(said)
            raise failure from None
        return child

    def _stop(self, patience: float = 0.0) -> tuple[str, str]:
        child, self._child = self._child, None
        return child.stop(patience) if child else ("", "")

    @property
    def _resident(self) -> int:
        return self._child.resident if self._child else 0

    def _crashed(self, error: Exception) -> EngineFailed:
        # a moment of patience, so that its own signal is what we report
        how, said = self._stop(patience=1.0)
        if "MemoryError" in said or "bad_alloc" in said:
            return self._out_of_memory()
        failure = EngineFailed(f"The parser crashed on this file{how}.", code="parser-crash")
        failure.add_note(said or repr(error))
        return failure

    def _out_of_memory(self) -> EngineFailed:
        return EngineFailed(
            f"The parser needed more than {self._settings.parser_memory / 1e9:g} GB of memory.",
            hint="DOCPROC_PARSER_MEMORY raises the limit.",
            code="parser-memory",
        )


def _out_of_time(seconds: float) -> EngineFailed:
    return EngineFailed(
        f"The parser needed more than {seconds:.3g} s.",
        hint="DOCPROC_PAGE_SECONDS raises the limit.",
        code="parser-time",
    )


class _Child:
    """One child process with its socket, its private folder and the end of what it wrote to stderr."""

    def __init__(self, settings: Settings) -> None:
        self._scratch = Scratch()
        self._channel, theirs = socket.socketpair()
        self._said = bytearray()
        limits = {
            "memory": settings.parser_memory,
            "file_bytes": 2 * settings.max_bytes,
            "parent": os.getpid(),
        }
        started: Future[subprocess.Popen[bytes]] = Future()
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "docproc.sandbox", json.dumps(limits)]
        # PR_SET_PDEATHSIG strikes when the *thread* that started the child ends: so a thread of its own
        # starts it and stays as long as the child does
        self._keeper = threading.Thread(
            target=_keep, args=(started, command, theirs, self._scratch.path, self._said), daemon=True
        )
        self._keeper.start()
        try:
            self.process = started.result()
        except OSError as error:
            self._channel.close()
            self._scratch.remove()
            raise Unavailable(f"The parser process cannot be started: {error}.") from None

    @property
    def resident(self) -> int:
        """Bytes of memory that it occupies now; 0 where the system does not tell."""
        try:
            pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def send(self, request: Mapping[str, Any], seconds: float) -> None:
        """Send a request; raise TimeoutError when it is not taken, ConnectionError when the child is gone."""
        self._channel.settimeout(seconds)
        wire.send(self._channel, request)

    def receive(self, seconds: float, largest: int) -> tuple[dict[str, Any], memoryview]:
        """Return its reply, with a blob of at most `largest` bytes; raise as `wire.receive` does."""
        header, blob = wire.receive(self._channel, largest=largest, deadline=time.monotonic() + seconds)
        return wire.as_reply(header), blob

    def stop(self, patience: float) -> tuple[str, str]:
        """Kill it and all it started, remove its folder; return how it ended (" (SIGSEGV)"), what it said."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        ended = self.process.wait()
        self._keeper.join(1.0)
        self._scratch.remove()
        how = f" ({signal.Signals(-ended).name})" if ended < 0 else ""
        return how, self._said.decode("utf-8", "replace")


def _keep(
    started: Future[subprocess.Popen[bytes]],
    command: list[str],
    theirs: socket.socket,
    folder: Path,
    said: bytearray,
) -> None:
    """Start the child, then keep the end of its stderr until it is gone."""
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,  # libraries print; the socket is the only way to talk
            stderr=subprocess.PIPE,
            cwd=folder,
            env=_environment(folder),
            start_new_session=True,
        )
    except OSError as error:
        started.set_exception(error)
        return
    finally:
        theirs.close()
    started.set_result(process)
    assert process.stderr is not None  # noqa: S101  (it is a pipe, see above)
    with process.stderr as pipe:
        while chunk := os.read(pipe.fileno(), STDERR_KEPT):
            said[:] = (said + chunk)[-STDERR_KEPT:]


def _environment(folder: Path) -> dict[str, str]:
    """Return the child's whole environment: where programs and modules are, its own folder, one thread."""
    return {
        "PATH": os.pathsep.join(os.get_exec_path()),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
    }


if __name__ == "__main__":
    from docproc.parsers.child import serve

    serve(socket.socket(fileno=0), json.loads(sys.argv[1]))
