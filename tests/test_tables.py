"""Tables from words and rules: drawn tables with known cells, and grids of any size."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.rules import Rules, find_rules
from docproc.synth import draw
from docproc.synth.labels import scans
from docproc.tables import build_table

BOX = Box(0, 0, 600, 800)


def word(text: str, left: float, top: float, height: float = 9.0) -> Word:
    box = Box(left, top, left + 0.5 * height * len(text), top + height)
    return Word("", text, box, box.corners)


def line(text: str, left: float, top: float) -> Line:
    words = []
    for part in text.split():
        words.append(word(part, left, top))
        left = words[-1].box.right + 2.5
    box = Box.union(one.box for one in words)
    return Line("", text, box, box.corners, None, tuple(words))


def table(rows: str, *, lefts: tuple[float, ...], pitch: float = 14.0) -> list[Line]:
    """Return the lines of a table typed as rows of `a | b | c`; empty places stay empty."""
    return [
        line(cell.strip(), left, 10 + pitch * number)
        for number, row in enumerate(rows.strip().splitlines())
        for cell, left in zip(row.split("|"), lefts, strict=True)
        if cell.strip()
    ]


def lying(y: float, left: float = 0, right: float = 400) -> Box:
    return Box(left, y, right, y + 0.5)


def cells(built) -> dict:
    return {(c.row, c.column, c.row_span, c.column_span): c.text for c in built.cells}


@cache
def page():
    return next(scans(draw("table", 2), 150))


def test_drawn_tables_are_rebuilt_cell_by_cell():
    image, truth = page()
    rules = find_rules(image)
    assert len(truth.tables) == 3
    for known in truth.tables:
        built = build_table(known.box, truth.lines, rules)
        assert (built.rows, built.columns) == (known.rows, known.columns)
        assert cells(built) == {key: text for key, text in cells(known).items() if text}
        assert built.box.iou(known.box) > 0.9


@settings(max_examples=40)
@given(st.integers(2, 12), st.integers(2, 7), st.integers(11, 30), st.integers(20, 90), st.integers(1, 6))
def test_a_grid_of_numbers_without_rules(rows, columns, pitch, gutter, digits):
    width = 4.5 * digits + gutter
    lines = [
        line(str(r * 7 % 10) * digits, 20 + c * width, 10 + r * pitch) for r in range(rows) for c in range(columns)
    ]
    built = build_table(Box(10, 0, 20 + columns * width, 10 + rows * pitch), lines, Rules())
    assert (built.rows, built.columns) == (rows, columns)
    assert len(built.cells) == rows * columns


@given(st.integers(-50, 50), st.integers(-50, 50), st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_moving_or_scaling_a_table_changes_nothing(right, down, scale):
    def changed(box: Box) -> Box:
        return Box.from_list([side * scale for side in box.moved(right, down).as_list()])

    _, truth = page()
    known = truth.tables[0]
    moved = [
        Line("", one.text, changed(one.box), (), None,
             tuple(Word("", w.text, changed(w.box), ()) for w in one.words))
        for one in truth.lines
    ]  # fmt: skip
    assert cells(build_table(changed(known.box), moved, Rules())) == cells(
        build_table(known.box, truth.lines, Rules())
    )


def test_lines_of_one_cell_are_joined_and_section_titles_are_not():
    lines = table(
        """
        Sex                    |         |
        Male                   | 60,721  | (35.2)
        American Indian or any |  4,181  | (53.0)
        other native           |         |
        Income                 |         |
        Low                    | 49,240  | (45.1)
        """,
        lefts=(20, 160, 240),
    )
    built = build_table(BOX, lines, Rules())
    assert [c.text for c in built.cells if c.column == 0] == [
        "Sex",
        "Male",
        "American Indian or any other native",
        "Income",
        "Low",
    ]
    assert built.rows == 5


def test_headings_span_the_columns_that_their_rule_covers():
    lines = table(
        """
               | First     |     | Second    |
        Place  | No.       | %   | No.       | %
        Alba   | 12        | 40  | 11        | 30
        Bram   | 15        | 60  | 14        | 70
        Cort   | 18        | 50  | 13        | 20
        """,
        lefts=(20, 120, 180, 240, 300),
    )
    rules = Rules((lying(21, 118, 200), lying(21, 238, 320), lying(36, 10, 330), lying(5, 10, 330)))
    built = build_table(BOX, lines, rules)
    assert (built.rows, built.columns) == (5, 5)
    assert cells(built)[0, 1, 1, 2] == "First"
    assert cells(built)[0, 3, 1, 2] == "Second"
    assert cells(built)[0, 0, 2, 1] == "Place"
    assert {c.row for c in built.cells if c.header} == {0, 1}


def test_a_wall_that_is_missing_joins_two_places():
    """A ruled grid of 3 x 2 where the left column's second rule is not drawn: its label belongs to two rows."""
    lines = [*table("Kind | Figure\n| 17\n| 18", lefts=(20, 120), pitch=20.0), line("Both", 20, 40)]
    rules = Rules(
        (lying(5, 10, 200), lying(25, 10, 200), lying(45, 100, 200), lying(65, 10, 200)),
        tuple(Box(x, 5, x + 0.5, 65) for x in (10, 100, 200)),
    )
    built = build_table(Box(10, 5, 200, 65), lines, rules)
    assert cells(built) == {
        (0, 0, 1, 1): "Kind",
        (0, 1, 1, 1): "Figure",
        (1, 0, 2, 1): "Both",
        (1, 1, 1, 1): "17",
        (2, 1, 1, 1): "18",
    }


