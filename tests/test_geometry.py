import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.geometry import Box, turned

side = st.floats(0, 1000, allow_nan=False).map(lambda value: round(value, 2))
boxes = st.tuples(side, side, side, side).map(
    lambda s: Box(min(s[0], s[2]), min(s[1], s[3]), max(s[0], s[2]), max(s[1], s[3]))
)


def test_sides_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="wrong way round"):
        Box(2, 0, 1, 1)


def test_shares_of_two_boxes():
    invoice, inv = Box(0, 0, 70, 10), Box(0, 0, 30, 10)
    assert inv.share_inside(invoice) == 1
    assert invoice.iou(inv) == pytest.approx(3 / 7)
    assert invoice.overlap(Box(70, 0, 80, 10)) == 0


def test_an_empty_box_is_inside_by_its_middle():
    assert Box(5, 5, 5, 9).share_inside(Box(0, 0, 10, 10)) == 1
    assert Box(50, 5, 50, 9).share_inside(Box(0, 0, 10, 10)) == 0


@given(boxes, boxes)
def test_union_holds_both_and_clipping_stays_inside(one, other):
    union = Box.union([one, other])
    assert one.clipped(union) == one
    clipped = one.clipped(other)
    assert other.left <= clipped.left <= clipped.right <= other.right
    assert other.top <= clipped.top <= clipped.bottom <= other.bottom


@given(st.tuples(side, side), st.sampled_from([0, 90, 180, 270]))
def test_a_turn_and_the_rest_of_the_circle_is_no_turn(point, degrees):
    width, height = 1000.0, 2000.0
    there = turned(point, degrees, width=width, height=height)
    sideways = degrees in {90, 270}
    back = turned(
        there, (360 - degrees) % 360, width=height if sideways else width, height=width if sideways else height
    )
    assert back == pytest.approx(point)


def test_a_quarter_turn_clockwise_brings_the_top_left_corner_to_the_top_right():
    assert turned((0, 0), 90, width=100, height=200) == (200, 0)
