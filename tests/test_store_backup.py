import gzip
import hashlib
import io
import json
import os
import tarfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from exports_samples import hostile_page, scripts_page
from services import empty
from sqlalchemy import func, inspect, select, text

from docproc.errors import Conflict, Rejected, Unavailable
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.store import backup, documents, jobs, migrate, models_kept, readings, restore, secret
from docproc.store.database import Database
from docproc.store.documents import Incoming
from docproc.store.files import Files
from docproc.store.search import rebuild
from docproc.store.tables import AuditRow, DocumentRow, Job, PageRow, Reading, Run, Table, User

pytestmark = pytest.mark.slow

LONG_AGO = datetime(2024, 2, 29, 12, 30, 15, 123456, UTC)


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "from")


@pytest.fixture
def filled(database, settings):
    """A database and data folder with a user, two documents, readings and everything in between."""
    files = Files(settings)
    with database.write() as session:
        session.add(User(id="ann", name="änn", role="admin", created_at=LONG_AGO))
    for number, data in enumerate([b"first", b"second"]):
        stored = files.put(io.BytesIO(data), limit=100)
        sealed = secret.seal(settings, "pässword")
        incoming = Incoming(filename=f"{number}.pdf", media_type="application/pdf", sealed_password=sealed)
        with database.write() as session:
            row, _ = documents.add(session, "ann", stored, incoming)
            documents.label(session, row, "label")
    with database.write() as session:
        run = session.get_one(Run, row.run_id)
        run.engines, run.page_count = {"ocr": "rapid 3"}, 2
        for number, page in enumerate([scripts_page(), hostile_page()], 1):
            session.add(PageRow(run_id=run.id, number=number, status="done", width=595.5, height=842.0))
            readings.save(session, run.id, number, page)
        session.add(AuditRow(action="document.upload", details=None, at=LONG_AGO))
    return database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def target(request, database_urls, tmp_path):
    """Another database to restore into, of either kind."""
    if request.param == "sqlite":
        opened = Database(Settings(data_dir=tmp_path / "to"))
        yield opened
        opened.close()
        return
    if "postgresql" not in database_urls:
        pytest.skip("PostgreSQL does not answer on 127.0.0.1:5432")
    server = Database(Settings(database_url=database_urls["postgresql"]))
    name = f"docproc_test_restored_{os.getpid()}"
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        opened = Database(Settings(database_url=str(server.url.set(database=name))))
        yield opened
        opened.close()
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.close()


def rows(database):
    """Everything in the tables that are backed up, in words that both databases share."""
    with database.read() as session:
        return {
            table.name: sorted(str(sorted(row.items(), key=str)) for row in session.execute(select(table)).mappings())
            for table in Table.metadata.sorted_tables
            if table.name not in backup.LEFT_OUT
        }


def rewritten(path, change):
    """Write the archive anew with `change(name, data)` for each part; None drops it."""
    parts = [(name, stream.read()) for name, stream in backup.members(path)]
    with tarfile.open(path, "w") as tar:
        for name, data in parts:
            if (new := change(name, data)) is not None:
                info = tarfile.TarInfo(name)
                info.size = len(new)
                tar.addfile(info, io.BytesIO(new))


def test_a_backup_restores_equal_into_either_database_and_work_goes_on(filled, settings, target, tmp_path):
    with filled.write() as session:
        for job in session.scalars(select(Job)):
            job.worker, job.lease_until = "dead", datetime(2100, 1, 1, tzinfo=UTC)
    name = "all.tar.gz" if target.is_sqlite else "all.tar"
    made = backup.write(filled, settings, tmp_path / name)
    there = Settings(data_dir=tmp_path / "to")
    assert restore.read(target, there, tmp_path / name) == made
    with filled.write() as session:
        for job in session.scalars(select(Job)):
            job.worker, job.lease_until = None, None
    assert rows(target) == rows(filled)
    migrate.require_current(target)
    with target.read() as session:
        [row] = session.scalars(select(DocumentRow).where(DocumentRow.filename == "1.pdf"))
        assert readings.load(session, row.run_id, 2) == hostile_page()
    with Files(there).local(row.sha256) as path:
        assert path.read_bytes() == b"second"
    assert sum(rebuild.rebuild(target)) == 2
    claim = jobs.claim(target, ("cpu",), "new", settings)
    assert claim is not None
    stored = Files(settings).put(io.BytesIO(b"third"), limit=100)
    with target.write() as session:  # its job gets a number that is free
        documents.add(session, "ann", stored, Incoming(filename="3.pdf", media_type="application/pdf"))


