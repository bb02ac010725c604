import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update

from docproc.document import Page
from docproc.errors import Conflict
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


def test_a_result_that_comes_after_the_lease_was_given_away_is_dropped(database):
    document_id = queued(database, user(database), 1)
    late = claim(database, "late")
    expire(database)
    assert jobs.sweep(database, SETTINGS).requeued == 1
    due(database)
    newer = claim(database, "newer")
    assert newer.token > late.token
    assert not jobs.keep(database, late, SETTINGS)
    assert not jobs.read(database, late, result())
    assert not jobs.failed(database, late, PROBLEM)
    assert not jobs.put_back(database, late, PROBLEM)
    assert jobs.keep(database, newer, SETTINGS)
    assert jobs.read(database, newer, result())
    assert not jobs.read(database, newer, result())
    assert look(database, document_id)[1].remaining == 0


def test_a_lease_that_is_kept_is_not_swept(database):
    queued(database, user(database), 1)
    held = claim(database)
    expire(database)
    assert jobs.keep(database, held, SETTINGS)
    assert jobs.sweep(database, SETTINGS).requeued == 0


def test_a_page_whose_workers_die_fails_alone_and_says_why(database):
    document_id = queued(database, user(database), 2)
    for _ in range(SETTINGS.page_attempts):
        due(database)
        held = claim(database)
        assert held.number == 1
        jobs.note(database, held, {"code": "over-memory", "message": "It needed too much.", "hint": "Less."})
        expire(database)
        swept = jobs.sweep(database, SETTINGS)
    assert swept.failed == 1
    assert jobs.read(database, claim(database), result(2))
    assert jobs.finished(database, claim(database))
    row, _, pages = look(database, document_id)
    assert (row.status, [page.status for page in pages]) == ("partial", ["failed", "done"])
    assert pages[0].problem["message"].startswith("The page was tried 3 times; each time the worker died.")
    assert pages[0].problem["code"] == "over-memory"


def test_a_job_that_is_put_back_waits_longer_each_time(database):
    queued(database, user(database), 1)
    held = claim(database)
    assert jobs.put_back(database, held, PROBLEM)
    assert claim(database) is None
    due(database)
    again = claim(database)
    assert (again.number, again.attempt) == (1, 2)


def test_what_is_released_or_postponed_counts_no_attempt(database):
    queued(database, user(database), 1)
    assert jobs.release(database, claim(database))
    held = claim(database)
    assert held.attempt == 1
    assert jobs.postpone(database, held, PROBLEM)
    due(database)
    assert claim(database).attempt == 1


def test_what_stays_unavailable_is_given_up_in_the_end(database):
    queued(database, user(database), 1)
    attempts = []
    while attempts[-2:] != [1, 2]:
        due(database)
        held = claim(database)
        attempts.append(held.attempt)
        assert jobs.postpone(database, held, PROBLEM)
        assert len(attempts) < 100
    assert len(attempts) > 20


def test_a_worker_that_ends_hands_back_what_its_children_have(database):
    queued(database, user(database), 2)
    held, other = claim(database, "main.17"), claim(database, "other.17")
    jobs.release_all(database, "main")
    assert not jobs.keep(database, held, SETTINGS)
    assert jobs.keep(database, other, SETTINGS)
    assert claim(database).attempt == 1


def test_leases_of_dead_children_end_at_once(database):
    queued(database, user(database), 2)
    claim(database, "main.17"), claim(database, "main.18")
    jobs.forfeit(database, "main", alive={18})
    assert jobs.sweep(database, SETTINGS).requeued == 1


def test_a_rejected_file_is_not_tried_again(database):
    document_id = document(database, user(database))
    assert jobs.rejected(database, claim(database), PROBLEM)
    row, run, _ = look(database, document_id)
    assert (row.status, run.status, row.problem) == ("rejected", "rejected", PROBLEM)
    assert job_count(database) == 0


def test_cancelling_drops_what_waits_and_what_is_being_read(database):
    document_id = queued(database, user(database), 3)
    assert jobs.read(database, claim(database), result(1))
    held = claim(database)
    with database.write() as session:
        assert jobs.cancel(session, session.get(DocumentRow, document_id))
    assert not jobs.read(database, held, result(2))
    assert claim(database) is None
    row, run, pages = look(database, document_id)
    assert (row.status, run.status, run.remaining) == ("cancelled", "cancelled", 0)
    assert [page.status for page in pages] == ["done", "cancelled", "cancelled"]
    with database.write() as session:
        assert not jobs.cancel(session, session.get(DocumentRow, document_id))


def test_retrying_reads_only_what_failed_or_was_cancelled(database):
    owner = user(database)
    document_id = queued(database, owner, 3)
    assert jobs.read(database, claim(database), result(1))
    assert jobs.failed(database, claim(database), PROBLEM)
    with database.write() as session:
        row = session.get(DocumentRow, document_id)
        with pytest.raises(Conflict):
            jobs.retry(session, row, owner)
        jobs.cancel(session, row)
        jobs.retry(session, row, owner)
    numbers = []
    while (held := claim(database)).kind == "page":
        numbers.append(held.number)
        assert jobs.read(database, held, result(held.number))
    assert numbers == [2, 3]
    assert jobs.show(database, held)
    assert jobs.finished(database, held)
    assert look(database, document_id)[0].status == "done"
    with database.write() as session, pytest.raises(Conflict, match="No page of it failed"):
        jobs.retry(session, session.get(DocumentRow, document_id), owner)


