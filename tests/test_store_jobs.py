import pytest
from job_samples import (
    PROBLEM,
    SETTINGS,
    claim,
    document,
    due,
    expire,
    job_count,
    look,
    queued,
    read_all,
    result,
    user,
)
from sqlalchemy import select

from docproc.errors import Conflict
from docproc.store import jobs, readings
from docproc.store.tables import DocumentRow, Event, Run


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
        expire(database)
        swept = jobs.sweep(database, SETTINGS)
    assert swept.failed == 1
    assert jobs.read(database, claim(database), result(2))
    assert jobs.finished(database, claim(database))
    row, _, pages = look(database, document_id)
    assert (row.status, [page.status for page in pages]) == ("partial", ["failed", "done"])
    assert pages[0].problem["message"].startswith("The page was tried 3 times; the last time the worker died")
    assert pages[0].problem["code"] == "worker-died"


def test_a_page_given_up_tells_how_an_attempt_before_ended(database):
    document_id = queued(database, user(database), 1)
    jobs.put_back(database, claim(database), PROBLEM)
    for _ in range(SETTINGS.page_attempts - 1):
        due(database)
        claim(database)
        expire(database)
        jobs.sweep(database, SETTINGS)
    _, _, pages = look(database, document_id)
    assert pages[0].problem["message"].endswith(f"An attempt before ended so: {PROBLEM['message']}")


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
