"""Pages are found upright, turned or skewed by their pixels; drawn pages say what is true."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docproc.engines.ppocr import LineClassifier, Recognizer
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.slope import Marks, find_marks, find_slope
from docproc.straighten import LEAST_SKEW, deskew, straighten, turn_image
from docproc.synth import draw
from docproc.synth.labels import scans
from docproc.synth.move import skewing
from docproc.synth.scan import Scan

pytestmark = pytest.mark.slow


@cache
def page(kind: str = "print", dpi: float = 110):
    """Return (image, truth) of a drawn page, straight."""
    drawn = draw(kind, 2)
    image, truth = next(scans(drawn, dpi))
    return image, truth


@cache
def classifier() -> LineClassifier:
    return LineClassifier(1)


@cache
def recognizer() -> Recognizer:
    return Recognizer(1)


class Reads:
    """The recogniser of PP-OCR as a `Reader`; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def legibility(self, crops):
        self.asked += 1
        return [reading.confidence for reading in recognizer().read(crops)]


class Wrong:
    """A classifier that calls every line upside down, and a reader that reads nothing."""

    def upside_down(self, crops):
        return [1.0] * len(crops)

    def legibility(self, crops):
        return [0.0] * len(crops)


def skewed(degrees: float, kind: str = "print") -> PageImage:
    image, truth = page(kind)
    return Scan(skew=degrees).apply(image, truth, 0)[0]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("kind", ["print", "table"])
def test_a_turned_page_is_turned_back(turn, kind):
    image, _ = page(kind)
    found = straighten(turn_image(image, turn), classifier(), Reads())
    assert found.rotation == -turn % 360
    assert np.array_equal(found.upright.pixels, image.pixels)
    assert found.page == image.box


def test_an_upright_page_is_not_touched_and_not_read_for_it():
    image, _ = page("print")
    reader = Reads()
    found = straighten(image, classifier(), reader)
    assert found.image is image
    assert found.upright is image
    assert (found.rotation, reader.asked) == (0, 0)
    corners = image.box.corners
    assert found.back(corners) == corners


@pytest.mark.parametrize("degrees", [-10, -3, 0.5, 2, 7])
def test_skew_is_found_to_a_tenth_of_a_degree_and_undone(degrees):
    found = straighten(skewed(degrees), classifier())
    assert found.rotation == 0
    assert found.skew == pytest.approx(degrees, abs=0.1)
    assert find_slope(find_marks(found.image)).degrees == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("degrees", "turn"), [(-4.0, 0), (3.0, 90), (-2.0, 180), (4.0, 270)])
def test_polygons_go_back_to_where_the_words_are(degrees, turn):
    """A word found level on the deskewed page lies, on the upright page, where it was drawn."""
    image, truth = page("print")
    tilted, there = Scan(skew=degrees).apply(image, truth, 0)
    found = straighten(turn_image(tilted, turn), classifier(), Reads())
    assert found.rotation == -turn % 360
    for line in (there.lines[3], there.lines[-2]):
        x0, y0 = line.polygon[0]
        x1, y1 = line.polygon[1]
        level = level_line(found, ((x0, y0), (x1, y1)))
        assert level[0][1] == pytest.approx(level[1][1], abs=1.2)  # points over a whole line
        back = found.back(tuple(level))
        assert np.array(back) == pytest.approx(np.array([(x0, y0), (x1, y1)]), abs=1e-6)


def level_line(found, points):
    """The inverse of `back`."""
    full = np.vstack([found.to_page, [0, 0, 1]])
    inverse = np.linalg.inv(full)
    return [tuple(inverse[:2] @ [x, y, 1]) for x, y in points]


def test_a_word_is_dark_in_the_deskewed_frame_where_back_says():
    image, truth = page("print")
    tilted, there = Scan(skew=-6.0).apply(image, truth, 0)
    found = straighten(turn_image(tilted, 180), classifier(), Reads())
    grey = found.image.pixels.mean(axis=2)
    words = [word for line in there.lines for word in line.words if len(word.text) > 4]
    inks = []
    for word in words[::7]:
        box = Box.around(level_line(found, word.polygon))
        crop = found.image.crop(box)
        inks.append(crop.pixels.mean())
    assert np.percentile(inks, 90) < np.median(grey) - 20


