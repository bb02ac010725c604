"""Documents listed in other orders than by time: every page of the list goes on where the one before ended."""

import pytest
from read_documents import add_pages, page_read
from sqlalchemy import true

from docproc.errors import NotFound
from docproc.settings import Settings
from docproc.store import current, documents, migrate, reviews
from docproc.store.database import Database
from docproc.store.documents import Filter
from docproc.store.sorting import Order
from docproc.store.tables import DocumentRow, User


@pytest.fixture
def made(database):
    """Make documents a to e whose orders all differ; return name -> id."""
    facts = {  # name: owner, bytes, pages, words of doubtful pages
        "a": ("bob", 30, 2, 0),
        "b": ("ann", 10, 1, 3),
        "c": ("Bea", 20, 3, 1),
        "d": ("ann", 10, 1, 2),
        "e": ("ann", 50, 4, 0),
    }
    ids = {}
    with database.write() as session:
        users = {name: User(name=name, role="reviewer") for name in ("ann", "bob", "Bea")}
        session.add_all(users.values())
        session.flush()
        for name, (owner, size, pages, doubts) in facts.items():
            made = [page_read(" ".join(["word"] * 4), number + 1) for number in range(pages)]
            ids[name] = add_pages(session, users[owner].id, made, name * 64)
            row = session.get(DocumentRow, ids[name])
            row.filename, row.folded_name, row.size = f"{name.upper()}.pdf", f"{name}.pdf", size
            reviews.measure(session, row, 1, made[0])
            kept = session.get(reviews.PageDoubt, (row.id, 1))
            kept.errors = float(doubts)
            reviews.add_up(session, row)
    return ids


def listed(database, order, limit=2):
    """Return the names as the pages of a list give them, two at a time."""
    found, after = [], None
    while True:
        with database.read() as session:
            listing = documents.page_of(session, [true()], order=order, after=after, limit=limit)
        found += [item.row.filename[0].lower() for item in listing.items]
        after = listing.next
        if after is None:
            return "".join(found)


@pytest.mark.parametrize(
    ("by", "descending", "expected"),
    [
        ("added", True, "edcba"),
        ("added", False, "abcde"),
        ("name", False, "abcde"),
        ("name", True, "edcba"),
        ("pages", True, "ecadb"),
        ("pages", False, "bdace"),
        ("size", True, "eacdb"),
        ("size", False, "bdcae"),
        ("owner", False, "bdeca"),
        ("owner", True, "acedb"),
        ("doubt", True, "bdcea"),
        ("doubt", False, "aecdb"),
    ],
)
def test_every_order_goes_through_all_documents_once(database, made, by, descending, expected):
    assert listed(database, Order(by, descending)) == expected
    assert listed(database, Order(by, descending), limit=10) == expected


def test_two_ways_to_see_documents_are_put_together_in_order(database, made):
    ways = [DocumentRow.size > 10, DocumentRow.size < 40]
    with database.read() as session:
        listing = documents.page_of(session, ways, order=Order("pages"), limit=3)
        assert [item.row.filename[0] for item in listing.items] == ["E", "C", "A"]
        rest = documents.page_of(session, ways, order=Order("pages"), after=listing.next, limit=3)
        assert [item.row.filename[0] for item in rest.items] == ["D", "B"]


def test_a_list_cannot_go_on_from_what_is_gone(database, made):
    with database.write() as session:
        documents.purge(session, documents.get(session, made["c"]))
    with database.read() as session:
        assert documents.page_of(session, [true()], after=made["c"]).items[0].row.id == made["b"]
        with pytest.raises(NotFound, match="Begin the list again"):
            documents.page_of(session, [true()], order=Order("size"), after=made["c"])


def test_errors_of_all_pages_are_kept_with_their_document_until_another_run_is_shown(database, made):
    with database.write() as session:
        row = session.get(DocumentRow, made["c"])
        pages = [current.current_page(session, row, number) for number in (1, 2, 3)]
        for page in pages:
            reviews.measure(session, row, page.number, page)
        assert row.errors == pytest.approx(sum(reviews.measured(page)[2] for page in pages))
        assert row.errors > 0
        row.run_id = "another"
        reviews.add_up(session, row)
        assert row.errors == 0


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("by", ["added", "name", "size", "doubt"])
def test_a_list_goes_on_from_its_place_in_an_index(tmp_path, by, descending):
    """SQLite plans by rules, not by statistics, so it is the one to ask."""
    database = Database(Settings(data_dir=tmp_path))
    migrate.upgrade(database)
    with database.write() as session:
        owner = User(name="ann", role="editor")
        session.add(owner)
        session.flush()
        row = DocumentRow(owner_id=owner.id, sha256="0" * 64, filename="a", media_type="application/pdf", size=1)
        session.add(row)
        session.flush()
        order = Order(by, descending)
        query = documents.query([true()], Filter(), order=order, behind=order.behind(session, row.id), limit=50)
        text = str(query.compile(database.engine, compile_kwargs={"literal_binds": True}))
        plan = [step[3] for step in session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + text)]
    database.close()
    assert len(plan) == 1
    assert plan[0].startswith("SEARCH documents USING INDEX"), plan
