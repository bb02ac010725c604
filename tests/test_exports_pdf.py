"""The searchable PDF, opened again: what is drawn stays, what is read lies where it is seen."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from docproc.document import Document, Line, Page
from docproc.errors import Rejected, Unavailable
from docproc.exports import pdf
from docproc.geometry import Box
from docproc.parsers import overlay

from .exports_samples import SAMPLES, a_line, columns_page, document_of, han_line, page_of, scripts_page

WIDTH, HEIGHT = 420.0, 595.0


def blank(path: Path, pages: int = 1) -> Path:
    """Write pages that show one red square and nothing else."""
    doc = pymupdf.open()
    for _ in range(pages):
        page = doc.new_page(width=WIDTH, height=HEIGHT)
        page.draw_rect(pymupdf.Rect(10, 500, 60, 550), color=(1, 0, 0), fill=(1, 0, 0))
    doc.save(path)
    return path


def overlaid(document: Document, original: Path, password: str | None = None) -> pymupdf.Document:
    """Return what the sandbox's verb makes, run here so that a failure shows where it is."""
    layers = original.with_suffix(".json")
    pdf.write_layers(document, layers)
    arguments = {"media_type": document.source.media_type, "password": password, "max_pixels": 10**8}
    _, data = overlay.write(str(original), str(layers), **arguments)
    return pymupdf.open(stream=data, filetype="pdf")


def looks(doc: pymupdf.Document, index: int = 0) -> bytes:
    samples: bytes = doc[index].get_pixmap(dpi=72).samples
    return samples


def upright_words(page: pymupdf.Page, read: Page) -> list[tuple[str, Box]]:
    """Return the words of a page as shown, on the upright page that was read."""
    layer = {"width": read.width, "height": read.height, "rotation": read.rotation}
    back = ~overlay.upright_to_shown(layer, page.rect)
    rects = [(text, pymupdf.Rect(box.as_list()) * back) for text, box in overlay.text_boxes(page)]
    return [(text, Box(*rect.normalize())) for text, rect in rects]


def assert_words_lie_on(page: pymupdf.Page, read: Page, lines: Sequence[Line], tolerance: float = 0.5) -> None:
    expected = [word for line in lines for word in line.words]
    found = upright_words(page, read)
    assert [text for text, _ in found] == [word.text for word in expected]
    for (_, box), word in zip(found, expected, strict=True):
        off = max(abs(a - b) for a, b in zip(box.as_list(), word.box.as_list(), strict=True))
        assert off < tolerance, f"{word.text} is off by {off:.2f} pt"


def test_text_is_found_in_reading_order_where_it_is_seen_and_nothing_looks_different(tmp_path: Path) -> None:
    original = blank(tmp_path / "in.pdf")
    document = document_of(columns_page())
    made = overlaid(document, original)
    assert looks(made) == looks(pymupdf.open(original))
    assert_words_lie_on(made[0], document.pages[0], document.pages[0].lines)
    assert made[0].get_text().splitlines() == [line.text for line in document.pages[0].lines]


def test_every_script_can_be_copied(tmp_path: Path) -> None:
    made = overlaid(document_of(scripts_page()), blank(tmp_path / "in.pdf"))
    assert made[0].get_text().splitlines() == [line.text for line in scripts_page().lines]


def test_han_words_have_no_spaces_between_them(tmp_path: Path) -> None:
    page = page_of(1, [("text", [han_line("h", 50, 50)])])
    made = overlaid(document_of(page), blank(tmp_path / "in.pdf"))
    assert made[0].get_text().strip() == "東京都庁"


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_turned_and_cropped_pages_with_a_user_unit(tmp_path: Path, rotation: int, turn: int) -> None:
    """`rotation` is the file's own /Rotate, `turn` what we turned the page by to read it."""
    doc = pymupdf.open()
    page = doc.new_page(width=500, height=700)
    page.draw_rect(pymupdf.Rect(100, 100, 150, 130), fill=(0, 0, 1))
    page.set_cropbox(pymupdf.Rect(37, 53, 437, 653))
    page.set_rotation(rotation)
    doc.xref_set_key(page.xref, "UserUnit", "1.5")
    doc.save(tmp_path / "in.pdf")
    shown = pymupdf.open(tmp_path / "in.pdf")[0].rect
    upright = (shown.height, shown.width) if turn in (90, 270) else (shown.width, shown.height)
    read = replace(columns_page(), width=upright[0], height=upright[1], rotation=turn)
    made = overlaid(document_of(read), tmp_path / "in.pdf")
    assert looks(made) == looks(pymupdf.open(tmp_path / "in.pdf"))
    assert_words_lie_on(made[0], read, read.lines)


