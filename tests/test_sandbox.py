"""The sandbox: crashes, hangs, lack of memory and nonsense cost one call; nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pymupdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.errors import EngineFailed, Rejected
from docproc.parsers import wire
from docproc.sandbox import Sandbox
from docproc.scratch import PREFIX
from docproc.settings import Settings

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc or prctl")


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Settings()) as one:
        yield one


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "one.pdf"
    with pymupdf.open() as document:
        document.new_page()
        document.save(path)
    return path


def pages(sandbox: Sandbox, path: Path, seconds: float = 30) -> int:
    reply = sandbox.call("pdf-open", {"path": str(path), "password": None}, seconds=seconds)
    return int(reply.values["pages"])


def in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[EngineFailed]]:
    errors: list[EngineFailed] = []

    def run() -> None:
        try:
            work()
        except EngineFailed as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_one_child_answers_many_calls_and_leaves_nothing(sandbox: Sandbox, pdf: Path, tmp_path: Path) -> None:
    assert sandbox.pid is None
    assert pages(sandbox, pdf) == 1
    pid = sandbox.pid
    assert pages(sandbox, pdf) == 1
    assert sandbox.pid == pid
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    sandbox.close()
    assert gone(pid or 0)
    assert not list((tmp_path / "tmp").iterdir())
    assert pages(sandbox, pdf) == 1


def test_a_refusal_keeps_its_kind_and_the_child(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\nnothing")
    with pytest.raises(Rejected) as caught:
        pages(sandbox, broken)
    assert caught.value.code == "broken"
    assert sandbox.pid is not None


def test_a_child_that_hangs_is_killed(sandbox: Sandbox, pdf: Path) -> None:
    pages(sandbox, pdf)
    pid = sandbox.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(EngineFailed, match=r"more than 0\.3 s.*DOCPROC_PAGE_SECONDS") as caught:
        pages(sandbox, pdf, seconds=0.3)
    assert caught.value.code == "parser-time"
    assert time.monotonic() - started < 5
    assert gone(pid)
    assert pages(sandbox, pdf) == 1


def test_a_crash_in_a_call_costs_that_call(sandbox: Sandbox, pdf: Path) -> None:
    pages(sandbox, pdf)
    pid = sandbox.pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    thread, errors = in_background(lambda: pages(sandbox, pdf))
    time.sleep(0.2)
    os.kill(pid, signal.SIGSEGV)
    os.kill(pid, signal.SIGCONT)
    thread.join(10)
    assert [error.code for error in errors] == ["parser-crash"]
    assert "SIGSEGV" in str(errors[0])
    assert "\n" not in str(errors[0])
    assert "Segmentation fault" in "".join(errors[0].__notes__)
    assert pages(sandbox, pdf) == 1


def test_a_child_killed_between_calls_is_replaced_unnoticed(sandbox: Sandbox, pdf: Path) -> None:
    pages(sandbox, pdf)
    os.kill(sandbox.pid or 0, signal.SIGKILL)
    time.sleep(0.1)
    assert pages(sandbox, pdf) == 1


def test_an_error_nobody_foresaw_is_a_crash_with_its_traceback(sandbox: Sandbox) -> None:
    with pytest.raises(EngineFailed) as caught:
        sandbox.call("no-such-verb", {}, seconds=5)
    assert "KeyError" in "".join(caught.value.__notes__)


@linux_only
def test_lack_of_memory_names_the_setting(pdf: Path) -> None:
    settings = replace(Settings(), parser_memory=600_000_000)
    with Sandbox(settings) as sandbox:
        with pytest.raises(EngineFailed, match=r"0\.6 GB.*DOCPROC_PARSER_MEMORY") as caught:
            sandbox.call("pdf-draw", {"path": str(pdf), "password": None, "number": 1, "dpi": 1500}, seconds=60)
        assert caught.value.code == "parser-memory"
        assert pages(sandbox, pdf) == 1


@linux_only
def test_the_child_is_confined(sandbox: Sandbox, pdf: Path, tmp_path: Path) -> None:
    pages(sandbox, pdf)
    proc = Path(f"/proc/{sandbox.pid}")
    limits = (proc / "limits").read_text()
    assert f"Max address space {Settings().parser_memory:>14}".split() == next(
        line.split()[:4] for line in limits.splitlines() if line.startswith("Max address space")
    )
    assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    names = {pair.partition("=")[0] for pair in (proc / "environ").read_text().split("\0") if pair}
    assert names <= {
        "PATH", "PYTHONPATH", "LANG", "HOME", "TMPDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LC_CTYPE",
        "ORT_DISABLE_TELEMETRY",
    }  # fmt: skip
    assert os.getsid(sandbox.pid or 0) == sandbox.pid
    assert (proc / "cwd").readlink().parent == tmp_path / "tmp"
    assert (proc / "fd" / "1").readlink() == Path("/dev/null")
    assert "onnxruntime" not in (proc / "maps").read_text()
    assert not list((proc / "cwd").readlink().iterdir())


@linux_only
def test_the_child_dies_with_its_parent(tmp_path: Path, pdf: Path) -> None:
    script = (
        "import sys, time; from docproc.sandbox import Sandbox; from docproc.settings import Settings;"
        "box = Sandbox(Settings());"
        "box.call('pdf-open', {'path': sys.argv[1], 'password': None}, seconds=30);"
        "print(box.pid, flush=True); time.sleep(60)"
    )
    # killed, it leaves its (empty) folder behind: not on this machine's own shelf
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", script, str(pdf)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        # stopped, it cannot notice by itself that the socket is closed
        os.kill(pid, signal.SIGSTOP)
        parent.kill()
    assert gone(pid)


def test_the_folder_of_a_killed_process_is_swept_up(sandbox: Sandbox, pdf: Path, tmp_path: Path) -> None:
    pages(sandbox, pdf)
    (mine,) = (tmp_path / "tmp").iterdir()
    stale, fresh = (tmp_path / "tmp" / f"{PREFIX}{name}" for name in ("stale", "fresh"))
    for folder in (stale, fresh):
        folder.mkdir()
        (folder / "left.ppm").touch()
    for folder in (stale, mine):
        os.utime(folder, (0, 0))
    with Sandbox(Settings()) as other:
        pages(other, pdf)
    assert sorted((tmp_path / "tmp").iterdir()) == sorted([mine, fresh])


@linux_only
def test_the_child_outlives_the_thread_that_called_first(sandbox: Sandbox, pdf: Path) -> None:
    thread = threading.Thread(target=pages, args=(sandbox, pdf))
    thread.start()
    thread.join()
    pid = sandbox.pid
    time.sleep(0.1)
    pages(sandbox, pdf)
    assert sandbox.pid == pid


def test_threads_share_one_child(sandbox: Sandbox, tmp_path: Path) -> None:
    found: dict[int, int] = {}

    def count(number: int) -> None:
        path = tmp_path / f"{number}.pdf"
        with pymupdf.open() as document:
            for _ in range(number):
                document.new_page()
            document.save(path)
        found[number] = pages(sandbox, path)

    threads = [threading.Thread(target=count, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(1, 7)}


@given(
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)),
    st.binary(),
)
def test_what_is_sent_is_received(header: dict[str, object], blob: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire.send(ours, header, blob)
        got, received = wire.receive(theirs, largest=len(blob))
    assert (got, bytes(received)) == (header, blob)


@pytest.mark.parametrize(
    "message",
    [
        wire.PREFIX.pack(wire.MAX_HEADER + 1, 0),
        wire.PREFIX.pack(2, 11) + b"{}",
        wire.PREFIX.pack(4, 0) + b"nope",
        wire.PREFIX.pack(3, 0) + b"NaN",
        wire.PREFIX.pack(1, 0) + b"\xff",
        wire.PREFIX.pack(200_000, 0) + b"[" * 200_000,
    ],
    ids=["huge header", "huge blob", "no JSON", "NaN", "no UTF-8", "deep"],
)
def test_what_is_no_message_is_refused(message: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = threading.Thread(target=ours.sendall, args=(message,))
        writer.start()
        with pytest.raises((ValueError, RecursionError)):
            wire.receive(theirs, largest=10)
        writer.join()


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
    | st.dictionaries(st.sampled_from(["ok", "values", "kind", "message", "hint", "code"]), st.booleans() | st.text())
)
def test_a_header_is_a_reply_or_refused(header: object) -> None:
    try:
        reply = wire.as_reply(json.loads(json.dumps(header)))
    except ValueError:
        return
    assert reply["ok"] is False
    assert all(str(reply[name]).isprintable() for name in ("kind", "message", "hint", "code"))
