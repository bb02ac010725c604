"""Whether a PDF's own text is believed: good, mojibake, invisible wrong text, pictures of text, outlines."""

from pathlib import Path

import numpy as np
import pymupdf
import pytest

from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.textlayer import uncovered

pytestmark = pytest.mark.slow

TEXT = [
    "The keys of the freight contract hang behind the door.",
    "It took ten weeks until the town archive had been renewed.",
    "Visitors are asked to leave the maintenance log as they find it.",
]


def make(path: Path, *, shown: list[str] | None, hidden: list[str] | None = None, angle: int = 0) -> Path:
    """A page whose `shown` lines are visible text; or a picture of them, with `hidden` text over it."""
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=595, height=842)
        for index, line in enumerate(shown or []):
            where = (72, 100 + 30 * index) if angle == 0 else (100 + 30 * index, 700)
            page.insert_text(where, line, fontsize=13, rotate=angle)
        if hidden is not None:
            pixmap = page.get_pixmap(dpi=200)
            page = pdf.new_page(width=595, height=842)
            page.insert_image(page.rect, pixmap=pixmap)
            for index, line in enumerate(hidden):
                page.insert_text((72, 100 + 30 * index), line, fontsize=13, render_mode=3)
            pdf.delete_page(0)
        pdf.save(path)
    return path


def read(reader, path):
    [page] = reader.document(reader.open(path)).pages
    return page


def test_good_text_is_used_as_it_is(reader, tmp_path):
    page = read(reader, make(tmp_path / "good.pdf", shown=TEXT))
    assert page.text_source == "text-layer"
    assert page.agreement > 0.95
    assert " ".join(page.text.split()) == " ".join(TEXT)


def test_good_invisible_text_over_a_scan_is_used(reader, tmp_path):
    page = read(reader, make(tmp_path / "ocred.pdf", shown=TEXT, hidden=TEXT))
    assert page.text_source == "text-layer"


def test_invisible_wrong_text_is_not_believed(reader, tmp_path):
    wrong = ["Qne thing is wntten here bnt auother", "stauds on tlie scau ahove", "nobodv ever Iooked at it asain"]
    page = read(reader, make(tmp_path / "wrong.pdf", shown=TEXT, hidden=wrong))
    assert page.text_source == "ocr"
    assert page.agreement < 0.6
    assert " ".join(page.text.split()) == " ".join(TEXT)


def test_mojibake_is_not_believed(reader, tmp_path):
    page = read(reader, make(tmp_path / "garbage.pdf", shown=TEXT, hidden=["\ue001\ue002\ufffd\ue003" * 8] * 3))
    assert page.text_source == "ocr"
    assert not page.agreement


@pytest.mark.parametrize(("mode", "source"), [("never", "ocr"), ("always", "text-layer")])
def test_the_decision_can_be_overridden(reader, tmp_path, mode, source):
    path = make(tmp_path / "wrong.pdf", shown=TEXT, hidden=["something else"] * 3)
    upload = reader.open(path)
    page = type(reader).page(_with_mode(reader, mode), upload, 1)
    assert page.text_source == source
    assert ("something else" in page.text) == (mode == "always")


def _with_mode(reader, mode):
    """The same loaded engines under another option."""
    import copy
    from dataclasses import replace

    other = copy.copy(reader)
    other.options = replace(reader.options, text_layer=mode)
    return other


def test_a_picture_of_text_beside_real_text_is_read_too(reader, tmp_path):
    path = make(tmp_path / "mixed.pdf", shown=TEXT)
    with pymupdf.open(path) as pdf:
        stamp = pymupdf.open()
        stamp.new_page(width=200, height=60).insert_text((10, 40), "RECEIVED 9 JUNE", fontsize=20)
        pdf[0].insert_image(pymupdf.Rect(72, 400, 272, 460), pixmap=stamp[0].get_pixmap(dpi=200))
        pdf.save(tmp_path / "mixed2.pdf")
    page = read(reader, tmp_path / "mixed2.pdf")
    assert page.text_source == "mixed"
    [stamp_line] = [line for line in page.lines if "RECEIVED" in line.text]
    assert stamp_line.text == "RECEIVED 9 JUNE"
    assert stamp_line.confidence is not None
    assert stamp_line.box.share_inside(Box(72, 400, 272, 460)) > 0.95
    assert all(page.text.count(line) == 1 for line in TEXT)


def test_text_drawn_as_outlines_is_read(reader, tmp_path):
    path = make(tmp_path / "text.pdf", shown=TEXT)
    with pymupdf.open(path) as pdf:
        outlines = pymupdf.open("svg", pdf[0].get_svg_image(text_as_path=True).encode())
        (tmp_path / "outlines.pdf").write_bytes(outlines.convert_to_pdf())
    page = read(reader, tmp_path / "outlines.pdf")
    assert page.text_source == "ocr"
    assert " ".join(page.text.split()) == " ".join(TEXT)


@pytest.mark.parametrize(("angle", "rotation"), [(90, 90), (270, 270)])
def test_a_sideways_text_layer_turns_the_page(reader, tmp_path, angle, rotation):
    page = read(reader, make(tmp_path / "side.pdf", shown=TEXT[:1] if angle == 270 else TEXT, angle=angle))
    assert page.rotation == rotation
    assert (page.width, page.height) == pytest.approx((842, 595), abs=0.1)
    line = page.lines[0]
    assert line.box.width > line.box.height


def test_letters_the_engine_does_not_know_are_no_reason_for_doubt(reader, tmp_path):
    path = tmp_path / "hebrew.pdf"
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=595, height=842)
        page.insert_htmlbox(pymupdf.Rect(72, 72, 500, 300), "<p>שלום עולם זה מסמך קצר</p>")
        pdf.save(path)
    page = read(reader, path)
    assert page.text_source in {"text-layer", "mixed"}
    assert "שלום" in page.text


def test_ink_without_words_is_uncovered_and_words_are_not():
    pixels = np.full((800, 600, 3), 255, np.uint8)
    for x in range(100, 300, 12):
        pixels[100:120, x : x + 6] = 0
        pixels[400:420, x : x + 6] = 0
    image = PageImage(pixels, 100)
    [area] = uncovered(image, [image.place([(98, 98), (302, 122)])])
    assert area.share_inside(image.place([(80, 380), (330, 440)])) > 0.95