def test_what_stands_above_the_first_rule_is_the_caption():
    lines = table("Table 3: Rain | |\nPlace | May | June\nAlba | 12 | 13\nBram | 14 | 15", lefts=(20, 120, 200))
    rules = Rules((lying(21.5, 10, 260), lying(36, 10, 260), lying(65, 10, 260)))
    built = build_table(Box(10, 8, 260, 66), lines, rules)
    assert [c.text for c in built.cells][:3] == ["Place", "May", "June"]
    assert built.box.top > 20


def test_typed_rules_are_rules():
    lines = [*table("Place | May\n| \nAlba | 12\nBram | 13", lefts=(20, 120)), line("-" * 30, 20, 24)]
    built = build_table(BOX, lines, Rules())
    assert built.rows == 3
    assert not any("-" in c.text for c in built.cells)


def test_no_words_no_table():
    assert build_table(BOX, [], Rules()) is None


@pytest.mark.parametrize("dpi", [100, 200, 300])
def test_rules_are_found_where_they_are_drawn_and_letters_are_none(dpi):
    scale = dpi / 72
    pixels = np.full((round(200 * scale), round(300 * scale), 3), 250, np.uint8)
    pixels[round(50 * scale) : round(51 * scale), round(30 * scale) : round(270 * scale)] = 60
    pixels[round(20 * scale) : round(180 * scale), round(150 * scale) : round(151 * scale)] = 60
    pixels[round(100 * scale) : round(109 * scale), round(40 * scale) : round(42 * scale)] = 0  # an l
    rules = find_rules(PageImage(pixels, dpi, 7, 9))
    assert len(rules.horizontal) == len(rules.vertical) == 1
    assert rules.horizontal[0].center == pytest.approx((157, 59.5), abs=0.8)
    assert rules.vertical[0].center == pytest.approx((157.5, 109), abs=0.8)
    assert rules.horizontal[0].width == pytest.approx(240, abs=1.5)


def test_sums_ruled_off_under_figures_leave_the_labels_beside_them_apart():
    lines = table(
        """
                                  |   | 2025
        Cost of revenue           | $ | 178
        Research                  |   | 3,423
        Sales, general and others |   | 1,136
        Total                     | $ | 4,737
        """,
        lefts=(10, 200, 240),
        pitch=10.5,
    )
    rules = Rules((lying(9 + 10.5, 195, 265), lying(9 + 4 * 10.5, 195, 265), lying(9.7 + 5 * 10.5, 195, 265)), ())
    built = build_table(BOX, lines, rules)
    assert [c.text for c in built.cells if c.column == 0] == [
        "Cost of revenue", "Research", "Sales, general and others", "Total",
    ]  # fmt: skip
    assert [c.text for c in built.cells if c.column == 2] == ["178", "3,423", "1,136", "4,737"]
