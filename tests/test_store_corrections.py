"""Corrections kept: batches under If-Match, undo, what search finds, and newer runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from exports_samples import a_line, page_of
from read_documents import add_document, add_run, page_read
from sqlalchemy.orm import Session

from docproc.document import Page
from docproc.errors import Conflict, NotFound, Rejected
from docproc.store import access, corrections, readings, search
from docproc.store.database import Database
from docproc.store.tables import DocumentRow, PageRow, User

WHO = access.Principal("ann", "ann", "reviewer")


@pytest.fixture
def document_id(database: Database) -> str:
    with database.write() as session:
        session.add(User(id="ann", name="ann", role="reviewer"))
        session.flush()
        return add_document(session, "ann")


def row(session: Session, document_id: str) -> DocumentRow:
    return session.get_one(DocumentRow, document_id)


def correct(database: Database, document_id: str, *operations: dict[str, Any], expected: Any = None) -> Page:
    with database.write() as session:
        return corrections.add(session, row(session, document_id), 1, operations, user_id="ann", expected=expected)


def undo(database: Database, document_id: str, expected: Any = None) -> Page:
    with database.write() as session:
        return corrections.undo(session, row(session, document_id), 1, expected=expected)


def text_of(database: Database, document_id: str, number: int = 1) -> str:
    with database.read() as session:
        return corrections.current_page(session, row(session, document_id), number).text


def found(database: Database, query: str) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(hit.document, hit.page) for hit in search.find(session, WHO, query, limit=10).hits]


BROWN = {"op": "replace", "id": "aw2", "text": "brown"}


def test_a_correction_reaches_page_document_and_search_and_undo_takes_it_back(database, document_id):
    assert found(database, "brovvn") == [(document_id, 1)]
    assert correct(database, document_id, BROWN).lines_by_id["a"].text == "the quick brown fox"
    assert text_of(database, document_id) == "Letter\n\nthe quick brown fox"
    with database.read() as session:
        whole = corrections.current_document(session, row(session, document_id))
        assert whole.text == "Letter\n\nthe quick brown fox\fLetter\n\nsecond page"
        as_read = readings.load(session, row(session, document_id).run_id or "", 1)
    assert as_read == page_read()  # never edited
    assert found(database, "brovvn") == []
    assert found(database, "brown") == [(document_id, 1)]
    undo(database, document_id)
    assert text_of(database, document_id) == "Letter\n\nthe quick brovvn fox"
    assert found(database, "brown") == []


def test_pairs_are_those_of_the_words_as_they_are_now(database, document_id):
    """Also where two corrections of a batch make one pair together, and one batch follows another."""

    def pairs(page):
        return [(one.key, one.value) for one in page.key_values]

    key = {"op": "replace", "id": "a", "text": "Total: fox"}
    value = {"op": "replace", "id": "a", "text": "Total: 12.50"}
    assert pairs(correct(database, document_id, key, value)) == [("Total", "12.50")]
    assert found(database, "key:total 12.50") == [(document_id, 1)]
    changed = correct(database, document_id, value | {"text": "Total: 17.20"})
    assert pairs(changed) == [("Total", "17.20")]
    with database.read() as session:
        shown = corrections.current_page(session, row(session, document_id), 1)
        whole = corrections.current_document(session, row(session, document_id))
    assert pairs(shown) == pairs(whole.pages[0]) == [("Total", "17.20")]
    assert pairs(undo(database, document_id)) == [("Total", "12.50")]
    assert pairs(undo(database, document_id)) == []
    assert found(database, "key:total") == []


def test_undo_takes_back_whole_batches_from_the_newest(database, document_id):
    correct(database, document_id, BROWN, {"op": "delete", "id": "aw3"})
    correct(database, document_id, {"op": "label", "id": "r0", "label": "section-header"})
    assert undo(database, document_id).regions[0].label == "title"
    assert undo(database, document_id) == page_read()
    with pytest.raises(Conflict) as told:
        undo(database, document_id)
    assert told.value.code == "nothing-to-undo"
    with database.read() as session:
        kept = corrections.history(session, row(session, document_id), 1)
    assert [(one.batch, one.position) for one in kept] == [("00000001", 0), ("00000001", 1), ("00000002", 0)]
    assert all(one.undone_at for one in kept)


def test_later_operations_speak_of_what_earlier_ones_made(database, document_id):
    page = correct(database, document_id, {"op": "split", "id": "aw1", "at": 2})
    made = page.lines_by_id["a"].words[1].id
    page = correct(database, document_id, {"op": "replace", "id": made, "text": "QU"})
    assert page.lines_by_id["a"].text == "the QU ick brovvn fox"
    assert text_of(database, document_id) == page.text


def test_who_has_not_seen_the_newest_state_is_refused(database, document_id):
    with database.read() as session:
        seen = corrections.tag(session, row(session, document_id), 1)
        other_page = corrections.tag(session, row(session, document_id), 2)
    correct(database, document_id, BROWN, expected={seen})
    for change in (
        lambda: correct(database, document_id, BROWN, expected={seen}),
        lambda: undo(database, document_id, {seen}),
    ):
        with pytest.raises(Conflict) as told:
            change()
        assert told.value.code == "changed"
    with database.read() as session:
        assert corrections.tag(session, row(session, document_id), 1) != seen
        assert corrections.tag(session, row(session, document_id), 2) == other_page


def test_a_batch_is_done_whole_or_not_at_all(database, document_id):
    with pytest.raises(Rejected, match=r"operations\[1\]"):
        correct(database, document_id, BROWN, {"op": "delete", "id": {"no": "id"}})
    assert text_of(database, document_id) == page_read().text
    for wrong in ([], [BROWN] * (corrections.MOST_OPERATIONS + 1)):
        with pytest.raises(Rejected, match="1 to"):
            correct(database, document_id, *wrong)
    with database.read() as session:
        assert corrections.history(session, row(session, document_id)) == []


def test_a_page_that_is_not_read_has_no_text_yet(database, document_id):
    with database.write() as session:
        session.add(PageRow(run_id=row(session, document_id).run_id, number=3))
    with database.read() as session, pytest.raises(NotFound) as told:
        corrections.current_page(session, row(session, document_id), 3)
    assert told.value.code == "not-read"


def test_corrections_are_carried_over_and_the_lost_ones_are_kept(database, document_id):
    with database.read() as session:
        seen = corrections.tag(session, row(session, document_id), 1)
    correct(database, document_id, BROWN, {"op": "delete", "id": "tw0"})
    shifted = replace(
        page_read("tbe quick brovvn fox"),
        lines=(a_line("x7", "tbe quick brovvn fox", 41, 101),),
        regions=(replace(page_read().regions[1], id="x1", order=0, line_ids=("x7",)),),
    )
    with database.write() as session:
        document = row(session, document_id)
        document.run_id = add_run(session, document, shifted, page_read("second page", 2))
        corrections.carry_over(session, document)
    assert text_of(database, document_id) == "tbe quick brown fox"
    with database.read() as session:
        kept = corrections.history(session, row(session, document_id), 1)
        assert [(one.operation["id"], one.placed) for one in kept] == [("x7w2", True), ("tw0", False)]
        assert kept[1].anchor == {"tw0": {"kind": "word", "text": "Letter", "box": [40, 40, 76, 52]}}
        assert corrections.tag(session, row(session, document_id), 1) != seen
    with pytest.raises(Conflict):
        correct(database, document_id, BROWN, expected={seen})  # ids of the old run name other things now


def test_what_found_no_place_finds_it_on_a_later_run(database, document_id):
    correct(database, document_id, BROWN)
    for page, placed in ((page_of(1, []), False), (page_read(), True), (page_read(), True)):
        with database.write() as session:
            document = row(session, document_id)
            document.run_id = add_run(session, document, page)
            corrections.carry_over(session, document)
            corrections.carry_over(session, document)
            assert [one.placed for one in corrections.history(session, document)] == [placed]
    assert text_of(database, document_id) == "Letter\n\nthe quick brown fox"


def test_what_can_no_longer_be_done_does_not_hide_the_page(database, document_id):
    correct(database, document_id, BROWN)
    with database.write() as session:
        kept = corrections.history(session, row(session, document_id))[0]
        kept.operation = {"op": "of a version to come"}
    assert text_of(database, document_id) == page_read().text
