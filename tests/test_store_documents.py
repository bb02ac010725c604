import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, true, update

from docproc.errors import NotFound, Rejected
from docproc.settings import Settings
from docproc.store import access, documents, jobs, migrate
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.documents import Filter, Incoming, clean_name
from docproc.store.files import Stored
from docproc.store.tables import DocumentRow, Event, Job, PageRow, Run, UnusedFile, User, utc_now

FILE = Stored("a" * 64, 1234)
PDF = Incoming(filename="letter.pdf", media_type="application/pdf")


@pytest.fixture
def ann(database):
    with database.write() as session:
        user = User(name="ann", role="reviewer")
        session.add(user)
    return user.id


def add(database, owner, *, number=0, name="letter.pdf", duplicate=False):
    stored = Stored(f"{number:064x}", 1000 + number)
    incoming = Incoming(filename=name, media_type="application/pdf")
    with database.write() as session:
        row, _ = documents.add(session, owner, stored, incoming, duplicate=duplicate)
    return row


def listed(database, wanted=None, **more):
    with database.read() as session:
        return documents.page_of(session, [true()], wanted, **more)


def names(listing):
    return [item.row.filename for item in listing.items]


def test_a_document_is_taken_in_and_its_reading_is_queued(database, ann):
    incoming = Incoming(filename="letter.pdf", media_type="application/pdf", options={"dpi": 300}, priority=5)
    with database.write() as session:
        row, created = documents.add(session, ann, FILE, incoming)
    assert created
    with database.read() as session:
        [job] = session.scalars(select(Job))
        assert (job.kind, job.document_id, job.priority) == ("intake", row.id, 5)
        status = documents.status_of(session, documents.get(session, row.id))
    assert (status.row.status, status.row.size, status.progress) == ("queued", 1234, 0.0)
    assert status.run.options == {"dpi": 300}


def test_the_same_bytes_are_one_document_unless_another_is_asked_for(database, ann):
    first = add(database, ann, name="a.pdf")
    assert add(database, ann, name="b.pdf").id == first.id
    assert add(database, ann, name="c.pdf", duplicate=True).id != first.id


def test_the_same_bytes_of_another_user_or_in_the_trash_are_another_document(database, ann):
    with database.write() as session:
        bob = User(name="bob", role="reviewer")
        session.add(bob)
    first = add(database, ann)
    assert add(database, bob.id).id != first.id
    with database.write() as session:
        documents.trash(session, documents.get(session, first.id))
    assert add(database, ann).id != first.id


def test_the_same_bytes_sent_many_times_at_once_are_one_document(database, ann):
    ids, barrier = [], threading.Barrier(6)

    def upload():
        barrier.wait()
        ids.append(add(database, ann).id)

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_nobody_uploads_for_a_user_who_is_not_there(database):
    with pytest.raises(NotFound):
        add(database, "nobody")


def test_pages_of_the_list_meet_without_gap_or_overlap(database, ann):
    for number in range(7):
        add(database, ann, number=number, name=f"{number}.pdf")
    first = listed(database, limit=3)
    add(database, ann, number=99, name="late.pdf")
    second = listed(database, limit=3, after=first.next)
    third = listed(database, limit=3, after=second.next)
    assert names(first) + names(second) + names(third) == [f"{number}.pdf" for number in reversed(range(7))]
    assert third.next is None


def test_only_what_is_visible_is_listed(database, ann):
    add(database, ann)
    with database.read() as session:
        assert names(documents.page_of(session, [DocumentRow.owner_id == "bob"])) == []


def test_filters_narrow_the_list(database, ann):
    for number, name in enumerate(["Über uns.pdf", "invoice 100%.pdf", "invoice_2.pdf", "old.pdf"]):
        row = add(database, ann, number=number, name=name)
        with database.write() as session:
            kept = documents.get(session, row.id)
            if number == 1:
                documents.label(session, kept, "  paid   late ")
                documents.label(session, kept, "paid late")
                kept.status = "done"
            if number == 3:
                documents.trash(session, kept)
    assert names(listed(database, Filter(name="uber"))) == ["Über uns.pdf"]
    assert names(listed(database, Filter(name="INVOICE"))) == ["invoice_2.pdf", "invoice 100%.pdf"]
    assert names(listed(database, Filter(name="%"))) == ["invoice 100%.pdf"]
    assert names(listed(database, Filter(name="_"))) == ["invoice_2.pdf"]
    assert names(listed(database, Filter(label="paid late"))) == ["invoice 100%.pdf"]
    assert names(listed(database, Filter(status="done"))) == ["invoice 100%.pdf"]
    assert names(listed(database, Filter(trash=True))) == ["old.pdf"]
    assert names(listed(database, Filter(owner_id="bob"))) == []
    assert listed(database, Filter(label="paid late")).items[0].labels == ("paid late",)


