"""The whole story on real engines: pages, failures that cost one page, posters, the streaming interface."""

import tracemalloc
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from misbehaving import Crashing, Lying
from samples import EXAMPLES, LETTER, drawn_letter

import docproc
from docproc.errors import EngineFailed, Rejected, Usage
from docproc.exports import json
from docproc.pipeline import Engines, Reader, ReadOptions, read_lines, read_page
from docproc.raster import Drawn, PageImage
from docproc.settings import Settings
from docproc.spool import SpooledPages, spooled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def invoice(reader):
    return reader.document(reader.open(EXAMPLES / "invoice-scan.pdf"))


@pytest.fixture(scope="module")
def report(reader):
    return reader.document(reader.open(EXAMPLES / "report.pdf"))


@pytest.fixture(scope="module")
def scanned_letter(scan_reader, tmp_path_factory):
    """The pixels of the letter, read upright."""
    path = drawn_letter(tmp_path_factory.mktemp("letter") / "letter.pdf")
    return scan_reader.document(scan_reader.open(path)).pages[0]


def test_the_examples_are_read(invoice, report):
    [page] = invoice.pages
    assert page.text_source == "ocr"
    assert page.tables
    assert "INVOICE" in page.text
    assert [page.text_source for page in report.pages] == ["text-layer"] * 2
    assert any(region.label == "picture" for page in report.pages for region in page.regions)


def test_every_line_is_in_one_region_and_every_id_once(invoice, report):
    for document in (invoice, report):
        for page in document.pages:
            in_regions = [line_id for region in page.regions for line_id in region.line_ids]
            assert sorted(in_regions) == sorted(line.id for line in page.lines)
            ids = [item.id for group in (page.lines, page.regions, page.tables) for item in group]
            ids += [word.id for line in page.lines for word in line.words]
            assert len(ids) == len(set(ids))
            assert all(id_.startswith(f"p{page.number}-") for id_ in ids)
            assert [region.order for region in page.regions] == list(range(len(page.regions)))


def test_a_scan_reads_like_its_original(scanned_letter):
    assert scanned_letter.text_source == "ocr"
    assert scanned_letter.text.replace("\n\n", "\n").split("\n") == list(LETTER)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_scan_gives_the_same_boxes(scan_reader, scanned_letter, letter, tmp_path, turn):
    with pymupdf.open(letter) as pdf, pymupdf.open() as turned:
        pixmap = pdf[0].get_pixmap(dpi=200)
        sideways = turn in {90, 270}
        page = turned.new_page(width=842 if sideways else 595, height=595 if sideways else 842)
        page.insert_image(page.rect, pixmap=pixmap, rotate=turn)
        turned.save(tmp_path / "turned.pdf")
    [found] = scan_reader.document(scan_reader.open(tmp_path / "turned.pdf")).pages
    assert found.text == scanned_letter.text
    assert (found.width, found.height) == pytest.approx((595, 842), abs=1)
    assert found.rotation == turn
    for mine, theirs in zip(found.lines, scanned_letter.lines, strict=True):
        assert mine.box.as_list() == pytest.approx(theirs.box.as_list(), abs=2)


def test_a_blank_page_is_a_page_without_text(reader, tmp_path):
    with pymupdf.open() as pdf:
        pdf.new_page(width=300, height=400)
        pdf.save(tmp_path / "blank.pdf")
    [page] = reader.document(reader.open(tmp_path / "blank.pdf")).pages
    assert (page.text, page.problems, page.lines) == ("", (), ())
    assert not page.failed


def test_one_bad_page_costs_one_page(loaded, tmp_path):
    path = tmp_path / "three.pdf"
    with pymupdf.open() as pdf:
        for number in (1, 2, 3):
            pdf.new_page(width=300, height=200).insert_text((40, 80), f"page number {number}", fontsize=16)
        pdf[1].set_mediabox(pymupdf.Rect(0, 0, 14_000, 14_000))
        pdf.save(path)
    small = Reader(ReadOptions(dpi=200, text_layer="never"), Settings(max_pixels=20_000_000))
    with small:
        pages = list(small.pages(small.open(path)))
    assert [page.number for page in pages] == [1, 2, 3]
    assert [page.failed for page in pages] == [False, True, False]
    assert pages[1].problems[0].code == "too-many-pixels"
    assert "DOCPROC_MAX_PIXELS" in pages[1].problems[0].hint
    assert pages[2].text == "page number 3"


