"""Pages become pixels: upright, in the right place, at a sensible resolution, whatever draws them."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from docproc.errors import EngineFailed
from docproc.geometry import Box
from docproc.intake import open_upload
from docproc.raster import Drawn, PageImage, Rasterizer, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings

poppler = pytest.mark.skipif(not shutil.which("pdftoppm"), reason="poppler-utils is not installed")
BLACK = (0, 0, 0)
sides = st.floats(20, 5000)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Settings()) as one:
        yield one


Draw = Callable[..., Drawn]


@pytest.fixture
def draw(sandbox: Sandbox, tmp_path: Path) -> Draw:
    """Draw a page of a PyMuPDF document or a file."""

    def drawn(
        source: pymupdf.Document | Path,
        number: int = 1,
        *,
        dpi: int | None = None,
        rasterizer: Rasterizer = "auto",
        **limits: float,
    ) -> Drawn:
        path = source if isinstance(source, Path) else tmp_path / "drawn.pdf"
        if not isinstance(source, Path):
            source.save(path)
        settings = replace(Settings(), **limits)  # type: ignore[arg-type]
        upload = open_upload(path, sandbox, settings=Settings())
        return rasterize(upload, number, sandbox, dpi=dpi, rasterizer=rasterizer, settings=settings)

    return drawn


@pytest.fixture
def document() -> Iterator[pymupdf.Document]:
    with pymupdf.open() as one:
        yield one


def dark_box(image: PageImage) -> Box:
    """Return the box on the page around everything dark."""
    rows, columns = np.nonzero(image.pixels.max(2) < 100)
    return image.place([(columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)])


def close(one: Box, other: Box, within: float = 1.0) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one.as_list(), other.as_list(), strict=True))


def scan(width: int, height: int) -> bytes:
    with pymupdf.open() as made:
        page = made.new_page(width=width, height=height)
        page.draw_rect((10, 10, 60, 40), fill=BLACK)
        return bytes(page.get_pixmap(dpi=72).tobytes("png"))


def test_the_whole_page_is_drawn_in_points(draw: Draw, document: pymupdf.Document) -> None:
    document.new_page(width=400, height=300).draw_rect((40, 30, 140, 80), fill=BLACK, width=0)
    page = draw(document)
    assert (page.width, page.height, page.dpi_assumed) == (400, 300, False)
    assert (page.image.left, page.image.top, page.image.dpi) == (0, 0, 200)
    assert close(page.image.box, Box(0, 0, 400, 300), 0.4)
    assert close(dark_box(page.image), Box(40, 30, 140, 80))
    assert page.drawn_by.startswith("pymupdf ")


@pytest.mark.parametrize("rasterizer", ["pymupdf", pytest.param("poppler", marks=poppler)])
@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (0, Box(20, 20, 220, 80)), (90, Box(440, 20, 500, 220)),
        (180, Box(380, 440, 580, 500)), (270, Box(20, 380, 80, 580)),
    ],
)  # fmt: skip
def test_rotation_crop_box_and_user_unit(
    draw: Draw, document: pymupdf.Document, rasterizer: Rasterizer, rotation: int, expected: Box
) -> None:
    page = document.new_page(width=400, height=300)
    page.draw_rect((60, 30, 160, 60), fill=BLACK, width=0)
    page.set_cropbox(pymupdf.Rect(50, 20, 350, 280))
    page.set_rotation(rotation)
    document.xref_set_key(page.xref, "UserUnit", "2")
    drawn = draw(document, rasterizer=rasterizer)
    assert (drawn.width, drawn.height) == ((600, 520) if rotation % 180 == 0 else (520, 600))
    assert close(dark_box(drawn.image), expected)
    assert drawn.drawn_by.startswith(rasterizer)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_words_lie_on_their_ink(draw: Draw, document: pymupdf.Document, rotation: int) -> None:
    page = document.new_page(width=400, height=300)
    page.set_cropbox(pymupdf.Rect(50, 20, 350, 280))
    page.insert_text((60, 100), "Hxg", fontsize=15, fontname="hebo")
    page.set_rotation(rotation)
    document.xref_set_key(page.xref, "UserUnit", "2")
    drawn = draw(document)
    (word,) = drawn.layer
    ink = dark_box(drawn.image)
    assert (word.text, word.bold, word.hidden, word.block, word.line) == ("Hxg", True, False, 0, 0)
    assert word.size == pytest.approx(30)
    assert ink.share_inside(word.box.grown(1)) == 1
    assert word.box.area < 2.2 * ink.area
    left, right = word.polygon[0], word.polygon[1]
    turned = math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])) % 360
    assert turned == pytest.approx(rotation, abs=0.1)


def test_tilted_words_have_tilted_polygons(draw: Draw, document: pymupdf.Document) -> None:
    page = document.new_page(width=400, height=300)
    tilt = pymupdf.Matrix(20)
    page.insert_text((100, 200), "MINIMUM HOME", fontsize=20, morph=(pymupdf.Point(100, 200), tilt))
    drawn = draw(document)
    for word in drawn.layer:
        left, right = word.polygon[0], word.polygon[1]
        assert math.degrees(math.atan2(left[1] - right[1], right[0] - left[0])) == pytest.approx(20, abs=0.5)
    assert dark_box(drawn.image).share_inside(Box.union(word.box for word in drawn.layer)) > 0.97


def test_words_that_nobody_sees_are_hidden(draw: Draw, document: pymupdf.Document) -> None:
    page = document.new_page(width=400, height=400)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 200, 60), False)
    for row in range(60):
        for column in range(0, 200, 2):
            picture.set_pixel(column, row, (0, 0, 0))
    page.insert_text((50, 340), "behind")
    page.insert_image((20, 300, 380, 360), pixmap=picture, keep_proportion=False)
    page.insert_text((50, 320), "over", color=(1, 0, 0))
    page.insert_text((50, 50), "plain")
    page.insert_text((50, 80), "mode", render_mode=3)
    page.insert_text((50, 110), "clear", fill_opacity=0)
    page.insert_text((50, 140), "white", color=(1, 1, 1))
    page.insert_text((50, 170), "painted")
    page.draw_rect((40, 155, 200, 180), fill=(1, 1, 0), width=0)
    page.insert_text((50, 200), "outline", render_mode=1)
    hidden = {word.text: word.hidden for word in draw(document).layer}
    assert hidden == {
        "behind": True, "over": False, "plain": False, "mode": True, "clear": True, "white": True,
        "painted": True, "outline": False,
    }  # fmt: skip


def test_text_is_nfc_in_file_order(draw: Draw, document: pymupdf.Document) -> None:
    page = document.new_page()
    page.insert_text((72, 300), "second block", fontsize=12)
    page.insert_text((72, 100), "cafe\u0301 first", fontsize=12, fontname="helv")
    texts = [word.text for word in draw(document).layer]
    assert texts[:2] == ["second", "block"]
    assert all("\u0301" not in text for text in texts)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_pictures_lie_where_they_are_seen(draw: Draw, document: pymupdf.Document, rotation: int) -> None:
    page = document.new_page(width=400, height=300)
    page.set_cropbox(pymupdf.Rect(50, 20, 350, 280))
    page.insert_image((30, 40, 90, 60), stream=scan(60, 20), keep_proportion=False)
    page.draw_rect((30, 40, 90, 60), fill=BLACK, width=0)
    page.set_rotation(rotation)
    drawn = draw(document)
    assert close(drawn.pictures[0], dark_box(drawn.image))


def test_a_scan_is_drawn_as_it_was_scanned(draw: Draw, document: pymupdf.Document) -> None:
    for pixels in (600, 250, 100):
        page = document.new_page(width=72, height=72)
        page.insert_image(page.rect, stream=scan(pixels, pixels))
    assert [round(draw(document, number).image.dpi) for number in (1, 2, 3)] == [300, 250, 150]
    drawn = draw(document, 2)
    assert drawn.native_dpi == pytest.approx(250)
    assert close(drawn.pictures[0], Box(0, 0, 72, 72))


def test_small_print_gets_more_pixels_and_dpi_overrides(draw: Draw, document: pymupdf.Document) -> None:
    page = document.new_page(width=200, height=200)
    page.insert_text((10, 20), "A heading of the usual size", fontsize=12)
    page.insert_text((10, 60), "and the small print below it, long enough to count", fontsize=4)
    assert draw(document).image.dpi == pytest.approx(300)
    assert draw(document, dpi=100).image.dpi == 100


def test_a_poster_is_capped(draw: Draw, document: pymupdf.Document) -> None:
    document.new_page(width=2384, height=3370)
    drawn = draw(document, max_pixels=10_000_000)
    assert 9_900_000 < drawn.image.width * drawn.image.height <= 10_000_000


def test_more_pixels_than_allowed_cost_the_page(draw: Draw, document: pymupdf.Document) -> None:
    document.new_page(width=14_400, height=14_400)
    document.new_page(width=72, height=72)
    with pytest.raises(EngineFailed, match=r"at 36 dpi.*DOCPROC_MAX_PIXELS") as caught:
        draw(document, max_pixels=1_000_000)
    assert caught.value.code == "too-many-pixels"
    assert draw(document, 2, max_pixels=1_000_000).image.width == 200
    with pytest.raises(EngineFailed, match="at 1200 dpi"):
        draw(document, 2, dpi=1200, max_pixels=1_000_000)


def test_a_page_without_area_is_read_when_something_is_on_it(draw: Draw, document: pymupdf.Document) -> None:
    for text in ("here", ""):
        page = document.new_page(width=612, height=792)
        page.insert_text((72, 72), text)
        document.xref_set_key(page.xref, "MediaBox", "[0 0 0 0]")
    assert [word.text for word in draw(document).layer] == ["here"]
    with pytest.raises(EngineFailed, match="no area"):
        draw(document, 2)


def test_numbers_that_are_no_page(draw: Draw, document: pymupdf.Document) -> None:
    document.new_page()
    for number in (0, 2):
        with pytest.raises(ValueError, match="no page"):
            draw(document, number)


@poppler
def test_poppler_draws_what_mupdf_cannot(draw: Draw, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "poppler-only.pdf"
    with pymupdf.open() as document:
        document.new_page(width=200, height=100).draw_rect((20, 20, 80, 60), fill=BLACK, width=0)
        content = document.tobytes()
    path.write_bytes(content)
    upload = open_upload(path, sandbox, settings=Settings())
    # it says encrypted, and only its attachments are: MuPDF wants a password, poppler does not
    encrypt = (
        b"/Encrypt << /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /EncryptMetadata false /O <"
        + b"00" * 32 + b"> /U <" + b"11" * 32
        + b"> /CF << /StdCF << /CFM /AESV2 /AuthEvent /EFOpen /Length 16 >> >> /EFF /StdCF >>"
    )  # fmt: skip
    path.write_bytes(content.replace(b"trailer\n<<", b"trailer\n<<" + encrypt))
    drawn = rasterize(upload, 1, sandbox, settings=Settings())
    assert drawn.drawn_by.startswith("poppler ")
    assert close(dark_box(drawn.image), Box(20, 20, 80, 60))
    with pytest.raises((EngineFailed, Exception), match="password"):
        rasterize(upload, 1, sandbox, rasterizer="pymupdf", settings=Settings())


def test_time_is_for_the_whole_page(draw: Draw, document: pymupdf.Document) -> None:
    page = document.new_page()
    pattern = "".join(f"{x} {y} 700 700 re f " for x in range(150) for y in range(200))
    page.insert_text((72, 72), "slow")
    document.update_stream(page.get_contents()[0], pattern.encode() * 3)
    with pytest.raises(EngineFailed, match="DOCPROC_PAGE_SECONDS") as caught:
        draw(document, page_seconds=0.1)
    assert caught.value.code == "parser-time"


def picture(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Return white with a black top-left corner of 20 x 10."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, 19, 9), fill="black")
    return image


def corner(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Return how wide and high the dark part in the top-left corner is."""
    dark = pixels.max(2) < 128
    return int(dark[0].sum()), int(dark[:, 0].sum())