def test_labels_are_counted_and_taken_off(database, ann):
    for number in range(3):
        with database.write() as session:
            row, _ = documents.add(session, ann, Stored(f"{number:064x}", 1), PDF)
            documents.label(session, row, "all")
            if number:
                documents.label(session, row, "some")
    with database.write() as session:
        assert documents.labels(session, true()) == [("all", 3), ("some", 2)]
        documents.unlabel(session, row, "some")
        documents.unlabel(session, row, "never")
        assert documents.labels(session, true()) == [("all", 3), ("some", 1)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b", "a\x1bb"])
def test_what_is_no_label_is_refused(database, ann, name):
    row = add(database, ann)
    with pytest.raises(Rejected), database.write() as session:
        documents.label(session, row, name)


def test_progress_is_that_of_the_newest_run(database, ann):
    row = add(database, ann)
    with database.write() as session:
        session.execute(update(Run).values(page_count=4, remaining=1, status="running"))
        session.execute(update(DocumentRow).values(status="running", page_count=4))
        session.add(PageRow(run_id=row.run_id, number=1, status="done", width=100.0, height=50.0))
    [item] = listed(database).items
    assert (item.finished, item.pages) == (3, 4)
    with database.read() as session:
        status = documents.status_of(session, documents.get(session, row.id))
        assert status.progress == 0.75
        assert [(page.number, page.width) for page in status.pages] == [(1, 100.0)]


def test_the_trash_stops_reading_and_gives_back(database, ann):
    row = add(database, ann)
    with database.write() as session:
        documents.trash(session, documents.get(session, row.id))
        assert session.scalar(select(func.count()).select_from(Job)) == 0
    assert names(listed(database)) == []
    with database.write() as session:
        kept = documents.get(session, row.id)
        documents.restore(session, kept)
        jobs.start(session, kept, ann, {}, 0)
    assert names(listed(database)) == ["letter.pdf"]


def test_a_purged_document_takes_everything_along_but_the_name_of_its_file(database, ann):
    row = add(database, ann)
    with database.write() as session:
        documents.label(session, row, "x")
        documents.purge(session, documents.get(session, row.id))
    with database.read() as session:
        for table in (DocumentRow, Run, Job, Event, PageRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalars(select(UnusedFile.sha256)).all() == [row.sha256]
        with pytest.raises(NotFound):
            documents.get(session, row.id)


def test_the_time_of_going_into_the_trash_is_the_first(database, ann):
    row, yesterday = add(database, ann), utc_now() - timedelta(days=1)
    with database.write() as session:
        kept = documents.get(session, row.id)
        documents.trash(session, kept, yesterday)
        documents.trash(session, kept)
    with database.read() as session:
        assert documents.get(session, row.id).deleted_at == yesterday


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("letter.pdf", "letter.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\a b.pdf", "a b.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("\u202efdp.exe", "fdp.exe"),
        ("", "document"),
        ("..", "document"),
        ("dir/", "document"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("<script>.pdf", "<script>.pdf"),
        ("a\ud800b.pdf", "ab.pdf"),
    ],
)
def test_file_names_are_made_harmless(given, kept):
    assert clean_name(given) == kept


def test_a_listing_looks_things_up_by_index(tmp_path):
    """A plan that sorts all documents would be slow at a hundred thousand. PostgreSQL plans by statistics, SQLite
    by rules, so it is the one to ask.
    """
    database = Database(Settings(data_dir=tmp_path))
    migrate.upgrade(database)
    for wanted in (Filter(), Filter(status="failed"), Filter(owner_id="ann"), Filter(label="x"), Filter(name="x")):
        with database.read() as session:
            query = documents.query([true()], wanted, limit=50)
            text = str(query.compile(database.engine, compile_kwargs={"literal_binds": True}))
            plan = [row[3] for row in session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + text)]
        assert not any("TEMP B-TREE" in step for step in plan), (wanted, plan)
    with database.read() as session:
        query = documents.query(access.ways(Principal("ann", "ann", "viewer")), Filter(), limit=50)
        text = str(query.compile(database.engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + text)]
    for index in ("ix_documents_owner_id_id (owner_id=?)", "ix_documents_public_id", "(id=?)"):
        assert any(index in step for step in plan), (index, plan)
    assert not any("SCAN documents" in step and "ix_documents_public_id" not in step for step in plan), plan
    database.close()