def read_all(database, *, good=True):
    while (held := claim(database)) is not None:
        if held.kind == "intake":
            jobs.planned(database, held, jobs.Facts("application/pdf", 1))
        elif held.kind == "page":
            jobs.read(database, held, result()) if good else jobs.failed(database, held, PROBLEM)
        else:
            assert jobs.show(database, held) == jobs.finished(database, held)


def test_a_new_run_is_shown_when_it_is_finished(database):
    owner = user(database)
    document_id = document(database, owner)
    read_all(database)
    first = look(database, document_id)[1]
    with database.write() as session:
        row = session.get(DocumentRow, document_id)
        second = jobs.start(session, row, owner, {"engine": "fake", "dpi": 100}, 0)
        assert (row.status, row.run_id) == ("queued", first.id)
        with pytest.raises(Conflict):
            jobs.start(session, row, owner, {}, 0)
    read_all(database)
    row, run, _ = look(database, document_id)
    assert (row.status, run.id) == ("done", second.id)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_a_new_run_that_comes_to_nothing_leaves_the_old_reading(database, how):
    owner = user(database)
    document_id = document(database, owner)
    read_all(database)
    first = look(database, document_id)[1]
    with database.write() as session:
        row = session.get(DocumentRow, document_id)
        second = jobs.start(session, row, owner, {"engine": "fake"}, 0)
        if how == "is cancelled":
            jobs.cancel(session, row)
    read_all(database, good=False)
    row, run, _ = look(database, document_id)
    assert (row.status, run.id) == ("done", first.id)
    with database.read() as session:
        assert session.get(Run, second.id).status == ("failed" if how == "fails" else "cancelled")


def test_priority_comes_before_all(database):
    owner = user(database)
    queued(database, owner, 3, priority=10)
    document(database, owner, priority=0)
    assert [claim(database).kind for _ in range(2)] == ["intake", "page"]


def test_first_pages_come_first(database):
    owner = user(database)
    queued(database, owner, 3)
    assert claim(database).number == 1
    document(database, owner)
    held = claim(database)
    assert held.kind == "intake"
    jobs.planned(database, held, jobs.Facts("application/pdf", 2))
    assert [claim(database).number for _ in range(4)] == [1, 2, 2, 3]


def test_workers_are_shared_fairly_between_owners(database):
    bobs = queued_for_two(database, 50, 5)
    held = [claim(database) for _ in range(10)]
    assert sum(one.document_id == bobs for one in held) == 5


def test_one_worker_alone_serves_owners_by_turns(database):
    """Chance decides between owners who have nobody working: none is starved."""
    bobs = queued_for_two(database, 200, 1)
    for _ in range(100):
        held = claim(database)
        if held.document_id == bobs:
            break
        jobs.read(database, held, result(held.number))
    assert held.document_id == bobs


def test_queues_keep_apart(database):
    owner = user(database)
    with database.write() as session:
        row = DocumentRow(owner_id=owner, sha256="0" * 64, filename="a.pdf", media_type="application/pdf", size=1)
        session.add(row)
        session.flush()
        jobs.start(session, row, owner, {"engine": "paligemma"}, 0)
    assert claim(database) is None
    with database.read() as session:
        assert jobs.ready(session, jobs.QUEUES) == ["gpu"]
        assert jobs.waiting(session) == {"gpu": 1}
        assert jobs.waiting_of(session, owner) == 1
    assert jobs.claim(database, ["cpu", "gpu"], "w", SETTINGS).kind == "intake"


def at_once(*calls):
    """Call all at the same time, each in a thread; return what they return, raise what they raise."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(one) for one in calls]]


def claim_all(database, name):
    return list(iter(partial(claim, database, name), None))


def test_no_two_workers_get_the_same_job(database):
    queued(database, user(database), 40)
    lists = at_once(*(partial(claim_all, database, str(name)) for name in range(6)))
    assert sorted(one.number for held in lists for one in held) == list(range(1, 41))


def test_no_two_processes_get_the_same_job(database):
    queued(database, user(database), 40)
    code = (
        "import sys; sys.path.insert(0, 'tests'); from test_store_jobs import SETTINGS, claim_all\n"
        "from docproc.store.database import Database; from docproc.settings import Settings\n"
        "opened = Database(Settings(database_url=sys.argv[1]))\n"
        "print(*(one.number for one in claim_all(opened, sys.argv[2])))"
    )
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", code, url]
    running = [subprocess.Popen([*command, str(name)], stdout=subprocess.PIPE, text=True) for name in range(3)]
    claimed = [int(number) for one in running for number in one.communicate(timeout=60)[0].split()]
    assert sorted(claimed) == list(range(1, 41))


def test_pages_that_end_at_the_same_time_queue_one_finish(database):
    queued(database, user(database), 12)
    held = [claim(database) for _ in range(12)]
    assert all(at_once(*(partial(jobs.read, database, one, result(one.number)) for one in held)))
    assert claim(database).kind == "finish"
    assert claim(database) is None


def test_cancelling_while_pages_are_claimed_and_end_locks_nobody_up(database):
    owner = user(database)
    ids = [queued(database, owner, 10) for _ in range(3)]

    def stop():
        for document_id in ids:
            with database.write() as session:
                jobs.cancel(session, session.get(DocumentRow, document_id))

    at_once(*[partial(read_all, database)] * 3, stop)
    assert job_count(database) == 0
    assert {look(database, one)[0].status for one in ids} <= {"cancelled", "done"}


def test_a_long_document_is_queued_quickly(database):
    began = time.perf_counter()
    document_id = queued(database, user(database), 5_000)
    assert look(database, document_id)[1].remaining == 5_000
    assert time.perf_counter() - began < 20