def test_the_secret_comes_along_only_when_asked_for(filled, settings, tmp_path):
    sealed = secret.seal(settings, "pässword")
    to = Settings(data_dir=tmp_path / "to")
    for with_secret in (False, True):
        target = Database(Settings(data_dir=tmp_path / f"to{with_secret}"))
        made = backup.write(filled, settings, tmp_path / "all.tar", with_secret=with_secret)
        assert (backup.SECRET in made.parts) is with_secret
        restore.read(target, to, tmp_path / "all.tar")
        target.close()
        if not with_secret:
            with pytest.raises(Unavailable, match="another key"):
                secret.unseal(to, sealed)
    assert secret.unseal(to, sealed) == "pässword"
    assert (tmp_path / "to" / secret.FILE).stat().st_mode & 0o077 == 0


def test_what_is_there_is_replaced_only_by_force(filled, settings, tmp_path):
    backup.write(filled, settings, tmp_path / "all.tar")
    before = rows(filled)
    with filled.write() as session:
        session.add(User(name="later", role="viewer"))
    with pytest.raises(Conflict, match="already"):
        restore.read(filled, settings, tmp_path / "all.tar")
    assert rows(filled) != before
    restore.read(filled, settings, tmp_path / "all.tar", force=True)
    assert rows(filled) == before


@pytest.mark.parametrize("part", ["manifest.json", "tables/users.jsonl", "files/"])
def test_a_backup_that_lacks_a_part_is_refused_and_changes_nothing(filled, settings, tmp_path, part):
    path = tmp_path / "all.tar"
    backup.write(filled, settings, path)
    before = rows(filled)
    rewritten(path, lambda name, data: None if name.startswith(part) else data)
    with pytest.raises(Rejected) as caught:
        restore.read(filled, settings, path, force=True)
    assert caught.value.code == "bad-backup"
    assert rows(filled) == before


def test_a_backup_that_was_cut_off_or_changed_is_refused(filled, settings, tmp_path):
    path = tmp_path / "all.tar.gz"
    backup.write(filled, settings, path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no archive at all", gzip.compress(b"no archive")):
        path.write_bytes(broken)
        with pytest.raises(Rejected):
            backup.verify(path)
    path.write_bytes(whole)
    rewritten(path, lambda name, data: data.replace(b"admin", b"sudoer") if name.endswith("users.jsonl") else data)
    with pytest.raises(Rejected, match="users"):
        backup.verify(path)


def test_rows_that_cannot_be_loaded_leave_the_database_as_it_was(filled, settings, tmp_path):
    path = tmp_path / "all.tar"
    manifest = backup.write(filled, settings, path)
    before = rows(filled)
    bad = b'{"id": "x", "no_such_column": 1}\n'
    part = backup.Part(hashlib.sha256(bad).hexdigest(), len(bad))
    broken = replace(manifest, parts={**manifest.parts, "tables/users.jsonl": part})

    def change(name: str, data: bytes) -> bytes:
        if name == backup.MANIFEST:
            return json.dumps(asdict(broken)).encode()
        return bad if name == "tables/users.jsonl" else data

    rewritten(path, change)
    with pytest.raises(Rejected):
        restore.read(filled, settings, path, force=True)
    assert rows(filled) == before


def test_a_backup_of_a_later_version_is_refused(filled, settings, tmp_path):
    path = tmp_path / "all.tar"
    backup.write(filled, settings, path)
    rewritten(
        path, lambda name, data: data.replace(b'"format": 1', b'"format": 2') if name == backup.MANIFEST else data
    )
    with pytest.raises(Rejected, match="later docproc"):
        backup.verify(path)


def test_an_older_backup_is_brought_to_the_tables_of_this_version(filled, settings, tmp_path):
    target = Database(Settings(data_dir=tmp_path / "to"))
    path = tmp_path / "all.tar"
    backup.write(filled, settings, path)
    rewritten(path, lambda name, data: data.replace(b'"0002"', b'"0001"') if name == backup.MANIFEST else data)
    restore.read(target, Settings(data_dir=tmp_path / "to"), path)
    migrate.require_current(target)
    assert rows(target) == rows(filled)
    target.close()


def test_a_file_that_is_lost_already_is_named(filled, settings, tmp_path):
    lost = next(Files(settings).every())
    Files(settings).delete(lost, older_than=-60)
    made = backup.write(filled, settings, tmp_path / "all.tar")
    assert made.missing == (lost,)
    assert backup.verify(tmp_path / "all.tar").missing == (lost,)


def test_a_backup_is_private_and_leaves_nothing_beside_it(filled, settings, tmp_path):
    backup.write(filled, settings, tmp_path / "all.tar")
    assert (tmp_path / "all.tar").stat().st_mode & 0o077 == 0
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))
    with pytest.raises(Unavailable):
        backup.write(filled, settings, Path("/proc/no/all.tar"))


