"""What the portal shows beside documents, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_site import Portal
from search_pages import page as made_page

from docproc.store import jobs, overview
from docproc.store.database import Database


@pytest.fixture
def portal(database: Database, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(database, tmp_path)
    yield made
    made.close()


def test_sizes_of_pages_that_were_read(portal: Portal):
    ada = portal.person()
    one = portal.document(ada, [made_page("one"), None], filename="one.pdf")
    two = portal.document(ada, [made_page("two")], filename="two.pdf")
    with portal.database.read() as session:
        wanted = [(one, 1), (one, 2), (two, 1), (two, 9), ("nothing", 1)]
        assert overview.page_sizes(session, wanted) == {(one, 1): (612, 792), (two, 1): (612, 792)}
        assert overview.page_sizes(session, []) == {}


def test_failures_come_newest_first_and_say_why(portal: Portal):
    ada = portal.person()
    portal.document(ada, [None, made_page("one", number=2)], filename="old.pdf")
    portal.document(ada, [made_page("one"), None], filename="new.pdf")
    with portal.database.read() as session:
        found = overview.failures(session)
        assert [(one.filename, one.number) for one in found] == [("new.pdf", 2), ("old.pdf", 1)]
        assert found[0].message == "The reader crashed on this page."
        assert found[0].attempts == 1
        assert len(overview.failures(session, limit=1)) == 1
    portal.hand_in(ada, "damaged.pdf")
    portal.reject({"code": "damaged", "message": "It is damaged."})
    with portal.database.read() as session:
        newest = overview.failures(session, limit=1)[0]
    assert (newest.filename, newest.number, newest.message) == ("damaged.pdf", 0, "It is damaged.")


def test_pages_of_a_document_that_wait_are_one_row_and_those_at_work_are_apart(portal: Portal):
    ada = portal.person()
    portal.hand_in(ada, "book.pdf")
    portal.plan(5)
    portal.hand_in(ada, "next.pdf")
    assert jobs.claim(portal.database, ["cpu"], "tester", portal.settings)
    with portal.database.read() as session:
        work = overview.work(session)
    book = [(one.first, one.last, bool(one.worker)) for one in work if one.filename == "book.pdf"]
    others = [(one.kind, one.first, bool(one.worker)) for one in work if one.filename == "next.pdf"]
    assert (book, others) == ([(1, 5, False)], [("intake", 0, True)])
    assert jobs.claim(portal.database, ["cpu"], "tester", portal.settings)
    with portal.database.read() as session:
        work = overview.work(session)
    assert [(one.first, one.last) for one in work if one.filename == "book.pdf"] == [(1, 1), (2, 5)]


def test_the_same_bytes_of_two_people_are_stored_once(portal: Portal):
    for name in ("ada", "bob"):
        portal.hand_in(portal.person(name), "same.pdf", b"12345")
    portal.hand_in(portal.person("eve"), "other.pdf", b"1")
    with portal.database.read() as session:
        stored = overview.storage(session)
    assert (stored.files, stored.size) == (2, len(b"12345same.pdf") + len(b"1other.pdf"))


def test_nothing_stored_is_nothing(portal: Portal):
    with portal.database.read() as session:
        assert overview.storage(session) == overview.Storage(0, 0)


def test_names_of_users(portal: Portal):
    ada, bob = portal.person("ada"), portal.person("bob")
    with portal.database.read() as session:
        assert overview.user_names(session, {ada.user_id, bob.user_id, "x"}) == {
            ada.user_id: "ada",
            bob.user_id: "bob",
        }
