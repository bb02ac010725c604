"""The embedded engine on drawn text: places, words, scripts, and that it keeps no state."""

import sys

import cv2
import numpy as np
import pymupdf
import pytest

from docproc.engines import ENGINES, LAYOUT_ENGINES, LineJudge, OcrEngine, load_layout, load_ocr
from docproc.engines.onnx import load_model
from docproc.engines.ppocr import QUICK, Recognizer, cut_line, wheel_model
from docproc.engines.scripts import is_written_in, scripts_of
from docproc.errors import Usage
from docproc.raster import PageImage
from docproc.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return load_ocr("rapid", Settings())


def draw(*texts: tuple[float, float, str], size: float = 12, font: str = "helv", dpi: int = 200) -> PageImage:
    """A white 400 x 200 pt page with `texts` at (x, baseline)."""
    with pymupdf.open() as pdf:
        page = pdf.new_page(width=400, height=200)
        for x, y, text in texts:
            page.insert_text((x, y), text, fontsize=size, fontname=font)
        pixmap = page.get_pixmap(dpi=dpi)
        pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.h, pixmap.w, 3)
        return PageImage(pixels.copy(), dpi)


def truth(x: float, y: float, text: str, size: float = 12) -> list[tuple[str, float, float]]:
    """Word, left and right in points, by the widths of the font, which hold some white (2 pt beside a 1)."""
    words, at = [], x
    for word in text.split(" "):
        width = pymupdf.get_text_length(word, fontsize=size)
        words.append((word, at, at + width))
        at += width + pymupdf.get_text_length(" ", fontsize=size)
    return words


def test_words_lie_where_they_were_drawn(engine):
    text = "Linseed oil, 1 litre costs 34.75"
    [lines] = engine.read([draw((40, 90, text))])
    assert [line.text for line in lines] == [text]
    for word, (expected, left, right) in zip(lines[0].words, truth(40, 90, text), strict=True):
        assert word.text == expected
        assert word.box.left == pytest.approx(left, abs=2)
        assert word.box.right == pytest.approx(right, abs=2)
        assert 90 - 12 < word.box.top < 90 - 6
        assert 89 < word.box.bottom < 95
        assert 0.8 < word.confidence <= 1


def test_a_batch_gives_what_single_calls_give_and_nothing_is_kept(engine):
    images = [draw((30, 60, "first page")), draw(), draw((30, 60, "third"), (30, 120, "and more"))]
    together = engine.read(images)
    assert together == [engine.read([image])[0] for image in images]
    assert [[line.text for line in lines] for lines in together][:2] == [["first page"], []]
    assert engine.read(images) == together


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (40, 40)])
def test_odd_and_blank_images_give_nothing(engine, size):
    assert engine.read([PageImage(np.full((*size, 3), 255, np.uint8), 200)]) == [[]]


def test_a_tile_places_its_lines_on_the_page(engine):
    whole = draw((200, 150, "far away"))
    tile = whole.crop(whole.box.__class__(150, 100, 400, 200))
    [[alone]] = engine.read([tile])
    [[inside]] = engine.read([whole])
    assert alone.text == inside.text
    assert alone.box.as_list() == pytest.approx(inside.box.as_list(), abs=1.0)


def test_tilted_lines_have_tilted_polygons(engine):
    image = draw((60, 100, "this line climbs a little"))
    turn = cv2.getRotationMatrix2D((image.width / 2, image.height / 2), 4, 1)
    tilted = cv2.warpAffine(image.pixels, turn, (image.width, image.height), borderValue=(255, 255, 255))
    [[line]] = engine.read([PageImage(np.asarray(tilted, np.uint8), image.dpi)])
    (x0, y0), (x1, y1) = line.polygon[:2]
    assert line.text == "this line climbs a little"
    assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(-4, abs=1)


def test_a_line_upside_down_is_read_all_the_same(engine):
    image = draw((60, 100, "standing on my head today"))
    turned = PageImage(np.ascontiguousarray(image.pixels[::-1, ::-1]), image.dpi)
    [[line]] = engine.read([turned])
    assert line.text == "standing on my head today"
    assert line.polygon[0][0] > line.polygon[1][0]  # it runs to the left


