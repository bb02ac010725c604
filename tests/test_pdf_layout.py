"""Layout of drawn pages: regions with the right labels, tables, and pictures of nothing but text."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from docproc.document import Line, Region, Word
from docproc.engines import LayoutEngine, load_layout
from docproc.engines.regions import correct
from docproc.geometry import Box
from docproc.order import assemble
from docproc.raster import PageImage
from docproc.rules import Rules, find_rules
from docproc.settings import Settings
from docproc.synth import draw
from docproc.synth.labels import scans


@cache
def loaded() -> LayoutEngine:
    return load_layout("pdf-layout", Settings(threads=1))


@pytest.fixture
def engine() -> LayoutEngine:
    return loaded()


@cache
def page(kind: str):
    return next(scans(draw(kind, 1), 110))


@cache
def read(kind: str):
    image, truth = page(kind)
    regions, tables = loaded().analyze(image, truth.lines)
    return truth, *assemble(truth.lines, regions, tables, number=1, page_box=image.box)


@pytest.mark.parametrize(("kind", "share"), [("print", 0.7), ("columns", 0.7), ("list", 0.6), ("table", 0.8)])
def test_most_regions_are_found_with_their_label(kind, share):
    """The models are not perfect; what is asked here is far from what chance would give."""
    truth, lines, regions, _ = read(kind)
    found = sum(any(a.box.iou(b.box) > 0.5 and a.label == b.label for b in regions) for a in truth.regions)
    assert found >= share * len(truth.regions)
    assert sorted(line.text for line in lines) == sorted(line.text for line in truth.lines)
    assert [region.order for region in regions] == list(range(len(regions)))


@pytest.mark.parametrize("kind", ["print", "columns", "list", "table"])
def test_lines_come_in_their_true_order(kind):
    truth, lines, _, _ = read(kind)
    assert [line.text for line in lines] == [line.text for line in truth.lines]


def test_the_tables_of_a_page_are_found_cell_by_cell():
    truth, _, regions, tables = read("table")
    assert len(tables) == len(truth.tables)
    for known, built in zip(truth.tables, tables, strict=True):
        expected = {(c.row, c.column, c.row_span, c.column_span, c.text) for c in known.cells if c.text}
        assert {(c.row, c.column, c.row_span, c.column_span, c.text) for c in built.cells} == expected
        assert next(one for one in regions if one.id == built.region_id).label == "table"


def test_a_cut_out_table_is_a_table(engine):
    image, truth = page("table")
    known = truth.tables[0]
    cut = image.crop(known.box.grown(4))
    lines = [one for one in truth.lines if one.box.share_inside(known.box) > 0.5]
    regions, tables = engine.analyze(cut, lines)
    assert [one.label for one in regions] == ["table"]
    assert (tables[0].rows, tables[0].columns) == (known.rows, known.columns)
    assert tables[0].region_id == regions[0].id


def test_pages_of_text_have_no_tables():
    for kind in ("print", "columns", "list"):
        assert read(kind)[3] == []


def test_a_page_without_lines_has_nothing(engine):
    blank = PageImage(np.full((400, 300, 3), 255, np.uint8), 72)
    assert engine.analyze(blank, []) == ([], [])


def test_no_state_is_kept_between_calls_and_threads(engine):
    jobs = [page(kind) for kind in ("print", "table", "print")]
    with ThreadPoolExecutor(3) as pool:
        first, table, second = pool.map(lambda job: engine.analyze(job[0], job[1].lines), jobs)
    assert first == second
    assert table == engine.analyze(page("table")[0], page("table")[1].lines)


def test_boxes_lie_on_the_page_of_an_image_that_starts_elsewhere(engine):
    image, truth = page("print")
    moved = PageImage(image.pixels, image.dpi, 1000, 500)
    lines = [
        Line("", one.text, one.box.moved(1000, 500), (), None,
             tuple(Word("", w.text, w.box.moved(1000, 500), ()) for w in one.words))
        for one in truth.lines
    ]  # fmt: skip
    here, there = engine.analyze(image, truth.lines)[0], engine.analyze(moved, lines)[0]
    assert [one.label for one in there] == [one.label for one in here]
    for a, b in zip(here, there, strict=True):
        assert b.box.moved(-1000, -500).as_list() == pytest.approx(a.box.as_list(), abs=0.5)


def test_text_of_any_script_and_odd_words_are_drawn(engine):
    image, _ = page("print")
    boxes = [Box(60, 100 + 14 * i, 300, 110 + 14 * i) for i in range(4)]
    texts = ["漢字かな", "العربية", "(a\\b)", "\u0000\ufffd"]
    lines = [
        Line("", text, box, box.corners, None, (Word("", text, box, box.corners),))
        for text, box in zip(texts, boxes, strict=True)
    ]
    regions, _ = engine.analyze(image, lines)
    assert all(any(line.box.share_inside(one.box) > 0.5 for one in regions) for line in lines)


def test_a_photograph_of_text_gives_text_and_a_photo_with_labels_stays_a_picture():
    box = Box(0, 0, 200, 400)
    whole = [Region("r0", "picture", box, 0)]
    receipt = [_line(f"line number {i}", 10, 10 + 14 * i, 190) for i in range(24)]
    regions, tables = correct(box, whole, receipt, Rules())
    assert {one.label for one in regions} == {"text"}
    assert tables == []
    labels = [_line(f"{i}", 10 + 30 * i, 100 + 40 * i, 25 + 30 * i) for i in range(6)]
    assert [one.label for one in correct(box, whole, labels, Rules())[0]] == ["picture"]


def test_a_table_that_the_model_missed_is_found():
    image, truth = page("table")
    regions, tables = correct(image.box, [], truth.lines, find_rules(image))
    sizes = [(one.rows, one.columns) for one in tables]
    assert (truth.tables[0].rows, truth.tables[0].columns) in sizes
    assert sum(one.label == "table" for one in regions) == len(tables)


def _line(text: str, left: float, top: float, right: float) -> Line:
    box = Box(left, top, right, top + 10)
    return Line("", text, box, box.corners, None, (Word("", text, box, box.corners),))


def test_a_plan_of_five_metres_does_not_take_a_gigabyte(engine):
    pixels = np.full((3000, 3000, 3), 255, np.uint8)
    pixels[100:400, 100:900] = 90
    box = Box(9000, 9000, 9400, 9060)
    line = Line("", "LEGEND", box, box.corners, 1.0, (Word("", "LEGEND", box, box.corners, 1.0),))
    regions, tables = engine.analyze(PageImage(pixels, 15), [line])
    assert sorted(one.label for one in regions) == ["picture", "text"]
    assert tables == []
