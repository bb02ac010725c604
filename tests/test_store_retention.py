import io
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from docproc.settings import Settings
from docproc.store import documents, events, retention
from docproc.store.documents import Incoming
from docproc.store.tables import AuditRow, DocumentRow, Event, UnusedFile, User, utc_now
from docproc.store.verify import verify

OLD = -60.0
"""Younger than nothing: every file may go."""


@pytest.fixture
def store(database, files):
    with database.write() as session:
        session.add(User(id="ann", name="ann", role="reviewer"))
    return database, files


def upload(store, data=b"hello", name="a.pdf"):
    database, files = store
    stored = files.put(io.BytesIO(data), limit=1000)
    with database.write() as session:
        row, _ = documents.add(session, "ann", stored, Incoming(filename=name, media_type="x/y"), duplicate=True)
    return row


def throw_away(store, row, days=31):
    with store[0].write() as session:
        documents.trash(session, documents.get(session, row.id), utc_now() - timedelta(days=days))


def purge(store, row):
    with store[0].write() as session:
        documents.purge(session, documents.get(session, row.id))


def test_the_trash_is_emptied_after_its_days(store, tmp_path):
    database, files = store
    old, young, kept = (upload(store, data) for data in (b"old", b"young", b"kept"))
    throw_away(store, old)
    throw_away(store, young, days=29)
    removed = retention.sweep(database, files, Settings(data_dir=tmp_path))
    assert (removed.documents, removed.files) == (1, 0)
    assert retention.delete_unused(database, files, older_than=OLD) == 1
    assert not files.exists(old.sha256)
    assert files.exists(young.sha256)
    assert files.exists(kept.sha256)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(DocumentRow)) == 2
        assert session.scalar(select(AuditRow.target)) == old.id


def test_a_file_goes_with_the_last_document_that_refers_to_it(store):
    database, files = store
    first, second = upload(store), upload(store)
    purge(store, first)
    assert retention.delete_unused(database, files, older_than=OLD) == 0
    assert files.exists(first.sha256)
    purge(store, second)
    assert retention.delete_unused(database, files, older_than=OLD) == 1
    assert not files.exists(first.sha256)
    with database.read() as session:
        assert session.scalars(select(UnusedFile)).all() == []


def test_a_file_that_is_being_uploaded_again_stays(store):
    database, files = store
    purge(store, upload(store))
    stored = files.put(io.BytesIO(b"hello"), limit=1000)  # its row is not there yet
    assert retention.delete_unused(database, files) == 0
    with database.write() as session:
        documents.add(session, "ann", stored, Incoming(filename="b.pdf", media_type="x/y"))
    assert retention.delete_unused(database, files, older_than=OLD) == 0
    assert files.exists(stored.sha256)


def test_a_document_taken_out_of_the_trash_stays(store):
    row = upload(store)
    throw_away(store, row)
    with store[0].write() as session:
        documents.restore(session, documents.get(session, row.id))
    assert retention.empty_trash(store[0], utc_now()) == 0


def test_a_full_trash_is_emptied_whole(store, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        throw_away(store, upload(store))
    assert retention.empty_trash(store[0], utc_now()) == 5


def test_old_events_are_forgotten(store, tmp_path):
    database, files = store
    row = upload(store)
    with database.write() as session:
        session.execute(update(Event).values(created_at=utc_now() - timedelta(days=60)))
        number = events.emit(session, row.id, "page", {})
    assert retention.sweep(database, files, Settings(data_dir=tmp_path)).events == number - 1
    with database.read() as session:
        assert [event.sequence for event in events.since(session, row.id)] == [number]


def test_verify_names_what_is_missing_damaged_and_left_over(store):
    database, files = store
    sound, missing, gone = (upload(store, data) for data in (b"sound", b"missing", b"gone"))
    files.delete(missing.sha256, older_than=OLD)
    purge(store, gone)
    orphan = files.put(io.BytesIO(b"orphan"), limit=100)
    seen = []
    found = verify(database, files, lambda done, total: seen.append((done, total)))
    assert (found.sound, found.missing, found.damaged) == (1, (missing.sha256,), ())
    assert found.orphans == (orphan.sha256,)
    assert seen == [(1, 2), (2, 2)]
    assert not found.good
    assert sound.sha256 not in found.orphans


def test_verify_finds_a_changed_byte(store):
    database, files = store
    row = upload(store)
    with files.local(row.sha256) as path:
        path.chmod(0o600)
        path.write_bytes(b"jello")
    found = verify(database, files)
    if files.incoming.parent.joinpath(row.sha256[:2]).exists():  # on an object store this was the copy only
        assert found.damaged == (row.sha256,)
