"""`docproc process --server` against the real application and a real worker: the same as without."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pymupdf
import pytest
from web_client import Service
from werkzeug.serving import make_server

from docproc.cli import run
from docproc.engines import ENGINES, LAYOUT_ENGINES
from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
NEVER = ("--text-layer", "never")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("there")
    database = Database(Settings(data_dir=folder))
    migrate.upgrade(database)
    made = Service(database, folder, page_attempts=1)
    environment = {**os.environ, "DOCPROC_DATA_DIR": str(folder), "DOCPROC_PAGE_ATTEMPTS": "1"}
    environment["DOCPROC_SWEEP_SECONDS"] = "1"
    command = [sys.executable, "tests/run_worker.py", "--concurrency", "1", "--parent-pipe"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE)
    yield made
    worker.kill()
    assert worker.stdin is not None
    worker.stdin.close()
    worker.wait()
    made.close()


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return service.client().token


@pytest.fixture
def url(service: Service, token: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DOCPROC_TOKEN", token)
    monkeypatch.setitem(ENGINES, "rapid", "misbehaving:Quick")  # here as there
    monkeypatch.setitem(LAYOUT_ENGINES, "pdf-layout", LAYOUT_ENGINES["fake"])
    server = make_server("127.0.0.1", 0, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pages(folder: Path, *texts: str, **saved: object) -> Path:
    path = folder / "pages.pdf"
    with pymupdf.open() as pdf:
        for text in texts:
            pdf.new_page().insert_text((72, 72), text)
        pdf.save(path, **saved)
    return path


def test_it_writes_what_it_writes_without_a_server(url, tmp_path, capfdbinary):
    path = pages(tmp_path, "here", "and there")
    for format_ in ("text", "json", "hocr"):
        assert run(["process", str(path), *NEVER, "--format", format_]) == 0
        here = capfdbinary.readouterr().out
        assert run(["process", str(path), *NEVER, "--format", format_, "--server", url]) == 0
        assert capfdbinary.readouterr() == (here, b"")


def test_the_same_is_read_once_and_other_options_read_again(service, url, tmp_path, monkeypatch):
    path = pages(tmp_path, "once")
    client = service.client("bert")
    monkeypatch.setenv("DOCPROC_TOKEN", client.token)

    def runs():
        items = client.get("/documents").json["items"]
        assert len(items) == 1
        return len(client.get(f"/documents/{items[0]['id']}/runs").json["items"])

    for arguments, expected in ((NEVER, 1), (NEVER, 1), ((*NEVER, "--dpi", "72", "--languages", "de,en"), 2)):
        out = tmp_path / "out.json"
        assert run(["process", str(path), *arguments, "--format", "json", "--output", str(out), "--server", url]) == 0
        assert runs() == expected
    assert json.loads(out.read_text("utf-8"))["pages"][0]["dpi"] == 72


def test_what_fails_there_fails_as_it_does_here(url, tmp_path, capsys):
    locked = pages(tmp_path, "x", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="open sesame", owner_pw="o")
    assert run(["process", str(locked), "--server", url]) == 4
    there = capsys.readouterr().err
    assert run(["process", str(locked)]) == 4
    assert capsys.readouterr().err == there
    assert run(["process", str(locked), "--password", "open sesame", "--server", url]) == 0
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    assert run(["process", str(tmp_path / "a.zip"), "--server", url, "--json-errors"]) == 4
    assert json.loads(capsys.readouterr().err)["file"] == str(tmp_path / "a.zip")


def test_a_page_that_failed_costs_itself(url, tmp_path, capfd):
    path = tmp_path / "poisoned.pdf"
    with pymupdf.open() as pdf:
        pdf.new_page().insert_text((72, 72), "good")
        pdf.new_page(width=842, height=595).insert_text((72, 72), "kills who reads it")
        pdf.save(path)
    out = tmp_path / "out.txt"
    assert run(["process", str(path), *NEVER, "--engine", "poisoned", "--output", str(out), "--server", url]) == 5
    assert out.read_text("utf-8")
    assert f"{path}, page 2: " in capfd.readouterr().err


def test_without_a_token_and_without_a_server(url, tmp_path, capsys, monkeypatch):
    path = pages(tmp_path, "x")
    assert run(["process", str(path), "--server", "http://127.0.0.1:1"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
    monkeypatch.delenv("DOCPROC_TOKEN")
    assert run(["process", str(path), "--server", url]) == 2
    assert "DOCPROC_TOKEN" in capsys.readouterr().err