def test_a_judge_tells_upside_down_and_legible(engine):
    assert isinstance(engine, LineJudge)
    image = draw((10, 60, "Between Northwick and Fairhaven"), size=14)
    crop = np.ascontiguousarray(image.crop(image.box.__class__(8, 46, 230, 66)).pixels)
    turned = np.ascontiguousarray(crop[::-1, ::-1])
    up, down = engine.upside_down([crop, turned])
    assert up < 0.2
    assert down > 0.8
    right, wrong = engine.legibility([crop, turned])
    assert right > 0.9 > wrong


def test_without_openvino_the_same_is_read(engine, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    other = load_ocr("rapid", Settings())
    assert "onnxruntime" in other.version
    image = draw((40, 60, "The same words either way, 12.50"))
    [[mine]], [[theirs]] = engine.read([image]), other.read([image])
    assert theirs.text == mine.text
    assert theirs.box.as_list() == pytest.approx(mine.box.as_list(), abs=1)


def test_what_openvino_has_no_kernels_for_is_run_by_onnx_runtime(engine, monkeypatch):
    openvino = pytest.importorskip("openvino")
    compiled = openvino.Core.compile_model

    def compile_model(core, model, *rest):
        if any(one.get_output_element_type(0) == openvino.Type.i8 for one in model.get_ops()):
            raise RuntimeError("No suitable implementations.")
        return compiled(core, model, *rest)

    monkeypatch.setattr(openvino.Core, "compile_model", compile_model)
    assert load_model(QUICK, threads=1, parallel=True).runtime.startswith("onnxruntime")
    image = draw((40, 60, "The same words without int8, 12.50"))
    [[mine]], [[theirs]] = engine.read([image]), load_ocr("rapid", Settings()).read([image])
    assert theirs.text == mine.text


def test_a_failing_finish_leaves_the_model_usable():
    model = load_model(wheel_model("PP-OCRv6_rec_small.onnx"), threads=1, parallel=True)
    tensor = np.zeros((1, 3, 48, 64), np.float32)

    def fail(output):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        model.map([tensor], fail)
    assert model.map([tensor, tensor], lambda output: output.shape[0]) == [1, 1]


def test_languages_narrow_the_letters():
    line = cut_line(
        draw((20, 60, "Total 12.50")).pixels, np.array([[40, 120], [260, 120], [260, 180], [40, 180]], "f4")
    )
    [reading] = Recognizer(1, ["de"]).read([line])
    assert reading.characters == "Total 12.50"
    assert is_written_in("Straße 12 €", scripts_of(["de"]))
    assert not is_written_in("д", scripts_of(["de"]))
    assert is_written_in("договор A4", scripts_of(["ru"]))
    with pytest.raises(Usage, match="no language 'xx'"):
        scripts_of(["xx"])


@pytest.mark.parametrize("name", ENGINES)
def test_every_ocr_engine_keeps_the_contract(name):
    engine = load_ocr(name, Settings())
    assert isinstance(engine, OcrEngine)
    assert engine.name == name
    blank, dark = np.full((200, 300, 3), 255, np.uint8), np.full((200, 300, 3), 255, np.uint8)
    dark[50:90, 40:220] = 0
    blank_lines, dark_lines = engine.read([PageImage(blank, 100, 10, 20), PageImage(dark, 100, 10, 20)])
    assert blank_lines == []
    box = PageImage(dark, 100, 10, 20).box
    assert all(line.box.share_inside(box) > 0.99 for line in dark_lines)
    assert engine.read([]) == []


@pytest.mark.parametrize("name", LAYOUT_ENGINES)
def test_every_layout_engine_takes_an_empty_page(name):
    engine = load_layout(name, Settings())
    assert engine.analyze(PageImage(np.full((842, 595, 3), 255, np.uint8), 72), []) == ([], [])


def test_an_unknown_engine_names_the_known_ones():
    with pytest.raises(Usage, match=r"rapid, fake"):
        load_ocr("nonsense", Settings())
