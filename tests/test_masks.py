"""Masks: exact there and back, outlines around what is meant, and parts that join."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from docproc import masks
from docproc.findings import MAX_PLACES, Mask
from docproc.geometry import Box

GRIDS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
SQUARE = np.zeros((5, 6), np.bool_)
SQUARE[1:3, 2:5] = True


@given(GRIDS)
def test_a_grid_comes_back(grid):
    height, width = grid.shape
    mask = masks.from_grid(grid, Box(3, 4, 3 + 2 * width, 4 + 3 * height))
    assert (masks.to_grid(mask) == grid).all()
    assert (masks.redrawn(mask, mask.box, height, width) == grid).all()
    assert (masks.to_grid(masks.joined(mask, mask)) == grid).all()


@given(GRIDS)
def test_outlines_lie_in_the_box_and_are_there_when_the_thing_is(grid):
    box = Box(3, 4, 50, 60)
    found = masks.outlines(masks.from_grid(grid, box))
    assert bool(found) == bool(grid.any())
    assert all(box.grown(1e-6).contains(corner) for outline in found for corner in outline)


def test_runs_are_those_of_coco():
    mask = masks.from_grid(SQUARE, Box(0, 0, 6, 5))
    assert mask.counts == (11, 2, 3, 2, 3, 2, 7)
    assert masks.from_grid(np.ones((2, 2), np.bool_), Box(0, 0, 1, 1)).counts == (0, 4)
    assert masks.from_grid(np.zeros((2, 2), np.bool_), Box(0, 0, 1, 1)).counts == (4,)


def test_an_outline_runs_along_the_edges_of_the_places():
    [outline] = masks.outlines(masks.from_grid(SQUARE, Box(10, 20, 22, 30)))
    assert set(outline) == {(14, 22), (14, 26), (20, 26), (20, 22)}
    point = np.zeros((3, 3), np.bool_)
    point[1, 1] = True
    [outline] = masks.outlines(masks.from_grid(point, Box(0, 0, 3, 3)))
    assert set(outline) == {(1, 1), (1, 2), (2, 2), (2, 1)}


def test_two_parts_have_two_outlines_the_larger_first():
    grid = np.zeros((8, 8), np.bool_)
    grid[0:2, 0:2] = grid[4:8, 4:8] = True
    first, second = masks.outlines(masks.from_grid(grid, Box(0, 0, 8, 8)))
    assert Box.around(first) == Box(4, 4, 8, 8)
    assert Box.around(second) == Box(0, 0, 2, 2)


def test_two_halves_of_a_thing_become_one():
    left = masks.from_grid(np.ones((4, 4), np.bool_), Box(0, 0, 4, 4))
    right = masks.from_grid(np.ones((8, 8), np.bool_), Box(3, 0, 7, 4))
    whole = masks.joined(left, right)
    assert whole.box == Box(0, 0, 7, 4)
    assert (whole.height, whole.width) == (8, 14)
    assert masks.to_grid(whole).all()


def test_parts_far_apart_take_no_more_memory_than_a_page():
    one = masks.from_grid(np.ones((100, 100), np.bool_), Box(0, 0, 1, 1))
    other = masks.from_grid(np.ones((100, 100), np.bool_), Box(9000, 9000, 9001, 9001))
    joined = masks.joined(one, other)
    assert joined.height * joined.width <= MAX_PLACES


def test_the_picture_shows_the_thing():
    data = np.frombuffer(masks.png(masks.from_grid(SQUARE, Box(0, 0, 6, 5))), np.uint8)
    assert ((cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) == 255) == SQUARE).all()


@pytest.mark.parametrize(
    ("height", "width", "counts"), [(2, 2, (3,)), (0, 2, ()), (2, 2, (5, -1)), (1 << 20, 1 << 20, (1 << 40,))]
)
def test_what_is_no_mask_is_refused(height, width, counts):
    with pytest.raises(ValueError, match=r"grid|runs"):
        Mask(Box(0, 0, 1, 1), height, width, counts)