def test_rotation_means_clockwise_turn_to_upright() -> None:
    """The top-left corner of the upright page lies where it was before the page was turned clockwise."""
    corners = {0: (0, 0), 90: (0, 200), 180: (100, 200), 270: (100, 0)}
    for turn, corner in corners.items():
        upright = (200, 100) if turn in (90, 270) else (100, 200)
        layer = {"width": upright[0], "height": upright[1], "rotation": turn}
        matrix = overlay.upright_to_shown(layer, pymupdf.Rect(0, 0, 100, 200))
        assert tuple(pymupdf.Point(0, 0) * matrix) == pytest.approx(corner)


def test_a_tilted_line_follows_its_polygon(tmp_path: Path) -> None:
    line = a_line("l", "tilted line of words", 50, 100)
    turn = pymupdf.Matrix(1, 0, 0, 1, -50, -100) * pymupdf.Matrix(8) * pymupdf.Matrix(1, 0, 0, 1, 50, 100)

    def turned(word: Line) -> Line:
        polygon = tuple(tuple(pymupdf.Point(corner) * turn) for corner in word.box.corners)
        return replace(word, polygon=polygon, box=Box.around(polygon))

    line = replace(turned(line), words=tuple(turned(word) for word in line.words))
    made = overlaid(document_of(page_of(1, [("text", [line])])), blank(tmp_path / "in.pdf"))
    assert made[0].get_text().strip() == "tilted line of words"
    for word, expected in zip(made[0].get_text("words"), line.words, strict=True):
        off = max(abs(a - b) for a, b in zip(word[:4], expected.box.as_list(), strict=True))
        assert off < 1.0


def test_good_text_is_not_doubled(tmp_path: Path) -> None:
    doc = pymupdf.open(blank(tmp_path / "blank.pdf"))
    doc[0].insert_text((50, 60), "printed already", fontsize=12)
    doc.save(tmp_path / "in.pdf")
    old, new = a_line("a", "printed already", 50, 49), a_line("b", "only scanned", 50, 300)
    page = page_of(1, [("text", [old]), ("text", [new])])
    for source, agreement, expected in [
        ("text-layer", 1.0, ["printed already"]),
        ("mixed", 0.9, ["only scanned", "printed already"]),
        ("ocr", 0.95, ["only scanned", "printed already"]),
        ("ocr", 0.1, ["only scanned", "printed already", "printed already"]),
    ]:
        read = document_of(replace(page, text_source=source, agreement=agreement))
        made = overlaid(read, tmp_path / "in.pdf")
        assert sorted(made[0].get_text().splitlines()) == expected
        assert looks(made) == looks(doc)


def test_lines_of_a_turned_mixed_page_meet_the_text_that_is_there(tmp_path: Path) -> None:
    doc = pymupdf.open(blank(tmp_path / "blank.pdf"))
    doc[0].insert_text((50, 60), "printed already", fontsize=12)
    doc[0].set_rotation(90)
    doc.save(tmp_path / "in.pdf")
    lines = [a_line("a", "printed already", 50, 49), a_line("b", "only scanned", 50, 300)]
    page = page_of(1, [("text", [line]) for line in lines], text_source="mixed", rotation=270)
    made = overlaid(document_of(page), tmp_path / "in.pdf")
    assert sorted(made[0].get_text().splitlines()) == ["only scanned", "printed already"]


