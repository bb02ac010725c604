from datetime import timedelta

from sqlalchemy import func, select, update

from docproc.document import Page
from docproc.settings import Settings
from docproc.store import jobs, readings
from docproc.store.database import now
from docproc.store.tables import DocumentRow, Event, Job, PageRow, Run, User

SETTINGS = Settings(lease_seconds=30, page_attempts=3)
PROBLEM = {"code": "engine-failed", "message": "The engine fell over.", "hint": "Try another one."}


def user(database, name="ann"):
    with database.write() as session:
        row = User(name=name, role="reviewer")
        session.add(row)
    return row.id


def document(database, owner_id, *, priority=0):
    with database.write() as session:
        row = DocumentRow(owner_id=owner_id, sha256="0" * 64, filename="a.pdf", media_type="application/pdf", size=1)
        session.add(row)
        session.flush()
        jobs.start(session, row, owner_id, {"engine": "fake"}, priority)
    return row.id


def claim(database, worker="w"):
    return jobs.claim(database, ["cpu"], worker, SETTINGS)


def queued(database, owner_id, pages, **more):
    """A document whose intake is done."""
    document_id = document(database, owner_id, **more)
    held = claim(database)
    assert held.document_id == document_id
    assert jobs.planned(database, held, jobs.Facts("application/pdf", pages))
    return document_id


def result(number=1):
    page = Page(number, 100, 200, dpi=100)
    return jobs.PageResult(page=page, seconds=0.5, engines={"ocr": "fake 1"}, version="1", timings={"read": 0.5})


def look(database, document_id):
    with database.read() as session:
        row = session.get(DocumentRow, document_id)
        run = session.get(Run, row.run_id)
        pages = session.scalars(select(PageRow).where(PageRow.run_id == run.id).order_by(PageRow.number)).all()
        return row, run, pages


def expire(database):
    with database.write() as session:
        session.execute(update(Job).values(lease_until=now(session) - timedelta(seconds=1)))


def due(database):
    with database.write() as session:
        session.execute(update(Job).values(not_before=now(session) - timedelta(seconds=1)))


def job_count(database):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job))


def test_a_document_goes_from_intake_over_its_pages_to_done(database):
    document_id = queued(database, user(database), 2)
    assert look(database, document_id)[0].status == "running"
    for number in (1, 2):
        held = claim(database)
        assert (held.kind, held.number) == ("page", number)
        assert jobs.read(database, held, result(number))
    held = claim(database)
    assert held.kind == "finish"
    assert jobs.finished(database, held, seconds=1.0)
    row, run, pages = look(database, document_id)
    assert (row.status, row.page_count, run.status, run.remaining) == ("done", 2, "done", 0)
    assert [page.status for page in pages] == ["done", "done"]
    assert run.timings["read"] == 1.0
    assert run.engines == {"ocr": "fake 1"}
    assert job_count(database) == 0
    with database.read() as session:
        assert readings.load(session, run.id, 2).number == 2
        kinds = session.scalars(select(Event.kind).order_by(Event.sequence)).all()
    assert kinds == ["document", "document", "page", "page", "document"]
