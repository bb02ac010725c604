"""From an upload to findings in the export, with a worker process and the tiny random checkpoint; and bad starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import paligemma_tiny  # noqa: F401  (skips without the extra)
import pymupdf
import pytest
from web_client import Service

from docproc import vision
from docproc.errors import Unavailable, Usage
from docproc.exports.json_reader import Node, read_finding
from docproc.geometry import Box
from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture
def settings(tmp_path, tiny_checkpoints):
    url = f"sqlite:///{tmp_path / 'docproc.sqlite3'}"
    model = str(tiny_checkpoints / "paligemma2")
    return Settings(data_dir=tmp_path / "data", database_url=url, vision_model=model, threads=1, sweep_seconds=0.3)


def worker(settings, *arguments, **more):
    command = [sys.executable, "tests/run_worker.py", *arguments]
    environment = {**settings.environment(), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **more)


def test_a_document_is_asked_about_by_a_worker_of_the_queue_gpu(settings, tmp_path):
    database = Database(settings)
    migrate.upgrade(database)
    database.close()
    service = Service(database, settings.data_dir, vision_model=settings.vision_model)
    anna = service.client()
    running = worker(settings, "--queues", "cpu,gpu", stderr=subprocess.PIPE)
    try:
        with pymupdf.open() as made:  # small, so that the tiny model has few tiles to look at
            made.new_page(width=60, height=40).insert_text((5, 20), "Letter", fontsize=8)
            upload = anna.upload(made.tobytes(), text_layer="always")
        document = f"/documents/{upload.json['id']}"
        end = time.monotonic() + 240
        while anna.get(document).json["status"] != "done":
            assert time.monotonic() < end, anna.get(document).text
            time.sleep(0.1)
        tasks = {
            "detect": "stamp ; signature",
            "segment": "stamp",
            "caption": "",
            "ocr": "",
            "answer": "Who wrote it?",
        }
        for task, prompt in tasks.items():
            assert anna.post(f"{document}/findings", json={"task": task, "prompt": prompt}).status_code == 202
        while any(one["status"] in ("queued", "running") for one in anna.get(f"{document}/findings").json["items"]):
            assert time.monotonic() < end, anna.get(f"{document}/findings").json
            time.sleep(0.1)
    finally:
        running.terminate()
        told = running.communicate(timeout=60)[1]
    assert "The vision model is paligemma 2@" in told
    items = anna.get(f"{document}/findings").json["items"]
    assert {one["task"]: (one["status"], one["problems"]) for one in items} == dict.fromkeys(tasks, ("done", []))
    page = anna.get(f"{document}/exports/json").json["pages"][0]
    found = [read_finding(Node(value)) for value in page["findings"]]
    sheet = Box(0, 0, page["width"], page["height"])
    assert len(found) == sum(len(one["findings"]) for one in items) > 0
    for finding in found:
        assert finding.box is None or finding.box.clipped(sheet) == finding.box
    service.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"vision_model": ""}, "There is no vision model"),
        ({"vision_model": "/nowhere"}, "/nowhere"),
        ({"vision_engine": "nothing"}, "no engine called"),
    ],
)
def test_a_worker_of_the_queue_gpu_ends_at_once_and_says_what_is_missing(settings, change, said):
    database = Database(settings)
    migrate.upgrade(database)
    database.close()
    running = worker(replace(settings, **change), "--queues", "gpu", stderr=subprocess.PIPE)
    told = running.communicate(timeout=120)[1]
    assert running.returncode in (1, 2)
    assert said in told
    assert "Traceback" not in told


def test_a_model_is_tried_out_in_a_process_of_its_own(settings, tmp_path, tiny_checkpoints):
    assert vision.require(settings).startswith("paligemma 2@")
    with pytest.raises(Unavailable, match="no-such-folder"):
        vision.require(replace(settings, vision_model=str(tmp_path / "no-such-folder")))
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in (tiny_checkpoints / "paligemma").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(Usage, match="not whole"):
        vision.require(replace(settings, vision_model=str(broken)))


def test_what_ends_without_a_word_is_told_as_such(settings, monkeypatch):
    done = subprocess.CompletedProcess([], -9, stdout="", stderr="")
    monkeypatch.setattr(vision.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(Unavailable, match="ended or hung"):
        vision.require(settings)
    told = subprocess.CompletedProcess([], 0, stdout="warning\n" + json.dumps({"engine": "x 1"}) + "\n")
    monkeypatch.setattr(vision.subprocess, "run", lambda *_, **__: told)
    assert vision.require(settings) == "x 1"