def test_small_skew_is_reported_but_nothing_is_resampled():
    tilted = skewed(0.2)
    found = straighten(tilted, classifier())
    assert found.image is tilted
    assert found.skew == pytest.approx(0.2, abs=0.1)
    assert LEAST_SKEW > 0.2


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((900, 700, 3), 255, np.uint8),
        np.zeros((900, 700, 3), np.uint8),
        np.random.default_rng(1).integers(0, 255, (900, 700, 3), np.uint8),
        np.full((1, 1, 3), 9, np.uint8),
        np.tile(np.linspace(0, 255, 700, dtype=np.uint8)[None, :, None], (900, 1, 3)),
    ],
    ids=["white", "black", "noise", "one pixel", "ramp"],
)
def test_pages_without_lines_come_back_as_they_are(pixels):
    image = PageImage(pixels, 100.0)
    found = straighten(image, Wrong(), Wrong())
    assert found.image is image
    assert (found.rotation, found.skew) == (0, 0.0)


def test_a_few_pictures_have_no_slope():
    rng = np.random.default_rng(2)
    pixels = np.full((1100, 850, 3), 255, np.uint8)
    for _ in range(8):
        x, y = rng.integers(0, 700), rng.integers(0, 900)
        pixels[y : y + 150, x : x + 120] = rng.integers(0, 255, (min(150, 1100 - y), min(120, 850 - x), 3))
    found = straighten(PageImage(pixels, 100.0), Wrong(), Wrong())
    assert (found.rotation, found.skew) == (0, 0.0)


def test_an_upright_page_stays_when_the_vote_errs_but_the_reader_can_read():
    image, _ = page("print")
    assert straighten(image, Wrong(), Reads()).rotation == 0


def test_a_vote_that_says_the_same_both_ways_turns_nothing():
    image, _ = page("print")
    assert straighten(image, Wrong()).rotation == 0
    assert straighten(image, Wrong(), Wrong()).rotation == 0


def test_a_reader_that_reads_both_ways_leaves_the_page_as_it_is():
    image, _ = page("print")

    class ReadsAnything(Wrong):
        def legibility(self, crops):
            return [0.97] * len(crops)

    for turn in (0, 180):
        assert straighten(turn_image(image, turn), Wrong(), ReadsAnything()).rotation == 0


def test_a_small_crop_is_not_resampled_for_a_slope_of_a_pixel():
    image, truth = page("print")
    tilted, _ = Scan(skew=0.6).apply(image, truth, 0)
    crop = PageImage(np.ascontiguousarray(tilted.pixels[300:400, 300:500]), tilted.dpi)
    assert straighten(crop, classifier(), Reads()).image is crop


def test_a_clear_vote_turns_a_page_without_a_reader():
    image, _ = page("print")
    assert straighten(turn_image(image, 180), classifier()).rotation == 180


@given(degrees=st.floats(-10, 10), width=st.integers(20, 300), height=st.integers(20, 300))
@settings(max_examples=40)
def test_deskewing_cuts_nothing_off_and_can_be_undone(degrees, width, height):
    image = PageImage(np.full((height, width, 3), 200, np.uint8), 72.0)
    straight, back = deskew(image, degrees)
    inverse = np.linalg.inv(np.vstack([back, [0, 0, 1]]))
    for x, y in image.box.corners:
        u, v, _ = inverse @ [x, y, 1]
        assert -0.6 <= u <= straight.width + 0.6
        assert -0.6 <= v <= straight.height + 0.6
    turn = skewing(-degrees, (0, 0))[:, :2]
    assert inverse[:2, :2] == pytest.approx(turn, abs=1e-6)


@given(data=st.data())
@settings(max_examples=30)
def test_marks_turned_four_times_are_the_same_marks(data):
    shape = (data.draw(st.integers(50, 90)), data.draw(st.integers(50, 90)))
    box = st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2)
    marks = Marks(np.array(data.draw(st.lists(box, min_size=1)), float), shape, 2)
    turned = marks.turned().turned().turned().turned()
    assert np.array_equal(turned.boxes, marks.boxes)
    assert turned.shape == shape


@given(slope=st.floats(-10, 10), seed=st.integers(0, 50))
@settings(max_examples=25)
def test_rows_of_marks_give_their_slope(slope, seed):
    rng = np.random.default_rng(seed)
    rows, letters = 30, 50
    x = np.tile(np.arange(letters) * 15.0, rows) + rng.uniform(0, 4, rows * letters)
    y = np.repeat(np.arange(rows) * 22.0, letters) + np.tan(np.deg2rad(slope)) * x + 200
    height = rng.choice([7, 10], rows * letters)
    boxes = np.stack([x, np.rint(y - height), np.full_like(x, 8), height], axis=1)
    found = find_slope(Marks(boxes, (1100, 850), 2))
    assert found.degrees == pytest.approx(slope, abs=0.1)
    assert found.sharpness > 2