def old_layer(path: Path, *, link: bool = False) -> Path:
    """Write a scan with a bad invisible text layer, beside visible text that must stay."""
    doc = pymupdf.open(blank(path.with_suffix(".blank.pdf")))
    doc[0].insert_text((50, 60), "wr0ng 0ld tcxt", fontsize=12, render_mode=3)
    doc[0].insert_text((50, 560), "visible", fontsize=12)
    if link:
        doc[0].insert_link({"kind": pymupdf.LINK_URI, "from": pymupdf.Rect(5, 5, 9, 9), "uri": "https://a.example"})
    doc.save(path)
    return path


def test_a_bad_invisible_layer_is_replaced(tmp_path: Path) -> None:
    original = old_layer(tmp_path / "in.pdf")
    read = document_of(page_of(1, [("text", [a_line("a", "right new text", 50, 49)])], agreement=0.2))
    made = overlaid(read, original)
    assert made[0].get_text().splitlines() == ["right new text", "visible"]
    assert looks(made) == looks(pymupdf.open(original))


def test_an_invisible_layer_that_cannot_be_removed_safely_stays_and_is_told(tmp_path: Path) -> None:
    original = old_layer(tmp_path / "in.pdf", link=True)
    read = document_of(page_of(1, [("text", [a_line("a", "right new text", 50, 49)])]))
    layers = tmp_path / "layers.json"
    pdf.write_layers(read, layers)
    values, data = overlay.write(str(original), str(layers), media_type="application/pdf", max_pixels=10**8)
    assert values == {"kept": [1]}
    made = pymupdf.open(stream=data)
    assert "wr0ng" in made[0].get_text()
    assert made[0].get_links()


def test_resources_that_pages_inherit_stay(tmp_path: Path) -> None:
    doc = pymupdf.open()
    for text in ("first page", "second page"):
        doc.new_page(width=WIDTH, height=HEIGHT).insert_text((50, 400), text)
    parent = int(doc.xref_get_key(doc[0].xref, "Parent")[1].split()[0])
    doc.xref_set_key(parent, "Resources", doc.xref_get_key(doc[0].xref, "Resources")[1])
    doc.xref_set_key(doc[0].xref, "Resources", "null")
    doc.save(tmp_path / "in.pdf")
    made = overlaid(document_of(page_of(1, [("text", [a_line("a", "added", 50, 40)])])), tmp_path / "in.pdf")
    assert made[0].get_text().splitlines() == ["added", "first page"]
    assert made[1].get_text().splitlines() == ["second page"]
    for index in (0, 1):
        assert looks(made, index) == looks(pymupdf.open(tmp_path / "in.pdf"), index)


def test_failed_and_empty_pages_stay_as_they_are(tmp_path: Path) -> None:
    original = blank(tmp_path / "in.pdf", pages=3)
    made = overlaid(SAMPLES["failed"], original)
    assert [bool(page.get_text()) for page in made] == [True, False, False]
    assert looks(made, 1) == looks(pymupdf.open(original), 1)


