import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tiles import detail_tiles, overview

lengths = st.integers(1, 3000)


def page(width: int, height: int, dpi: float = 200.0) -> PageImage:
    return PageImage(np.broadcast_to(np.uint8(255), (height, width, 3)), dpi)


def pixel_box(tile: PageImage) -> tuple[int, int, int, int]:
    left, top = round(tile.left * tile.scale), round(tile.top * tile.scale)
    return left, top, left + tile.width, top + tile.height


@given(lengths, lengths)
def test_tiles_cover_the_page_and_none_runs_past_its_edge(width, height):
    covered = np.zeros((height, width), bool)
    for tile in detail_tiles(page(width, height)):
        left, top, right, bottom = pixel_box(tile)
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert tile.width <= 896
        assert tile.height <= 896
        covered[top:bottom, left:right] = True
    assert covered.all()


@given(lengths, lengths, st.data())
def test_what_is_no_larger_than_the_overlap_is_whole_in_one_tile(width, height, data):
    w, h = (data.draw(st.integers(1, min(160, length))) for length in (width, height))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))
    tiles = [pixel_box(tile) for tile in detail_tiles(page(width, height))]
    assert any(left <= x and top <= y and x + w <= right and y + h <= bottom for left, top, right, bottom in tiles)


@given(st.integers(40, 600), st.integers(40, 600), st.sampled_from([72.0, 150.0, 200.0, 299.7]), st.data())
def test_crop_then_place_is_exact(width, height, dpi, data):
    image = page(width, height, dpi)
    x0, y0 = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    box = image.place([(x0, y0), (x1, y1)])
    crop = image.crop(box)
    assert (crop.width, crop.height) == (x1 - x0, y1 - y0)
    assert crop.place([(0, 0), (crop.width, crop.height)]).as_list() == pytest.approx(box.as_list(), abs=1e-6)
    assert crop.to_pixels((box.left, box.top)) == pytest.approx((0, 0), abs=1e-6)


def test_the_overview_is_the_whole_page_at_896_px():
    small = overview(page(1700, 2200))
    assert max(small.width, small.height) == 896
    assert small.box.as_list() == pytest.approx(page(1700, 2200).box.as_list(), abs=0.5)


def test_a_page_that_fits_is_left_alone():
    image = page(800, 600)
    assert overview(image) is image
    assert [pixel_box(tile) for tile in detail_tiles(image)] == [(0, 0, 800, 600)]


def test_an_overlap_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        detail_tiles(page(100, 100), side=50, overlap=50)


def test_a_crop_outside_the_image_is_refused():
    with pytest.raises(ValueError, match="outside"):
        page(100, 100).crop(Box(500, 500, 510, 510))
