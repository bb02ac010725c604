import threading

import pytest
from sqlalchemy import delete

from docproc.errors import NotFound
from docproc.store import events
from docproc.store.tables import DocumentRow, User


@pytest.fixture
def document(database):
    with database.write() as session:
        session.add(User(id="ann", name="ann", role="reviewer"))
        session.flush()
        row = DocumentRow(owner_id="ann", sha256="a" * 64, filename="a.pdf", media_type="application/pdf", size=1)
        session.add(row)
    return row.id


def seen(database, document, sequence=0, limit=500):
    with database.read() as session:
        return [
            (event.sequence, event.kind, event.data) for event in events.since(session, document, sequence, limit)
        ]


def test_events_are_counted_from_one_and_read_from_any_place(database, document):
    with database.write() as session:
        assert [events.emit(session, document, "page", {"number": number}) for number in (1, 2, 3)] == [1, 2, 3]
    assert seen(database, document) == [(number, "page", {"number": number}) for number in (1, 2, 3)]
    assert [event[0] for event in seen(database, document, 1)] == [2, 3]
    assert [event[0] for event in seen(database, document, limit=2)] == [1, 2]
    assert seen(database, document, 3) == []


def test_a_rolled_back_event_leaves_no_gap(database, document):
    def fail() -> None:
        with database.write() as session:
            events.emit(session, document, "page", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.write() as session:
        assert events.emit(session, document, "page", {}) == 1


def test_a_row_that_was_loaded_before_does_not_set_the_count_back(database, document):
    with database.write() as session:
        row = session.get(DocumentRow, document)
        events.emit(session, document, "page", {})
        row.status = "running"
    with database.write() as session:
        assert events.emit(session, document, "page", {}) == 2


def test_nothing_is_told_of_a_document_that_is_gone(database, document):
    with database.write() as session:
        session.execute(delete(DocumentRow))
    with pytest.raises(NotFound), database.write() as session:
        events.emit(session, document, "page", {})


def test_a_watcher_never_misses_an_event_that_commits_late(database, document):
    """Four threads tell of pages while one watches from the last number it saw, as a browser does."""

    def tell():
        for number in range(15):
            with database.write() as session:
                events.emit(session, document, "page", {"number": number})

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    watched = []
    while len(watched) < 60 and (
        any(thread.is_alive() for thread in threads) or seen(database, document, len(watched))
    ):
        watched += [event[0] for event in seen(database, document, watched[-1] if watched else 0)]
    assert watched == list(range(1, 61))