def test_locked_originals(tmp_path: Path) -> None:
    doc = pymupdf.open(blank(tmp_path / "blank.pdf"))
    doc.save(tmp_path / "in.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="sesame", owner_pw="boss")
    with pytest.raises(Rejected, match="password is needed"):
        overlaid(SAMPLES["columns"], tmp_path / "in.pdf")
    made = overlaid(SAMPLES["columns"], tmp_path / "in.pdf", password="sesame")
    assert made.needs_pass
    assert made.authenticate("sesame")
    assert "Title" in made[0].get_text()


def test_another_file_is_refused(tmp_path: Path) -> None:
    original = blank(tmp_path / "in.pdf")
    with pytest.raises(Rejected, match="fewer pages"):
        overlaid(document_of(replace(columns_page(), number=2)), original)
    (tmp_path / "no.pdf").write_bytes(b"not a pdf")
    with pytest.raises(Rejected, match="too damaged"):
        overlaid(SAMPLES["columns"], tmp_path / "no.pdf")
    with pytest.raises(Unavailable, match="original"):
        pdf.write(SAMPLES["columns"], None)


def picture(path: Path, save: Callable[[Image.Image], None] | None = None, **options: object) -> Path:
    """Write a picture, black at its top left and white elsewhere."""
    image = Image.new("RGB", (420, 595), "white")
    image.paste("black", (0, 0, 100, 60))
    image.save(path, **options)
    return path


def test_a_jpeg_keeps_its_bytes(tmp_path: Path) -> None:
    original = picture(tmp_path / "scan.jpg", quality=80)
    read = document_of(columns_page(), media_type="image/jpeg")
    made = overlaid(read, original)
    assert made[0].rect == pymupdf.Rect(0, 0, WIDTH, HEIGHT)
    assert_words_lie_on(made[0], read.pages[0], read.pages[0].lines)
    assert made.extract_image(made[0].get_images()[0][0])["image"] == original.read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_shown_as_exif_says(tmp_path: Path, orientation: int) -> None:
    upright = Image.new("RGB", (420, 596), "white")
    upright.paste("black", (0, 0, 100, 60))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that stores it so
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "scan.jpg", exif=exif, quality=95)
    read = document_of(replace(columns_page(), height=596.0), media_type="image/jpeg")
    made = overlaid(read, tmp_path / "scan.jpg")
    pixmap = made[0].get_pixmap(dpi=72)
    assert (pixmap.width, pixmap.height) == (420, 596)
    assert max(pixmap.pixel(20, 20)) < 40
    assert min(min(pixmap.pixel(x, y)) for x, y in [(400, 20), (20, 580), (400, 580), (150, 20)]) > 200
    assert_words_lie_on(made[0], read.pages[0], read.pages[0].lines)


def test_a_picture_that_was_turned_is_shown_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (420, 595), "white")
    image.paste("black", (0, 0, 100, 60))
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "scan.png")  # its top is at the left now
    read = document_of(replace(columns_page(), rotation=90), media_type="image/png")
    made = overlaid(read, tmp_path / "scan.png")
    assert max(made[0].get_pixmap(dpi=72).pixel(20, 20)) < 40
    upright = replace(read.pages[0], rotation=0)
    assert_words_lie_on(made[0], upright, upright.lines)


@pytest.mark.parametrize(
    ("name", "mode", "media_type"),
    [
        ("a.png", "RGBA", "image/png"),
        ("a.png", "P", "image/png"),
        ("a.png", "I;16", "image/png"),
        ("a.tif", "1", "image/tiff"),
        ("a.tif", "CMYK", "image/tiff"),
        ("a.jpg", "CMYK", "image/jpeg"),
        ("a.webp", "RGB", "image/webp"),
        ("a.gif", "P", "image/gif"),
        ("a.bmp", "L", "image/bmp"),
    ],
)
def test_every_kind_of_picture(tmp_path: Path, name: str, mode: str, media_type: str) -> None:
    grey = Image.new("L", (420, 595), "white")
    grey.paste("black", (0, 0, 100, 60))
    image = (
        grey.point(lambda value: value * 257, "I").convert("I;16")
        if mode == "I;16"
        else grey.convert("RGB").convert(mode)
    )
    image.save(tmp_path / name)
    made = overlaid(document_of(columns_page(), media_type=media_type), tmp_path / name)
    pixmap = made[0].get_pixmap(dpi=72)
    assert max(pixmap.pixel(20, 20)) < 60
    assert min(pixmap.pixel(300, 300)) > 200
    assert "Title" in made[0].get_text()


def test_frames_of_a_tiff_are_pages(tmp_path: Path) -> None:
    frames = [Image.new("1", (420, 595), value) for value in (1, 0, 1)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:], compression="group4")
    pages = [columns_page(), replace(columns_page(), number=3)]
    made = overlaid(document_of(*pages, media_type="image/tiff"), tmp_path / "a.tif")
    assert [bool(page.get_text()) for page in made] == [True, False, True]
    assert max(made[1].get_pixmap(dpi=36).pixel(50, 50)) == 0


def test_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(Rejected, match="picture"):
        overlaid(document_of(columns_page(), media_type="image/png"), tmp_path / "a.png")


def test_it_is_made_in_the_sandbox(tmp_path: Path) -> None:
    original = blank(tmp_path / "in.pdf")
    data = pdf.write(document_of(columns_page()), original)
    with pymupdf.open(stream=io.BytesIO(data)) as made:
        assert "The Title" in made[0].get_text()
