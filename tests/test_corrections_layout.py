"""Corrections of the layout: regions drawn, resized and taken away, and the grid of a table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from exports_samples import a_line, page_of, table_page
from read_documents import done, letter

from docproc.corrections import anchor, reanchor
from docproc.document import Page, Table
from docproc.errors import Rejected

ROWS, COLUMNS = [100, 130, 160, 190], [40, 130, 220, 310]
WIDE = {"row": 0, "column": 0, "column_span": 2}
GRID = {"op": "grid", "id": "r0", "rows": ROWS, "columns": COLUMNS}


def lines_in(page: Page) -> list[tuple[str, tuple[str, ...]]]:
    return [(region.label, region.line_ids) for region in page.regions]


def said(table: Table) -> dict[tuple[int, int], str]:
    return {(cell.row, cell.column): cell.text for cell in table.cells}


def test_a_drawn_region_takes_the_lines_inside_it():
    page = done(letter(), {"op": "region", "label": "caption", "box": [30, 110, 300, 135]})
    assert [region.id for region in page.regions] == ["r0", "r1", "c0-r1", "r2", "r3"]
    assert lines_in(page)[1:3] == [("text", ("a",)), ("caption", ("b",))]
    assert page.regions[2].box.as_list() == [30, 110, 300, 135]
    assert (
        done(letter(), {"op": "region", "label": "picture", "box": [30, 400, 300, 500], "after": None}).regions[0].id
    )


def test_a_region_that_loses_its_last_line_to_another_goes():
    page = done(letter(), {"op": "region", "label": "title", "box": [30, 30, 300, 135]})
    assert lines_in(page)[0] == ("title", ("t", "a", "b"))
    assert len(page.regions) == 3


def test_a_resized_region_takes_and_leaves_lines():
    page = done(letter(), {"op": "resize", "id": "r0", "box": [30, 30, 300, 112]})
    assert lines_in(page)[:2] == [("title", ("t", "a")), ("text", ("b",))]
    page = done(page, {"op": "resize", "id": "r0", "box": [30, 30, 300, 60]})
    assert lines_in(page) == lines_in(letter())
    page = done(letter(), {"op": "resize", "id": "r1", "box": [30, 95, 300, 113]})
    assert lines_in(page)[:3] == [("title", ("t",)), ("text", ("a",)), ("text", ("b",))]
    assert page.text == letter().text.replace("fox\n", "fox\n\n")


def test_a_region_is_deleted_when_its_lines_lie_in_another():
    page = done(letter(), {"op": "region", "label": "picture", "box": [20, 20, 400, 580], "after": None})
    assert lines_in(page) == [("picture", ("t", "a", "b", "r", "h"))]
    with pytest.raises(Rejected, match="no region"):
        done(page, {"op": "delete", "id": "c0-r1"})
    page = done(letter(), {"op": "region", "label": "picture", "box": [30, 400, 300, 500]})
    assert done(page, {"op": "delete", "id": "c0-r1"}) == letter()
    page = done(
        table_page(), {"op": "region", "label": "text", "box": [20, 80, 400, 300]}, {"op": "delete", "id": "r0"}
    )
    assert page.tables == ()
    assert lines_in(page) == [("text", tuple(line.id for line in page.lines))]


def test_a_grid_as_it_was_says_what_it_said():
    before = done(table_page(), {"op": "cell", "id": "c12", "text": "three"})
    [table] = done(before, {**GRID, "cells": [WIDE]}).tables
    assert said(table) == {**said(before.tables[0]), (2, 1): ""}
    assert said(table)[1, 2] == "three"
    assert [cell.header for cell in table.cells if cell.row == 0] == [True, True]
    assert (table.rows, table.columns, table.region_id) == (3, 3, "r0")


def test_rows_are_joined_and_parted_with_their_words():
    [table] = done(table_page(), {**GRID, "rows": [100, 130, 190], "cells": [WIDE]}).tables
    assert said(table) == {(0, 0): "Wide | head", (0, 2): "Third", (1, 0): "a d", (1, 1): "b\nc", (1, 2): "3 4"}
    both = done(table_page(), {**GRID, "rows": [100, 130, 190], "cells": [WIDE]}, {**GRID, "cells": [WIDE]})
    assert said(both.tables[0])[2, 0] == "d"
    [table] = done(table_page(), {**GRID, "cells": [WIDE, {"row": 1, "column": 0, "row_span": 2}]}).tables
    assert said(table)[1, 0] == "a d"
    assert (2, 0) not in said(table)


def test_a_cell_says_what_a_person_typed_into_an_empty_place():
    [table] = done(table_page(), {**GRID, "cells": [WIDE, {"row": 2, "column": 1, "text": "none"}]}).tables
    assert said(table)[2, 1] == "none"
    moved = [{**WIDE, "header": False}]
    [table] = done(table_page(), {**GRID, "columns": [40, 128, 220, 310], "cells": moved}).tables
    assert not table.cells[0].header


def test_a_region_becomes_a_table():
    lines = [a_line("x", "Item Price", 40, 100), a_line("y", "Chalk 3", 40, 130)]
    page = page_of(1, [("text", lines)])
    edge = lines[0].words[1].box.left - 2
    page = done(page, {"op": "grid", "id": "r0", "rows": [95, 122, 150], "columns": [30, edge, 300]})
    [table] = page.tables
    assert page.regions[0].label == "table"
    assert said(table) == {(0, 0): "Item", (0, 1): "Price", (1, 0): "Chalk", (1, 1): "3"}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({**GRID, "rows": [100]}, "coordinates"),
    ({**GRID, "rows": [100, 90, 190]}, "ascend"),
    ({**GRID, "columns": [40, 5000]}, "ascend"),
    ({**GRID, "columns": [40, "x"]}, "coordinates"),
    ({**GRID, "cells": [{"row": 2, "column": 2, "row_span": 2}]}, "not in the grid"),
    ({**GRID, "cells": [{"row": -1, "column": 2}]}, "not in the grid"),
    ({**GRID, "cells": [{"row": True, "column": 2}]}, "whole numbers"),
    ({**GRID, "cells": [WIDE, {"row": 0, "column": 1}]}, "same place"),
    ({**GRID, "cells": [{"row": 0}]}, "must have"),
    ({**GRID, "cells": [{"row": 0, "column": 0, "text": "\x00"}]}, "control"),
    ({**GRID, "cells": [{"row": 0, "column": 0, "header": 1}]}, "header"),
    ({**GRID, "cells": {}}, "list"),
    ({**GRID, "id": "c10"}, "no region"),
    ({"op": "region", "label": "stamp", "box": [0, 0, 10, 10]}, "no label"),
    ({"op": "region", "label": "text", "box": [900, 0, 910, 10]}, "outside"),
    ({"op": "resize", "id": "t00", "box": [0, 0, 10, 10]}, "no region"),
]


@pytest.mark.parametrize(("operation", "why"), WRONG, ids=lambda one: str(one)[:60])
def test_what_cannot_be_done_is_refused(operation, why):
    with pytest.raises(Rejected, match=why):
        done(table_page(), operation)


def test_layout_finds_its_place_on_a_newer_reading():
    page = letter()
    newer = replace(page, regions=tuple(replace(one, id=f"n{one.id}", box=one.box.grown(1)) for one in page.regions))
    resized = {"op": "resize", "id": "r1", "box": [30, 90, 300, 140]}
    assert reanchor(resized, anchor(page, resized), newer) == {**resized, "id": "nr1"}
    drawn = {"op": "region", "label": "caption", "box": [30, 400, 300, 500], "after": "r1"}
    assert reanchor(drawn, anchor(page, drawn), newer) == {**drawn, "after": "nr1"}
    found = {"op": "region", "label": "caption", "box": page.regions[1].box.as_list()}
    assert reanchor(found, anchor(page, found), newer) == {"op": "label", "id": "nr1", "label": "caption"}
