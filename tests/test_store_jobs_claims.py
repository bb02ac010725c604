import subprocess
import sys
import time
from functools import partial

import pytest
from job_samples import (
    SETTINGS,
    at_once,
    claim,
    claim_all,
    document,
    job_count,
    look,
    queued,
    queued_for_two,
    read_all,
    result,
    user,
)

from docproc.store import jobs
from docproc.store.tables import DocumentRow

pytestmark = pytest.mark.slow


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


def test_no_two_workers_get_the_same_job(database):
    queued(database, user(database), 40)
    lists = at_once(*(partial(claim_all, database, str(name)) for name in range(6)))
    assert sorted(one.number for held in lists for one in held) == list(range(1, 41))


def test_no_two_processes_get_the_same_job(database):
    queued(database, user(database), 40)
    code = (
        "import sys; sys.path.insert(0, 'tests'); from job_samples import claim_all\n"
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


def test_the_number_of_a_job_is_never_used_again(database):
    """Else a worker that was taken for dead could finish the job that has the number of its own by now."""
    owner = user(database)
    queued(database, owner, 1)
    held = claim(database)
    assert jobs.read(database, held, result(1))
    finish = claim(database)
    assert jobs.finished(database, finish, seconds=0.0)
    assert job_count(database) == 0
    queued(database, owner, 1)
    assert claim(database).job_id > finish.job_id
