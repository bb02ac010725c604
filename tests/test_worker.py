"""Whole workers: processes that are killed, pages that misbehave, brokers that really run."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pymupdf
import pytest
from services import rabbitmq_vhost, redis_url
from sqlalchemy import func, select

from docproc.embed import Embedder
from docproc.settings import Settings
from docproc.store import documents, jobs, migrate, readings, search
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.documents import Incoming
from docproc.store.files import Files
from docproc.store.search import vectors
from docproc.store.tables import DocumentRow, Event, Job, Reading, SearchVectors, User
from worker.queue import announce

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


class Service:
    """A data folder with a database, and workers over it."""

    def __init__(self, settings):
        self.settings, self.database, self.files = settings, Database(settings), Files(settings)
        migrate.upgrade(self.database)
        with self.database.write() as session:
            ann = User(name="ann", role="reviewer")
            session.add(ann)
        self.ann = ann.id

    def upload(self, path, engine="rapid", **options):
        with path.open("rb") as file:
            stored = self.files.put(file, limit=10**8)
        options = {"engine": engine, "layout": "fake", "text_layer": "never", **options}
        incoming = Incoming(filename=path.name, media_type="", options=options)
        with self.database.write() as session:
            row, _ = documents.add(session, self.ann, stored, incoming, duplicate=True)
        announce(self.settings)
        return row.id

    @contextmanager
    def worker(self, *arguments, concurrency=1):
        names = ("database_url", "broker_url", "page_attempts", "job_seconds", "lease_seconds", "sweep_seconds")
        values = {f"DOCPROC_{name.upper()}": str(getattr(self.settings, name)) for name in (*names, "worker_memory")}
        environment = {**os.environ, **values, "DOCPROC_DATA_DIR": str(self.settings.data_dir)}
        command = [sys.executable, "tests/run_worker.py", "--concurrency", str(concurrency), *arguments]
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE)
        try:
            yield running
        finally:
            running.kill()
            running.stdin.close()
            running.wait()

    def status(self, document_id):
        with self.database.read() as session:
            return documents.status_of(session, session.get(DocumentRow, document_id))

    def wait(self, document_id, *, seconds=90):
        return self.until(lambda: (found := self.status(document_id)).progress == 1 and found, seconds=seconds)

    def until(self, holds, *, seconds=90):
        end = time.monotonic() + seconds
        while not (value := holds()):
            assert time.monotonic() < end, "nothing happened"
            time.sleep(0.05)
        return value

    def misses_meaning(self):
        with self.database.read() as session:
            return vectors.any_missing(session)

    def leased(self):
        with self.database.read() as session:
            return session.scalars(select(Job).where(Job.lease_until.is_not(None), Job.kind == "page")).all()

    def count(self, table):
        with self.database.read() as session:
            return session.scalar(select(func.count()).select_from(table))


QUICK = Settings(lease_seconds=3, sweep_seconds=0.3, page_attempts=2, job_seconds=60)


@pytest.fixture
def service(tmp_path):
    opened = Service(replace(QUICK, data_dir=tmp_path))
    yield opened
    opened.database.close()


@pytest.fixture
def pdf(tmp_path):
    """Returns a function that draws a PDF with so many pages; those in `wide` are wider than high."""

    def draw(pages, wide=()):
        path = tmp_path / f"{pages}.pdf"
        with pymupdf.open() as made:
            for number in range(1, pages + 1):
                width, height = (300, 200) if number in wide else (200, 300)
                made.new_page(width=width, height=height).insert_text((20, 50), f"Page {number}")
            made.save(path)
        return path

    return draw


def test_a_document_is_read_without_any_server(service, pdf):
    with service.worker(concurrency=2):
        found = service.wait(service.upload(pdf(3)))
    assert (found.row.status, found.row.media_type) == ("done", "application/pdf")
    assert [page.status for page in found.pages] == ["done"] * 3
    assert found.run.engines["ocr"] == "fake 1"
    assert {"open", "draw", "read", "layout", "finish"} <= set(found.run.timings)
    with service.database.read() as session:
        assert readings.load(session, found.run.id, 2).number == 2
    assert service.count(Job) == 0


def test_pages_can_be_found_by_their_meaning_soon_after(service, pdf):
    with service.worker():
        document_id = service.upload(pdf(3), text_layer="always")
        service.until(lambda: service.count(SearchVectors) == 3 and not service.misses_meaning())
        with service.database.write() as session:
            row = session.get(DocumentRow, document_id)
            search.index_document(session, row.id, [1])
        assert service.misses_meaning()
        service.until(lambda: not service.misses_meaning())
    with service.database.read() as session:
        who = Principal(service.ann, "ann", "reviewer")
        [vector] = Embedder().embed(["the second page"])
        found = search.find(session, who, "second page", meaning=search.Meaning(vector, alone=True))
    assert next(hit.page for hit in found.hits) == 2
    assert found.complete


def test_a_page_whose_worker_is_killed_is_read_once_by_another(service, pdf):
    document_id = service.upload(pdf(2), "slow")
    with service.worker() as first:
        [job] = service.until(service.leased)
        os.kill(int(job.worker.rpartition(".")[2]), signal.SIGKILL)
        first.kill()
    with service.worker():
        found = service.wait(document_id)
    assert found.row.status == "done"
    assert found.pages[job.number - 1].attempts == 2
    assert service.count(Reading) == 2
    with service.database.read() as session:
        told = session.scalars(select(Event.data).where(Event.kind == "page")).all()
    assert sorted(data["number"] for data in told) == [1, 2]


def test_a_page_that_kills_its_worker_costs_itself_alone(service, pdf):
    document_id = service.upload(pdf(3, wide=[2]), "poisoned")
    with service.worker():
        found = service.wait(document_id)
    assert found.row.status == "partial"
    assert [page.status for page in found.pages] == ["done", "failed", "done"]
    assert found.pages[1].problem["message"].startswith("The page was tried 2 times; the last time the worker died")


def test_a_page_that_hangs_is_given_up_over_time(tmp_path, pdf):
    service = Service(replace(QUICK, data_dir=tmp_path, job_seconds=2, page_attempts=1))
    document_id = service.upload(pdf(1), "hanging")
    with service.worker():
        found = service.wait(document_id)
    assert (found.row.status, found.pages[0].problem["code"]) == ("failed", "over-time")
    service.database.close()


def test_a_page_that_takes_too_much_memory_is_given_up(tmp_path, pdf):
    service = Service(replace(QUICK, data_dir=tmp_path, worker_memory=600_000_000, page_attempts=1, lease_seconds=20))
    document_id = service.upload(pdf(1), "hungry")
    with service.worker():
        found = service.wait(document_id)
    assert (found.row.status, found.pages[0].problem["code"]) == ("failed", "over-memory")
    service.database.close()


def test_an_engine_that_fails_is_tried_again_and_its_reason_told(service, pdf):
    document_id = service.upload(pdf(1), "failing")
    with service.worker():
        found = service.wait(document_id)
    assert (found.row.status, found.pages[0].attempts) == ("failed", 2)
    assert found.pages[0].problem["message"] == "The engine fell over."


def test_a_file_that_cannot_be_read_is_rejected(service, tmp_path):
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7\nnothing")
    with service.worker():
        found = service.wait(service.upload(path))
    assert found.row.status == "rejected"
    assert found.row.problem["message"]


def test_cancelling_ends_a_document_that_is_being_read(service, pdf):
    document_id = service.upload(pdf(20), "slow")
    with service.worker():
        service.until(service.leased)
        with service.database.write() as session:
            assert jobs.cancel(session, session.get(DocumentRow, document_id))
        time.sleep(3)  # until the page that was being read is finished
        found = service.status(document_id)
    assert found.row.status == "cancelled"
    assert "running" not in {page.status for page in found.pages}
    assert service.count(Job) == 0


def test_sigterm_finishes_the_page_and_leaves_the_rest(service, pdf):
    document_id = service.upload(pdf(20), "slow")
    with service.worker() as running:
        service.until(service.leased)
        running.terminate()
        running.wait(30)
        assert running.returncode == 0
    found = service.status(document_id)
    assert {page.status for page in found.pages} == {"done", "queued"}
    assert service.leased() == []


def test_sigterm_hands_back_what_takes_long(service, pdf):
    service.upload(pdf(1), "hanging")
    with service.worker() as running:
        service.until(service.leased)
        running.terminate()
        running.wait(30)
    with service.database.read() as session:
        [job] = session.scalars(select(Job)).all()
    assert (job.lease_until, job.attempts) == (None, 0)


@pytest.mark.parametrize("how", ["killed", "its parent is gone"])
def test_no_process_outlives_the_worker(service, pdf, how):
    service.upload(pdf(1), "hanging")
    with service.worker("--parent-pipe") as running:
        service.until(service.leased)
        everyone = psutil.Process(running.pid).children(recursive=True)
        assert len(everyone) >= 2  # a child and its parser
        running.kill() if how == "killed" else running.stdin.close()
        alive = psutil.wait_procs(everyone, timeout=20)[1]
    assert alive == []


@pytest.mark.services
@pytest.mark.parametrize("broker", [redis_url, rabbitmq_vhost])
def test_servers_do_what_the_data_folder_does(database, tmp_path, pdf, broker):
    """PostgreSQL or SQLite with Redis or RabbitMQ, two workers; one is killed in the middle."""
    with broker() as url:
        if not url:
            pytest.skip(f"{broker.__name__}: no server answers on this machine")
        address = database.url.render_as_string(hide_password=False)
        service = Service(replace(QUICK, data_dir=tmp_path, database_url=address, broker_url=url))
        document_id = service.upload(pdf(4), "slow")
        with service.worker() as first, service.worker():
            service.until(lambda: len(service.leased()) == 2)
            first.kill()
            found = service.wait(document_id)
        assert found.row.status == "done"
        assert service.count(Reading) == 4
        service.database.close()


def test_a_broker_that_is_down_stops_nobody(tmp_path):
    began = time.monotonic()
    for url in ("redis://127.0.0.1:1/0", "amqp://guest:guest@127.0.0.1:1//"):
        announce(Settings(data_dir=tmp_path, broker_url=url))
    assert time.monotonic() - began < 10
