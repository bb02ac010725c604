import json

import pytest
from exports_samples import columns_page, empty_page, hostile_page, scripts_page, table_page
from sqlalchemy import select

from docproc.document import Problem
from docproc.exports.json import page_to_dict
from docproc.store import readings
from docproc.store.tables import DocumentRow, PageRow, Reading, Run, User

PAGES = [scripts_page(), columns_page(), table_page(), empty_page(), hostile_page()]


@pytest.fixture
def row(database):
    """A document whose run has three pages: the first done, the second failed, the third waiting."""
    with database.write() as session:
        session.add(User(id="ann", name="ann", role="reviewer"))
        session.flush()
        document = DocumentRow(
            owner_id="ann", sha256="a" * 64, filename="a.pdf", media_type="application/pdf", size=9
        )
        session.add(document)
        session.flush()
        run = Run(document_id=document.id, user_id="ann", options={}, engines={"ocr": "rapid 3"}, page_count=3)
        session.add(run)
        session.flush()
        document.run_id = run.id
        problem = {"code": "engine-failed", "message": "It broke.", "hint": "Try again."}
        session.add(PageRow(run_id=run.id, number=1, status="done"))
        session.add(PageRow(run_id=run.id, number=2, status="failed", width=10.0, height=20.0, problem=problem))
        session.add(PageRow(run_id=run.id, number=3, status="queued"))
        readings.save(session, run.id, 1, scripts_page())
    return document


@pytest.mark.parametrize("page", PAGES, ids=range(len(PAGES)))
def test_a_page_comes_back_equal(database, row, page):
    with database.write() as session:
        readings.save(session, row.run_id, 1, page)
    with database.read() as session:
        assert readings.load(session, row.run_id, 1) == page
        assert len(session.scalars(select(Reading)).all()) == 1


def test_a_failed_page_says_why_and_a_waiting_one_is_not_there(database, row):
    with database.read() as session:
        failed = readings.load(session, row.run_id, 2)
        assert readings.load(session, row.run_id, 3) is None
        assert readings.load(session, row.run_id, 4) is None
    assert failed.failed
    assert (failed.width, failed.height) == (10.0, 20.0)
    assert failed.problems == (Problem("engine-failed", "It broke.", "Try again."),)


def test_a_document_is_usable_after_its_session(database, row):
    with database.read() as session:
        document = readings.document(session, row)
    assert [page.number for page in document.pages] == [1, 2]
    assert document.pages[0] == scripts_page()
    assert document.pages[-1].failed
    assert len(document.pages[:1]) == 1
    assert document.engines == {"ocr": "rapid 3"}
    assert document.source.filename == "a.pdf"
    assert "Zażółć" in document.text


def test_a_document_that_was_never_read_has_no_pages(database, row):
    row.run_id = None
    with database.read() as session:
        assert list(readings.document(session, row).pages) == []


def test_a_reading_takes_less_than_a_third_of_its_json():
    page = columns_page()
    assert len(readings.pack(page)) < len(json.dumps(page_to_dict(page))) / 3
