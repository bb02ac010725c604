"""A worker process takes up what is promoted between two jobs; nobody restarts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import paligemma_tiny  # noqa: F401  (skips without the extra)
import pymupdf
import pytest
from web_client import Service

from docproc.engines.paligemma import tiny
from docproc.registry import Card, Registry
from docproc.registry.sources import describe
from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PATIENCE = 270.0


def test_a_worker_answers_with_the_version_promoted_by_then(tmp_path):
    settings = Settings(
        data_dir=tmp_path / "data", database_url=f"sqlite:///{tmp_path / 'docproc.sqlite3'}", vision_model="m",
        threads=1, sweep_seconds=0.3,
    )  # fmt: skip
    registry = Registry(settings)
    cards = []
    for seed in (0, 1):
        with registry.staged() as staged:
            tiny.build(1, staged, seed=seed)
            card = Card(name="m", kind="paligemma", source="tiny", added="2026-11-21T00:00:00+00:00")
            cards.append(registry.put(staged, describe(staged, card, "mix")))
    assert cards[0].weights != cards[1].weights
    database = Database(settings)
    migrate.upgrade(database)
    database.close()
    service = Service(database, settings.data_dir, vision_model=settings.vision_model)
    anna = service.client()
    environment = {**settings.environment(), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "tests/run_worker.py", "--queues", "cpu,gpu"]
    running = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + PATIENCE

    def until(ready):
        while not ready():
            assert running.poll() is None, running.communicate()[1]
            assert time.monotonic() < end
            time.sleep(0.1)

    def answered():
        return [one["engine"] for one in anna.get(f"{document}/findings").json["items"] if one["status"] == "done"]

    try:
        with pymupdf.open() as made:
            made.new_page(width=60, height=40).insert_text((5, 20), "Letter", fontsize=8)
            document = f"/documents/{anna.upload(made.tobytes(), text_layer='always').json['id']}"
        until(lambda: anna.get(document).json["status"] == "done")
        assert anna.post(f"{document}/findings", json={"task": "caption"}).status_code == 202
        until(lambda: len(answered()) == 1)
        registry.promote("m", 2)
        assert anna.post(f"{document}/findings", json={"task": "answer", "prompt": "Who?"}).status_code == 202
        until(lambda: len(answered()) == 2)
        registry.rollback("m")
        assert anna.post(f"{document}/findings", json={"task": "answer", "prompt": "When?"}).status_code == 202
        until(lambda: len(answered()) == 3)
    finally:
        running.terminate()
        running.communicate(timeout=60)
    first, second = (f"paligemma 1@{card.weights}" for card in cards)
    assert sorted(answered()) == sorted([first, second, first])
    service.close()
