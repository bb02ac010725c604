"""Documents in the queue, and what tests do with them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select, update

from docproc.document import Page
from docproc.settings import Settings
from docproc.store import jobs
from docproc.store.database import now
from docproc.store.tables import DocumentRow, Job, PageRow, Run, User

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


def queued_for_two(database, anns_pages, bobs_pages):
    """A document of ann's and one of bob's, whose intakes are done; returns the id of bob's."""
    anns = document(database, user(database, "ann"))
    bobs = document(database, user(database, "bob"))
    pages = {anns: anns_pages, bobs: bobs_pages}
    for held in [claim(database), claim(database)]:
        assert jobs.planned(database, held, jobs.Facts("application/pdf", pages[held.document_id]))
    return bobs


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
        past = now(session) - timedelta(seconds=1)
        session.execute(update(Job).where(Job.lease_until.is_not(None)).values(lease_until=past))


def due(database):
    with database.write() as session:
        session.execute(update(Job).values(not_before=now(session) - timedelta(seconds=1)))


def job_count(database):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job))


def read_all(database, *, good=True):
    while (held := claim(database)) is not None:
        if held.kind == "intake":
            jobs.planned(database, held, jobs.Facts("application/pdf", 1))
        elif held.kind == "page":
            jobs.read(database, held, result()) if good else jobs.failed(database, held, PROBLEM)
        else:
            assert jobs.show(database, held) == jobs.finished(database, held)


def at_once(*calls):
    """Call all at the same time, each in a thread; return what they return, raise what they raise."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(one) for one in calls]]


def claim_all(database, name):
    return list(iter(partial(claim, database, name), None))
