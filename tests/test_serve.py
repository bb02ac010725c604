"""The real `docproc serve`: everything in one command, and nothing lost when any of its processes is killed."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from web_client import EXAMPLES

from docproc.settings import Settings
from docproc.store import sessions, tokens, users
from docproc.store.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE = 180.0


class Served:
    """A running `docproc serve`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCPROC_")}
        self.log = (folder.parent / "log").open("a")
        command = [sys.executable, "-m", "docproc", "serve", "--port", "0", "--data", str(folder), *arguments]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env={**environment, "DOCPROC_WORKERS": "1", "DOCPROC_SWEEP_SECONDS": "1", "DOCPROC_LEASE_SECONDS": "10"},
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        found = re.search(r"http://\S+", first)
        assert found, f"{first!r}; {(folder.parent / 'log').read_text()}"
        self.url = found[0]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def token(self) -> str:
        database = Database(Settings(data_dir=self.folder))
        with database.write() as session:
            secret = tokens.make(session, users.only_admin(session), "admin")[1]
        database.close()
        return secret

    def child(self, name: str) -> psutil.Process:
        """Return the process of `docproc NAME` that serve has started."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):
                if name in child.cmdline():
                    return child
        raise LookupError(name)

    def tree(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.log.close()


def alive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return those that have not ended; whoever inherits them may take its time to bury them."""
    left = psutil.wait_procs(processes, timeout=seconds)[1]
    return [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError, LookupError):
            if found := true():
                return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    running = Served(folder, "--no-sample")
    yield running
    running.close()


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {served.token()}"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=20) as client:
        yield client


def upload(api: httpx.Client, path: Path, query: str = "") -> str:
    with path.open("rb") as file:
        answer = api.post(f"/documents{query}", files={"file": (path.name, file)}, data={"engine": "fake"})
    assert answer.status_code in {200, 202}, answer.text
    found: str = answer.json()["id"]
    return found


def finished(api: httpx.Client, document: str) -> Any:
    status = api.get(f"/documents/{document}").json()
    return status if status["status"] not in {"queued", "running"} else None


def test_from_nothing_to_exports_and_on_after_every_kill(served: Served, api: httpx.Client):
    link = re.search(r"http://\S+/sign-in/link/\S+", served.line())
    assert link
    assert (served.folder / sessions.SERVED).read_text() == served.url
    assert served.folder.stat().st_mode & 0o777 == 0o700
    opened = httpx.get(link[0], follow_redirects=True)
    assert opened.status_code == 200

    document = upload(api, EXAMPLES / "invoice-scan.pdf")
    with api.stream("GET", f"/documents/{document}/events", timeout=PATIENCE) as stream:
        kinds = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: ")]
    assert "page" in kinds or until(lambda: finished(api, document))
    assert until(lambda: finished(api, document))["status"] == "done"
    assert api.get(f"/documents/{document}/pages/1").json()["number"] == 1
    assert api.get(f"/documents/{document}/pages/1/image").content[:2] == b"\xff\xd8"
    assert api.get(f"/documents/{document}/exports/pdf").content[:4] == b"%PDF"
    assert until(lambda: httpx.get(f"{served.url}/readyz").json()["status"] == "ok")

    web, worker = served.child("web"), served.child("worker")
    web.kill()
    assert until(lambda: served.child("web").pid != web.pid and api.get("/documents").status_code == 200)
    worker.kill()
    second = upload(api, EXAMPLES / "invoice-scan.pdf", "?duplicate=allow")
    assert until(lambda: served.child("worker").pid != worker.pid)
    assert until(lambda: finished(api, second))["status"] == "done"
    assert api.get("/documents").json()["items"][0]["id"] == second


def test_killed_it_leaves_no_process_and_goes_on_at_the_next_start(folder: Path):
    served = Served(folder, "--no-sample")
    headers = {"Authorization": f"Bearer {served.token()}"}
    with httpx.Client(base_url=f"{served.url}/api/v1", headers=headers, timeout=20) as api:
        document = upload(api, EXAMPLES / "invoice-scan.pdf")
    children = served.tree()
    assert len(children) >= 2
    served.process.kill()
    served.close()
    assert not alive(children, 30)
    again = Served(folder)
    with httpx.Client(base_url=f"{again.url}/api/v1", headers=headers, timeout=20) as api:
        assert until(lambda: finished(api, document))["status"] == "done"
        assert len(api.get("/documents").json()["items"]) == 1, "examples come at the first start only"
    again.close()
    assert again.process.returncode == 0


def test_ctrl_c_ends_all(served: Served):
    children = served.tree()
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(30) == 0
    assert not alive(children, 1)


def test_a_taken_port_and_a_taken_folder_are_told(served: Served, tmp_path: Path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "docproc", "serve", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = run("--data", str(tmp_path / "other"), "--port", str(taken.getsockname()[1]))
    assert told.returncode == 1
    assert "--port" in told.stderr
    assert "Traceback" not in told.stderr
    told = run("--data", str(served.folder), "--port", "0")
    assert told.returncode == 1
    assert "Another docproc serves" in told.stderr


def test_the_first_start_brings_examples(folder: Path):
    served = Served(folder)
    headers = {"Authorization": f"Bearer {served.token()}"}
    listed = httpx.get(f"{served.url}/api/v1/documents", headers=headers).json()
    served.close()
    assert sorted(item["source"]["filename"] for item in listed["items"]) == [
        "invoice-scan.pdf",
        "invoice.pdf",
        "report.pdf",
    ]
    assert served.process.returncode == 0
