"""Drawn documents: the same every time, and their truth is where the ink is."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from docproc.document import Page
from docproc.errors import Usage
from docproc.geometry import Box
from docproc.overlay import LABEL_COLORS, draw_page
from docproc.raster import PageImage
from docproc.synth import KINDS, draw, examples
from docproc.synth.cli import command
from docproc.synth.examples import EXAMPLES
from docproc.synth.labels import row, samples, scans
from docproc.synth.move import move_page, skewing, turned_size, turning
from docproc.synth.sheet import Style

pytestmark = pytest.mark.slow

example = cache(examples.example)
EXAMPLES_FOLDER = Path(__file__).parent.parent / "examples"
QUICK = ["print", "report", "example-report", "invoice", "columns", "table", "list"]


@pytest.fixture(scope="module")
def drawn():
    return {kind: draw(kind, 1) for kind in QUICK}


def words(page: Page) -> list:
    return [word for line in page.lines for word in line.words]


@pytest.mark.parametrize("kind", QUICK)
def test_the_truth_is_what_the_pdf_says(drawn, kind):
    """Every known word is a word of the PDF, in the same place (PyMuPDF's boxes are a little taller)."""
    with pymupdf.open("pdf", drawn[kind].pdf) as document:
        for page in drawn[kind].pages:
            found = {}
            for left, top, right, bottom, text, *_ in document[page.number - 1].get_text("words"):
                found.setdefault(text, []).append(Box(left, top, right, bottom))
            known = words(page)
            assert len(known) == sum(map(len, found.values()))
            tilted = {word.id for word in known if word.polygon[0][1] != word.polygon[1][1]}
            for word in known:
                assert any(box.contains(word.box.center) for box in found[word.text]), word
                near = min(abs(box.left - word.box.left) for box in found[word.text])
                assert near < (0.3 if word.id not in tilted else 5.0)


@pytest.mark.parametrize("kind", QUICK)
def test_regions_hold_every_line_once_and_nothing_leaves_the_page(drawn, kind):
    for page in drawn[kind].pages:
        placed = [line_id for region in page.regions for line_id in region.line_ids]
        assert sorted(placed) == sorted(line.id for line in page.lines)
        assert [region.order for region in page.regions] == list(range(len(page.regions)))
        whole = Box(0, 0, page.width, page.height)
        for word in words(page):
            assert word.box.share_inside(whole) == pytest.approx(1.0)
            assert " " not in word.text
        for region in page.regions:
            for line_id in region.line_ids:
                assert page.lines_by_id[line_id].box.share_inside(region.box.grown(0.01)) > 0.999


@pytest.mark.parametrize("kind", ["print", "report"])
def test_words_of_a_page_do_not_overlap(drawn, kind):
    boxes = np.array([word.box.as_list() for word in words(drawn[kind].pages[0])])
    left, top, right, bottom = boxes.T
    wide = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    high = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    shared = np.clip(wide, 0, None) * np.clip(high, 0, None)
    np.fill_diagonal(shared, 0)
    assert shared.max() < 1.0  # square points


def test_tables_have_their_cells_and_spans(drawn):
    grid, booktabs, _ = drawn["table"].pages[0].tables
    spans = {(cell.row, cell.column): (cell.row_span, cell.column_span) for cell in grid.cells}
    assert spans[0, 0] == (2, 1)
    assert spans[0, 2] == (1, 2)
    assert sum(a * b for a, b in spans.values()) == grid.rows * grid.columns
    assert [cell.text for cell in booktabs.cells[:4]] == ["Site", "Count", "Mean", "Share"]
    region = next(one for one in drawn["table"].pages[0].regions if one.id == grid.region_id)
    assert region.label == "table"
    assert region.box == grid.box


@pytest.mark.parametrize("kind", ["invoice", "skewed", "rotated", "faint", "fax", "print"])
def test_the_ink_lies_under_the_words_after_scanning(kind):
    """Nearly every known word is darker than the paper: were the boxes misplaced, some would lie on white."""
    image, page = next(scans(draw(kind, 3), 100))
    grey = image.pixels.mean(axis=2)
    inside = [grey_of(grey, image, word.box) for word in words(page) if len(word.text) > 3]
    assert np.percentile(inside, 95) < np.median(grey) - 8
    assert (image.width, image.height) == pytest.approx(
        (page.width * image.scale, page.height * image.scale), abs=1.5
    )


def grey_of(grey, image, box):
    (x0, y0), (x1, y1) = image.to_pixels((box.left, box.top)), image.to_pixels((box.right, box.bottom))
    return grey[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].mean()


def test_posters_carry_small_print_on_a_huge_sheet():
    page = draw("poster", 1).pages[0]
    heights = [line.box.height for line in page.lines]
    assert page.width > 1600
    assert min(heights) < 6
    assert max(heights) > 60
    small = [line.box.center for line in page.lines if line.box.height < 7]
    assert np.ptp([x for x, _ in small]) > page.width / 2
    assert np.ptp([y for _, y in small]) > page.height / 2


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_page():
    pages = {draw("print", seed).pages[0].text for seed in range(12)}
    assert len(pages) == 12
    first, again = (samples(draw("invoice", 5), "png", 60)[0].data for _ in range(2))
    assert first == again


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_committed_examples_are_what_is_drawn(name):
    """Compared by pixels, because other releases of the libraries may write the same page in other bytes."""
    data = (EXAMPLES_FOLDER / name).read_bytes()
    assert len(data) < 400_000
    with pymupdf.open("pdf", data) as old, pymupdf.open("pdf", example(name).data) as new:
        assert old.page_count == new.page_count == len(example(name).pages)
        assert old[0].get_text() == new[0].get_text()
        for before, after in zip(old, new, strict=True):
            a, b = (np.frombuffer(page.get_pixmap(dpi=72).samples, np.uint8) for page in (before, after))
            assert np.abs(a.astype(int) - b).mean() < 1.0


def test_the_invoice_has_no_text_layer_and_the_report_has_one():
    texts = {}
    for name in EXAMPLES:
        with pymupdf.open("pdf", example(name).data) as document:
            texts[name] = document[0].get_text().split()
    assert texts["invoice-scan.pdf"] == []
    assert len(texts["report.pdf"]) > 300


@pytest.mark.parametrize(("suffix", "kind"), [("pdf", "report"), ("png", "report"), ("tiff", "fax")])
def test_a_set_is_written_with_labels_in_the_units_of_its_files(tmp_path, suffix, kind):
    arguments = ["--kind", kind, "--out", str(tmp_path), "--format", suffix, "--dpi", "100", "--seed", "2"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    rows = [json.loads(text) for text in (tmp_path / "dev" / "labels.jsonl").read_text().splitlines()]
    assert len(rows) == (2 if (suffix, kind) == ("png", "report") else 1)
    for one in rows:
        assert (tmp_path / one["file"]).is_file()
        size = (one["width"], one["height"]) if suffix != "pdf" else one["page_size_pt"]
        if suffix != "pdf":
            with Image.open(tmp_path / one["file"]) as picture:
                assert picture.size == pytest.approx(size, abs=1)
        assert max(word["box"][3] for word in one["words"]) > size[1] * 0.9
        assert {word["text"] for word in one["words"]} == set(one["text"].split())


def test_an_unknown_kind_and_an_empty_call_say_what_to_do():
    with pytest.raises(Usage, match=r"invoice"):
        draw("banknote", 1)
    with pytest.raises(Usage, match=r"--kind"):
        CliRunner().invoke(command, [], catch_exceptions=False)


def test_the_cli_writes_the_examples(tmp_path):
    result = CliRunner().invoke(command, ["--examples", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(EXAMPLES)


def test_a_label_row_says_how_to_turn_the_file_upright():
    drawn = draw("rotated", 4)
    assert (drawn.scan.turn + row(samples(drawn, "png", 50)[0])["rotation"]) % 360 == 0
    assert drawn.scan.turn in {90, 180, 270}


@given(degrees=st.sampled_from([0, 90, 180, 270]))
def test_four_turns_give_the_page_back(degrees):
    page = one_page()
    size = (page.width, page.height)
    turned = move_page(page, turning(degrees, size), turned_size(degrees, size))
    back_size = (turned.width, turned.height)
    back = move_page(turned, turning(-degrees % 360, back_size), turned_size(degrees, back_size))
    assert back.lines[0].box.as_list() == pytest.approx(page.lines[0].box.as_list())
    assert turned.lines[0].polygon[0] != page.lines[0].polygon[0] or degrees == 0


@given(degrees=st.floats(-10, 10))
def test_skew_keeps_lengths_and_slopes_lines(degrees):
    page = one_page()
    size = (page.width, page.height)
    line = move_page(page, skewing(degrees, size), size).lines[-1]
    (x0, y0), (x1, y1) = line.polygon[:2]
    assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(degrees, abs=1e-6)
    assert np.hypot(x1 - x0, y1 - y0) == pytest.approx(page.lines[-1].box.width)


@cache
def one_page() -> Page:
    return draw("list", 1).pages[0]


@given(text=st.text("abc é", min_size=1), width=st.floats(5, 300))
def test_wrapping_loses_no_word_and_no_line_is_too_long(text, width):
    style = Style()
    lines = style.wrap(text, width)
    assert [word for line in lines for word in line] == text.split()
    assert all(len(line) == 1 or style.width(" ".join(line)) <= width + 1e-6 for line in lines)


def test_every_kind_can_be_drawn_small():
    assert set(KINDS) >= {*QUICK, "poster", "poster-a0", "small-print", "skewed", "rotated", "faint"}
    for kind in ("small-print", "faint"):
        assert draw(kind, 9).pages[0].lines


def test_the_overlay_paints_frames_words_and_leaves_the_image_alone():
    image, page = next(scans(draw("table", 1), 60))
    before = image.pixels.copy()
    picture = draw_page(image, page)
    painted = np.asarray(picture)
    assert picture.mode == "RGB"
    assert painted.shape == image.pixels.shape
    assert (image.pixels == before).all()
    table = next(region for region in page.regions if region.label == "table")
    x, y = image.to_pixels((table.box.right + 1.5, table.box.center[1]))
    near = painted[int(y), int(x) - 2 : int(x) + 3].astype(int)
    assert (np.abs(near - LABEL_COLORS["table"]).sum(axis=1) == 0).any()
    word = words(page)[0]
    assert grey_of(painted.mean(axis=2), image, word.box) < grey_of(before.mean(axis=2), image, word.box)


def test_the_overlay_draws_a_part_of_a_page():
    image, page = next(scans(draw("table", 1), 60))
    part = image.crop(Box(50, 50, 300, 300))
    assert draw_page(part, page).size == (part.width, part.height)
    assert draw_page(PageImage(image.pixels, image.dpi), Page(1, page.width, page.height)).size == (
        image.width,
        image.height,
    )
