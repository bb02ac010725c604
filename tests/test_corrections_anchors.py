"""Corrections find their places again on a newer reading of the page, or are not placed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exports_samples import table_page
from read_documents import done, letter, line_text

from docproc.corrections import anchor, reanchor
from docproc.document import Page


def newer(page: Page, by: float = 1.5) -> Page:
    """Return the page read again: other ids, boxes a little off."""
    lines = tuple(
        replace(
            line,
            id=f"n-{line.id}",
            box=line.box.moved(by, -by),
            words=tuple(replace(w, id=f"n-{w.id}", box=w.box.moved(by, -by)) for w in line.words),
        )
        for line in page.lines
    )
    regions = tuple(
        replace(one, id=f"n-{one.id}", box=one.box.grown(by), line_ids=tuple(f"n-{name}" for name in one.line_ids))
        for one in page.regions
    )
    tables = tuple(
        replace(
            table, cells=tuple(replace(cell, id=f"n-{cell.id}", box=cell.box.moved(by, by)) for cell in table.cells)
        )
        for table in page.tables
    )
    return replace(page, lines=lines, regions=regions, tables=tables)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "id": "aw2", "text": "brown"},
        {"op": "replace", "id": "a", "text": "the quick brown fox"},
        {"op": "split", "id": "aw1", "at": 2},
        {"op": "split", "id": "a", "at": 2},
        {"op": "merge", "ids": ["aw0", "aw1"]},
        {"op": "merge", "ids": ["a", "b"]},
        {"op": "add", "line": "b", "text": "high", "box": [200, 115, 230, 127], "after": "bw1"},
        {"op": "add", "region": "r1", "text": "high", "box": [40, 130, 90, 142]},
        {"op": "delete", "id": "tw1"},
        {"op": "label", "id": "r1", "label": "caption"},
        {"op": "order", "id": "r3", "after": None},
        {"op": "order", "id": "r3", "after": "r0"},
    ],
    ids=str,
)
def test_a_correction_finds_its_place_on_a_newer_reading(operation):
    old, new = letter(), newer(letter())
    found = reanchor(operation, anchor(old, operation), new)
    assert found is not None
    assert done(new, found).text == done(old, operation).text


def test_a_cell_finds_its_place():
    old, new = table_page(), newer(table_page())
    operation = {"op": "cell", "id": "c12", "text": "5"}
    found = reanchor(operation, anchor(old, operation), new)
    assert found == {"op": "cell", "id": "n-c12", "text": "5"}


def test_a_correction_is_placed_where_the_new_reading_got_it_right_itself():
    old = letter()
    operation = {"op": "replace", "id": "aw2", "text": "brown"}
    new = newer(done(old, operation))
    assert reanchor(operation, anchor(old, operation), new) == {**operation, "id": "n-aw2"}


def test_what_was_added_and_is_read_by_now_is_not_added_twice():
    old = letter()
    operation = {"op": "add", "line": "b", "text": "high", "box": [200, 115, 230, 127]}
    new = newer(done(old, {**operation, "text": "hiqh"}))
    found = reanchor(operation, anchor(old, operation), new)
    assert found is not None
    assert line_text(done(new, found), "n-b") == "jumps over high"


def test_a_correction_whose_place_is_gone_is_not_placed():
    old = letter()
    new = newer(done(old, {"op": "delete", "id": "a"}))
    for operation in (
        {"op": "replace", "id": "aw2", "text": "brown"},
        {"op": "merge", "ids": ["aw0", "aw1"]},
        {"op": "split", "id": "a", "at": 2},
    ):
        assert reanchor(operation, anchor(old, operation), new) is None
    assert reanchor(operation, anchor(old, operation), replace(new, lines=(), regions=(), tables=())) is None


def test_a_split_is_not_placed_on_another_word():
    old = letter()
    operation = {"op": "split", "id": "aw2", "at": 2}
    new = newer(done(old, {"op": "replace", "id": "aw2", "text": "brown"}))
    assert reanchor(operation, anchor(old, operation), new) is None