@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("a.png", "RGB", {}), ("b.png", "RGBA", {}), ("c.png", "P", {}), ("d.png", "1", {}), ("e.png", "LA", {}),
        ("f.jpg", "CMYK", {"quality": 95}), ("g.jpg", "L", {}), ("h.tif", "1", {"compression": "group4"}),
        ("i.tif", "CMYK", {}), ("j.tif", "I;16", {}), ("k.png", "I;16", {}), ("l.tif", "F", {}),
        ("m.tif", "RGB", {"compression": "tiff_lzw"}), ("n.bmp", "RGB", {}), ("o.gif", "P", {}),
        ("p.webp", "RGB", {"lossless": True}),
    ],
)  # fmt: skip
def test_every_kind_of_image_comes_out_as_it_looks(
    draw: Draw, tmp_path: Path, name: str, mode: str, options: dict[str, object]
) -> None:
    image = picture()
    if mode == "I;16":
        grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
        image = Image.fromarray(grey)
    else:
        image = image.convert("L").convert(mode) if mode in ("F", "LA") else image.convert(mode)
    image.save(tmp_path / name, **options)
    drawn = draw(tmp_path / name)
    assert drawn.image.pixels.shape == (40, 60, 3)
    assert corner(drawn.image.pixels) == (20, 10)
    assert drawn.drawn_by.startswith("pillow ")