def test_an_engine_that_fails_costs_the_page(reader, letter):
    failing = reader.like(ReadOptions(text_layer="never"))
    failing._engines = Engines(Crashing(), reader._engines.layout, reader._engines.judge)
    [page] = failing.pages(failing.open(letter))
    with pytest.raises(Rejected, match="fell over"):
        failing.document(failing.open(letter))
    assert page.failed
    assert page.problems[0].code == "engine-failed"
    assert page.width == 595


def test_an_engine_that_lies_about_places_is_kept_on_the_page(reader):
    drawn = Drawn(PageImage(np.full((400, 300, 3), 255, np.uint8), 72), 300, 400, False, "test")
    page = read_page(drawn, 1, Engines(Lying(), reader._engines.layout, reader._engines.judge))
    assert all(line.box.right <= 300 and line.box.bottom <= 400 for line in page.lines)


def test_small_print_on_a_poster_is_found_in_tiles(reader):
    with pymupdf.open() as pdf:
        sheet = pdf.new_page(width=1400, height=842)  # wider than A3
        sheet.insert_text((120, 250), "HARBOUR PLAN", fontsize=150)
        sheet.insert_text((1150, 810), "Printed by the Institute of Works, Ravensby", fontsize=6)
        sheet.insert_text((700, 520), "depth 4.2 m", fontsize=6)
        pixmap = sheet.get_pixmap(dpi=200)
    pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.h, pixmap.w, 3)
    lines, views = read_lines(PageImage(pixels, 200), reader._engines.ocr)
    texts = [line.text for line in lines]
    assert sorted(texts) == ["HARBOUR PLAN", "Printed by the Institute of Works, Ravensby", "depth 4.2 m"]
    assert len(views) > 10
    [title] = [line for line in lines if line.text == "HARBOUR PLAN"]
    assert title.box.width == pytest.approx(pymupdf.get_text_length("HARBOUR PLAN", fontsize=150), abs=30)


def test_a_normal_page_does_not_pay_for_tiles(scanned_letter):
    assert len(scanned_letter.tiles) == 1
    assert scanned_letter.tiles[0].box.as_list() == pytest.approx([0, 0, 595, 842], abs=0.5)


def test_the_python_interface(loaded, letter):
    document = docproc.process(letter)
    assert document.text.replace("\n\n", "\n").split("\n") == list(LETTER)
    assert LETTER[1] in document.to_markdown()
    assert json.read(document.to_json()) == document
    assert [page.number for page in docproc.read_pages(str(letter))] == [1]
    with pytest.raises(Usage, match="no engine"):
        docproc.process(letter, engine="nonsense")
    with pytest.raises(Rejected):
        docproc.process(letter.parent / "missing.pdf")


def test_reading_can_be_stopped_in_the_middle(reader, tmp_path):
    path = tmp_path / "many.pdf"
    with pymupdf.open() as pdf:
        for number in range(6):
            pdf.new_page(width=200, height=100).insert_text((20, 50), f"page {number}")
        pdf.save(path)
    pages = reader.pages(reader.open(path))
    assert next(pages).number == 1
    pages.close()
    assert reader.page(reader.open(path), 6).number == 6


def test_spooled_pages_come_back_equal_and_take_no_memory(invoice):
    [page] = invoice.pages
    with spooled(iter([page] * 3)) as kept:
        assert isinstance(kept, SpooledPages)
        assert list(kept) == [page] * 3
        assert kept[-1] == page
        assert kept[1:] == [page, page]
    tracemalloc.start()
    with spooled(page for _ in range(30)):
        used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 100_000


def test_errors_carry_their_exit_code():
    assert (Rejected("x").exit_code, EngineFailed("x").exit_code, Usage("x").exit_code) == (4, 5, 2)
    assert str(Rejected("It is broken.", hint="Mend it.")) == "It is broken. Mend it."


def test_missing_file_is_a_clear_answer(reader):
    with pytest.raises(Rejected, match="No such file"):
        reader.open(Path("missing.pdf"))


def test_other_options_load_only_what_is_missing(reader):
    loaded = reader._engines
    german = reader.like(ReadOptions(languages=("de",)))._engines
    assert german.ocr is not loaded.ocr
    assert german.layout is loaded.layout
    blobs = reader.like(ReadOptions(engine="fake"))._engines
    assert blobs.ocr.name == "fake"
    assert (blobs.layout, blobs.judge) == (loaded.layout, loaded.judge)
    assert reader.like(ReadOptions(dpi=100))._engines is loaded
