import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from samples import drawn_letter
from services import S3_KEYS, empty, object_store, postgres_database
from sqlalchemy.orm import Session
from web_client import Client, Service

from docproc import engines, pipeline
from docproc.engines import OcrEngine
from docproc.pipeline import Reader, ReadOptions
from docproc.settings import Settings
from docproc.store import migrate, users
from docproc.store.database import Database
from docproc.store.files import Files

signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background of a shell, and theirs, ignore it
hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # it measures how busy the machine is
)
hypothesis.settings.register_profile("nightly", max_examples=2_000, database=None, deadline=None)
hypothesis.settings.load_profile("fixed")  # pytest --hypothesis-profile=nightly: other cases each time


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hash passwords in no time; `docproc` started as a process takes its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=128, parallelism=1))
        yield


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    """The real engines, loaded once."""
    with Reader(ReadOptions(), Settings()) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def scan_reader(reader: Reader) -> Reader:
    """The real engines, blind to text layers."""
    return reader.like(ReadOptions(text_layer="never"))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> None:
    """Whoever loads the engines that are the default gets those that are loaded already."""
    ocr, layout = reader._engines.ocr, reader._engines.layout

    def load_ocr(name: str, settings: Settings, languages: tuple[str, ...] = ()) -> OcrEngine:
        return engines.load_ocr(name, settings, languages) if (name, languages) != ("rapid", ()) else ocr

    monkeypatch.setattr(pipeline, "load_ocr", load_ocr)
    monkeypatch.setattr(pipeline, "load_layout", lambda *_: layout)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A born-digital page with three known lines."""
    return drawn_letter(tmp_path / "letter.pdf")


@pytest.fixture(scope="session")
def database_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An SQLite file and, where PostgreSQL runs, a database of its own there; both with all tables."""
    urls = {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('database') / 'docproc.sqlite3'}"}
    with postgres_database() as url:
        if url:
            urls["postgresql"] = url
        for one in urls.values():
            database = Database(Settings(database_url=one))
            migrate.upgrade(database)
            database.close()
        yield urls


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database(request: pytest.FixtureRequest, database_urls: dict[str, str]) -> Iterator[Database]:
    """An empty database with all tables, once on SQLite and once on PostgreSQL."""
    if request.param not in database_urls:
        pytest.skip("PostgreSQL does not answer on 127.0.0.1:5432")
    opened = Database(Settings(database_url=database_urls[request.param]))
    yield opened
    if "session" not in request.fixturenames:  # which leaves nothing behind
        empty(opened)
    opened.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction in an empty database; what is written in it is undone."""
    with database.write() as opened:
        yield opened
        opened.rollback()


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of a bucket on a server that speaks S3, and keys to it where s3fs looks for them."""
    with pytest.MonkeyPatch.context() as patch, object_store() as url:
        patch.setenv("AWS_ACCESS_KEY_ID", S3_KEYS["key"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEYS["secret"])
        if not url:
            pytest.skip("moto is not installed")
        yield url


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Where files are kept: once a folder, once an object store. Empty."""
    if request.param == "folder":
        return Files(Settings(data_dir=tmp_path / "data"))
    address, _, query = request.getfixturevalue("s3_url").partition("?")
    return Files(Settings(data_dir=tmp_path / "data", storage_url=f"{address}/{tmp_path.name}?{query}"))


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Service]:
    """The web application, on an empty database and an empty data folder."""
    made = Service(database, tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def anna(service: Service) -> Client:
    """Somebody who may write."""
    return service.client()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process ends with it alone."""
    items.sort(key=lambda item: not {"slow", "browser"} & set(item.keywords))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Make skips fail where everything that tests need is said to be installed (DOCPROC_TEST_REQUIRE)."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("DOCPROC_TEST_REQUIRE"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, but DOCPROC_TEST_REQUIRE is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random checkpoints of PaliGemma; their tests import `paligemma_tiny`, which skips without the extra."""
    from docproc.engines.paligemma import tiny

    folder = tmp_path_factory.mktemp("tiny")
    tiny.write(folder)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """The same for whole files that are skipped."""
    report = yield
    if report.skipped and os.environ.get("DOCPROC_TEST_REQUIRE"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, but DOCPROC_TEST_REQUIRE is set: {report.longrepr}"
    return report