def test_tables_that_come_later_are_backed_up_too(filled, settings, tmp_path):
    made = backup.write(filled, settings, tmp_path / "all.tar")
    there = set(inspect(filled.engine).get_table_names())
    there -= backup.LEFT_OUT | {"alembic_version"} | {name for name in there if name.startswith("search_fts")}
    assert set(made.rows) == there
    with filled.read() as session:
        assert made.rows["readings"] == session.scalar(select(func.count()).select_from(Reading)) == 2
    empty(filled)


def put_model(settings, text="weights"):
    registry = Registry(settings)
    with registry.staged() as staged:
        (staged / "model.safetensors").write_text(text)
        card = Card(name="mine", kind="paligemma", source="/x", added="2026-11-21T00:00:00+00:00")
        return registry, registry.put(staged, card)


@pytest.mark.parametrize("with_models", [False, True])
def test_models_are_known_again_and_their_files_are_there_where_that_was_asked(
    filled, settings, target, tmp_path, with_models
):
    registry, card = put_model(settings)
    made = backup.write(filled, settings, tmp_path / "all.tar", with_models=with_models)
    assert {name for name in made.parts if name.startswith("models/")} == {
        "models/mine/current.json", "models/mine/1/card.json",
        *(["models/mine/1/model.safetensors"] if with_models else []),
    }  # fmt: skip
    there = replace(settings, data_dir=tmp_path / "to")
    restore.read(target, there, tmp_path / "all.tar")
    restored = Registry(there)
    assert restored.get("mine") == card
    assert restored.current("mine") == registry.current("mine")
    assert restored.damaged(card) == ([] if with_models else ["model.safetensors"])
    assert [path.name for path in restored.root.iterdir()] == ["mine"], "nothing is left of the way there"


def test_a_model_that_is_here_stays_as_it_is(filled, settings, target, tmp_path):
    put_model(settings)
    backup.write(filled, settings, tmp_path / "all.tar", with_models=True)
    there = replace(settings, data_dir=tmp_path / "to")
    registry, card = put_model(there, "newer")
    restore.read(target, there, tmp_path / "all.tar")
    assert registry.get("mine") == card
    assert registry.damaged(card) == []


@pytest.mark.parametrize("name", ["../out", "mine/../../out", "/out", ".hidden", ""])
def test_a_name_that_leaves_the_folder_is_not_taken_in(settings, name):
    taken = models_kept.Restored(settings)
    assert not taken.put(name, io.BytesIO(b"x"))
    assert taken.keep() == ([], [])
