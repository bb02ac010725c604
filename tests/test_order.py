"""Reading order: what a person reads first, for pages whose order nobody doubts, and what never may change."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.blocks import group_lines, rows_of
from docproc.document import Cell, Line, Region, Table, Word
from docproc.geometry import Box
from docproc.order import assemble, reading_order
from docproc.paragraphs import split_columns, split_paragraphs
from docproc.synth import draw

PAGE = Box(0, 0, 600, 800)
LABELS = ("text", "title", "section-header", "list-item", "picture", "table", "caption", "footnote")


def region(name: str, *sides: float, label: str = "text") -> Region:
    return Region(name, label, Box(*sides), 0)


def line(text: str, left: float, top: float, right: float, bottom: float | None = None) -> Line:
    box = Box(left, top, right, top + 10 if bottom is None else bottom)
    words = tuple(Word("", word, box, box.corners) for word in text.split())
    return Line("", text, box, box.corners, None, words)


def names(regions) -> str:
    return " ".join(one.id for one in regions)


@st.composite
def layouts(draw_from):
    sides = st.tuples(*(st.integers(0, 60) for _ in range(2)), *(st.integers(1, 30) for _ in range(2)))
    boxes = draw_from(st.lists(sides, max_size=9))
    labels = draw_from(st.lists(st.sampled_from(LABELS), min_size=len(boxes), max_size=len(boxes)))
    return [
        Region(f"r{i}", label, Box(x * 8, y * 8, (x + w) * 8, (y + h) * 8), 0)
        for i, ((x, y, w, h), label) in enumerate(zip(boxes, labels, strict=True))
    ]


@given(layouts())
def test_the_order_is_a_permutation(regions):
    assert sorted(names(reading_order(regions, PAGE)).split()) == sorted(names(regions).split())


@given(layouts(), st.integers(-40, 40), st.integers(-40, 40), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_moving_or_scaling_the_page_changes_nothing(regions, right, down, scale):
    def changed(box: Box) -> Box:
        return Box.from_list([side * scale for side in box.moved(right, down).as_list()])

    moved = [replace(one, box=changed(one.box)) for one in regions]
    assert names(reading_order(moved, changed(PAGE))) == names(reading_order(regions, PAGE))


@given(layouts(), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_the_input(regions, random):
    shuffled = list(regions)
    random.shuffle(shuffled)
    assert names(reading_order(shuffled, PAGE)) == names(reading_order(regions, PAGE))


def test_columns_under_a_title_with_header_footer_and_footnote():
    regions = [
        region("footer", 280, 770, 320, 780, label="page-footer"),
        region("right1", 310, 120, 560, 400),
        region("note", 40, 720, 290, 740, label="footnote"),
        region("left2", 40, 320, 290, 700),
        region("title", 40, 60, 560, 100, label="title"),
        region("right2", 310, 410, 560, 740),
        region("left1", 40, 120, 290, 310),
        region("header", 40, 20, 560, 30, label="page-header"),
    ]
    assert names(reading_order(regions, PAGE)) == "header title left1 left2 right1 right2 note footer"


def test_white_space_at_one_height_in_both_columns_does_not_interleave_them():
    regions = [region(f"{side}{i}", x, 100 + 60 * i, x + 240, 150 + 60 * i)
               for i in range(5) for side, x in (("a", 40), ("b", 310))]  # fmt: skip
    regions.insert(4, region("wide", 40, 420, 550, 500, label="picture"))
    assert names(reading_order(regions, PAGE)) == "a0 a1 a2 a3 a4 b0 b1 b2 b3 b4 wide"


def test_a_wide_picture_parts_the_columns_above_from_those_below():
    regions = [
        region("c", 40, 500, 290, 700),
        region("d", 310, 500, 560, 700),
        region("picture", 40, 300, 560, 450, label="picture"),
        region("caption", 40, 455, 560, 475, label="caption"),
        region("a", 40, 100, 290, 290),
        region("b", 310, 100, 560, 290),
    ]
    assert names(reading_order(regions, PAGE)) == "a b picture caption c d"


def test_a_caption_beside_its_picture_stays_with_it():
    regions = [
        region("after", 40, 420, 560, 500),
        region("caption", 420, 200, 560, 260, label="caption"),
        region("picture", 40, 120, 400, 400, label="picture"),
        region("before", 40, 40, 560, 100),
    ]
    assert names(reading_order(regions, PAGE)) == "before picture caption after"


def test_labels_and_values_side_by_side_are_read_row_by_row():
    rows = [("Invoice", "17"), ("Date", "3 May"), ("Due", "14 days")]
    regions = [r for i, (a, b) in enumerate(rows)
               for r in (region(a[0] + "1", 40, 100 + 30 * i, 100, 112 + 30 * i),
                         region(a[0] + "2", 300, 100 + 30 * i, 360, 112 + 30 * i))]  # fmt: skip
    assert names(reading_order(regions[::-1], PAGE)) == "I1 I2 D1 D2 D1 D2"


@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 11), st.integers(12, 80), st.booleans(), st.randoms())
def test_two_columns_are_never_interleaved_without_a_layout_model(left, right, shift, gutter, heading, random):
    lines = [line(f"a{i}", 40, 100 + 13 * i, 290 - (i % 7)) for i in range(left)]
    lines += [line(f"b{i}", 290 + gutter, 100 + shift + 13 * i, 540 + gutter) for i in range(right)]
    expected = [one.text for one in lines]
    if heading:
        lines.append(line("heading", 40, 85, 540 + gutter))
        expected = ["heading", *expected]
    random.shuffle(lines)
    read, regions, _ = assemble(lines, [], [], number=1, page_box=PAGE)
    assert [one.text for one in read] == expected
    assert [one for region in regions for one in region.line_ids] == [one.id for one in read]


@pytest.mark.parametrize("kind", ["columns", "print", "list"])
def test_drawn_pages_are_read_in_their_true_order(kind):
    for page in draw(kind, 2).pages:
        read, _, _ = assemble(page.lines[::-1], page.regions, page.tables, number=1, page_box=PAGE)
        assert [one.text for one in read] == [one.text for one in page.lines]


def test_every_line_gets_one_home_and_everything_gets_its_id():
    lines = [line("outside", 300, 700, 360), line("one two", 50, 110, 130), line("in cell", 62, 212, 120)]
    cell = Cell("", 0, 0, 1, 1, "in cell", Box(60, 210, 200, 225))
    table = Table("", Box(60, 210, 200, 225), 1, 1, (cell,), region_id="tab")
    regions = [
        region("tab", 60, 210, 200, 225, label="table"),
        region("txt", 40, 100, 200, 130),
        region("wider", 0, 90, 400, 150),  # covers the same line: the smaller region gets it, this one goes
        region("pic", 400, 300, 500, 400, label="picture"),
    ]
    read, placed, tables = assemble(lines, regions, [table], number=7, page_box=PAGE)
    assert [(one.id, one.text) for one in read] == [
        ("p7-l1", "one two"),
        ("p7-l2", "in cell"),
        ("p7-l3", "outside"),
    ]
    assert [word.id for word in read[0].words] == ["p7-l1-w1", "p7-l1-w2"]
    assert [(one.id, one.label, one.order, one.line_ids) for one in placed] == [
        ("p7-r1", "text", 0, ("p7-l1",)),
        ("p7-r2", "table", 1, ("p7-l2",)),
        ("p7-r3", "picture", 2, ()),
        ("p7-r4", "text", 3, ("p7-l3",)),
    ]
    assert [(one.id, one.region_id, one.cells[0].id) for one in tables] == [("p7-t1", "p7-r2", "p7-t1-c1")]


def test_a_page_without_anything_stays_empty():
    assert assemble([], [], [], number=1, page_box=PAGE) == ([], [], [])


def test_lines_of_a_table_are_read_cell_by_cell():
    """The label stands beside the middle of two rows; it is read before both."""
    lines = [line("1", 200, 100, 220), line("label", 50, 106, 100), line("2", 200, 113, 220)]
    cells = (
        Cell("", 0, 0, 2, 1, "label", Box(50, 100, 100, 123)),
        Cell("", 0, 1, 1, 1, "1", Box(200, 100, 220, 110)),
        Cell("", 1, 1, 1, 1, "2", Box(200, 113, 220, 123)),
    )
    table = Table("", Box(50, 100, 220, 123), 2, 2, cells, region_id="t")
    home = region("t", 50, 100, 220, 123, label="table")
    read, _, _ = assemble(lines, [home], [table], number=1, page_box=PAGE)
    assert [one.text for one in read] == ["label", "1", "2"]


def test_paragraphs_are_split_at_indents_and_white_space():
    rights = [290, 290, 150, 290, 290, 290, 290]
    lefts = [40, 40, 40, 55, 40, 40, 40]
    tops = [100, 113, 126, 139, 152, 185, 198]
    boxes = [Box(a, t, b, t + 10) for a, t, b in zip(lefts, tops, rights, strict=True)]
    assert split_paragraphs(boxes) == [[0, 1, 2], [3, 4], [5, 6]]
    centred = [Box(100 - 9 * i, 100 + 13 * i, 200 + 9 * i, 110 + 13 * i) for i in range(4)]
    assert split_paragraphs(centred) == [[0, 1, 2, 3]]


def test_a_block_over_two_columns_of_text_is_split_but_not_one_of_labels():
    text = [Box(x, 100 + 13 * i, x + 200, 110 + 13 * i) for x in (40, 260) for i in range(3)]
    assert split_columns(text) == [[0, 1, 2], [3, 4, 5]]
    labels = [Box(x, 100 + 13 * i, x + 50, 110 + 13 * i) for x in (40, 260) for i in range(3)]
    assert sorted(split_columns(labels)[0]) == [0, 1, 2, 3, 4, 5]


def test_superscripts_stay_in_their_row_and_close_lines_apart():
    boxes = [Box(0, 0, 50, 10), Box(51, -3, 55, 4), Box(0, 9, 50, 19)]
    assert rows_of(boxes) == [[0, 1], [2]]
    assert group_lines([]) == []