def test_what_is_transparent_is_white(draw: Draw, tmp_path: Path) -> None:
    image = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 20, 10))
    image.save(tmp_path / "clear.png")
    image.convert("RGB").quantize(4).save(tmp_path / "clear.gif", transparency=0)
    assert corner(draw(tmp_path / "clear.png").image.pixels) == (20, 10)
    assert (draw(tmp_path / "clear.gif").image.pixels == 255).all()


@pytest.mark.parametrize("suffix", ["jpg", "tif", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(draw: Draw, tmp_path: Path, suffix: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    upright = picture()
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    stored.save(path, exif=exif, dpi=(150, 150))
    drawn = draw(path)
    assert drawn.image.pixels.shape == (40, 60, 3)
    assert corner(drawn.image.pixels) == (20, 10)


def test_pages_of_a_tiff(draw: Draw, tmp_path: Path) -> None:
    pages = [Image.new("L", (60 + 10 * index, 40), 80 * index) for index in range(3)]
    pages[0].save(tmp_path / "several.tif", save_all=True, append_images=pages[1:])
    seen = [draw(tmp_path / "several.tif", number).image.pixels for number in (1, 2, 3)]
    assert [(pixels.shape[1], int(pixels[0, 0, 0])) for pixels in seen] == [(60, 0), (70, 80), (80, 160)]


def test_an_image_says_how_large_its_page_is(draw: Draw, tmp_path: Path) -> None:
    Image.new("L", (1275, 1650)).save(tmp_path / "letter.png", dpi=(150, 150))
    drawn = draw(tmp_path / "letter.png")
    assert (round(drawn.width), round(drawn.height), drawn.dpi_assumed) == (612, 792, False)
    Image.new("L", (1240, 1754)).save(tmp_path / "unsaid.png")
    drawn = draw(tmp_path / "unsaid.png")
    assert (round(drawn.width), round(drawn.height), drawn.dpi_assumed) == (595, 842, True)
    assert drawn.image.width == 1240
    drawn = draw(tmp_path / "unsaid.png", dpi=75)
    assert abs(drawn.image.width - 620) <= 1
    assert drawn.native_dpi == pytest.approx(150, abs=0.1)


def test_a_fax_gets_square_pixels(draw: Draw, tmp_path: Path) -> None:
    Image.new("1", (1728, 1143), 1).save(tmp_path / "fax.tif", compression="group4", dpi=(204, 98))
    drawn = draw(tmp_path / "fax.tif")
    assert drawn.image.dpi == pytest.approx(204)
    assert drawn.image.height == pytest.approx(1143 * 204 / 98, abs=1)


def test_an_image_that_is_too_large_is_read_smaller(draw: Draw, tmp_path: Path) -> None:
    Image.new("L", (2000, 1000), 255).save(tmp_path / "large.png")
    drawn = draw(tmp_path / "large.png", max_pixels=500_000)
    assert 490_000 < drawn.image.width * drawn.image.height <= 500_000


def test_a_truncated_image_costs_its_page(draw: Draw, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:5_000])
    with pytest.raises(EngineFailed, match="cannot decode"):
        draw(tmp_path / "cut.png")


def test_drawing_leaves_no_files(draw: Draw, document: pymupdf.Document, sandbox: Sandbox) -> None:
    document.new_page()
    draw(document)
    before = set(Path(tempfile.gettempdir()).glob("docproc-*/*"))
    draw(document, rasterizer="poppler" if shutil.which("pdftoppm") else "pymupdf")
    assert set(Path(tempfile.gettempdir()).glob("docproc-*/*")) == before
