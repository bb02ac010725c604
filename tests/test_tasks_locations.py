"""Location and segment tokens: exact there and back, and never a crash whatever a model writes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.engines import Generation
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks.asking import View
from docproc.tasks.locations import LAST, Spot, mean_score, read_spots, token_scores, write_box, write_spot

CAT = "<loc0100><loc0200><loc0300><loc0400>"
CODES = "".join(f"<seg{code:03d}>" for code in range(16))


def view(width: int = 400, height: int = 200, dpi: float = 72.0, left: float = 0.0, top: float = 0.0) -> PageImage:
    return PageImage(np.zeros((height, width, 3), np.uint8), dpi, left, top)


def test_a_box_is_top_left_bottom_right_over_1023():
    [spot], invalid = read_spots(f"{CAT} cat")
    assert (spot.top, spot.left, spot.bottom, spot.right) == (100 / 1023, 200 / 1023, 300 / 1023, 400 / 1023)
    assert (spot.label, spot.codes, invalid) == ("cat", (), 0)


def test_a_squeezed_image_has_a_scale_for_each_side():
    [spot], _ = read_spots("<loc0000><loc0000><loc1023><loc1023> page")
    image = view(dpi=144, left=10, top=20)
    assert View(image, image.box).place(spot.shares) == Box(10, 20, 210, 120)


def test_several_objects_with_labels_and_masks():
    spots, invalid = read_spots(f"{CAT}{CODES} cat ; {CAT} dog with  tail;{CAT}")
    assert [(spot.label, len(spot.codes)) for spot in spots] == [("cat", 16), ("dog with tail", 0), ("", 0)]
    assert [(spot.first, spot.tokens) for spot in spots] == [(0, 20), (20, 4), (24, 4)]
    assert invalid == 0


@pytest.mark.parametrize(
    ("text", "valid", "invalid"),
    [
        ("", 0, 0),
        (" ; ;", 0, 0),
        ("no such thing", 0, 1),
        ("<loc0001><loc0002> half", 0, 1),
        ("<loc0001><loc0002><loc0003>", 0, 1),
        ("<loc0300><loc0200><loc0100><loc0400> upside down", 0, 1),
        ("<loc0100><loc0400><loc0300><loc0200> inside out", 0, 1),
        ("<loc0100><loc0200><loc0100><loc0400> flat", 0, 1),
        ("<loc0100><loc0200><loc0300><loc1024> beyond", 0, 1),
        (f"{CAT}<loc0001> five", 1, 1),
        (f"{CAT}{CAT}", 2, 0),
        (f"{CAT} \x1b[2Jcat\x00", 1, 0),
        (f"{CODES} mask of nothing", 0, 1),
        ("<loc\u0660\u0660\u0661\u0661>" * 4, 0, 1),
        (f"{CAT} cat ; <loc00", 1, 1),
        (f"{CAT} cat ; <loc0001><loc00", 1, 1),
        ("two ; words", 0, 2),
        ("<loc12345>" * 4, 0, 1),
    ],
)
def test_what_is_no_box_is_counted(text, valid, invalid):
    spots, bad = read_spots(text)
    assert (len(spots), bad) == (valid, invalid)


@pytest.mark.parametrize(
    "codes", [CODES[:-8], CODES.replace("<seg015>", "<seg128>"), CODES.replace("<seg015>", "<seg999>")]
)
def test_a_mask_of_too_few_or_unknown_codes_leaves_the_box(codes):
    [spot], _ = read_spots(f"{CAT}{codes} cat")
    assert spot.codes == ()


PIECES = st.sampled_from(
    ["<loc0000>", "<loc0512>", "<loc1023>", "<loc1024>", "<loc9999>", "<seg000>", "<seg127>", "<seg500>", CODES, CAT,
     "<loc", "<", ">", " ; ", ";", "\n", "cat", "\x00", "é", "\ud800", "0001>", "<eos>"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join))
def test_anything_can_be_read(text):
    spots, invalid = read_spots(text)
    assert invalid >= 0
    for spot in spots:
        assert 0 <= spot.top < spot.bottom <= 1
        assert 0 <= spot.left < spot.right <= 1
        assert len(spot.codes) in (0, 16)
        assert all(0 <= code <= 127 for code in spot.codes)
        assert not set(spot.label) & set(";<>\n\x00\x1b\ud800")


SIDES = st.tuples(st.integers(0, LAST), st.integers(0, LAST)).filter(lambda pair: pair[0] < pair[1])
LABELS = st.sampled_from(["", "cat", "a red stamp"])
SPOTS = st.builds(
    lambda y, x, label, codes: Spot(y[0] / LAST, x[0] / LAST, y[1] / LAST, x[1] / LAST, label, tuple(codes)),
    SIDES,
    SIDES,
    LABELS,
    st.just([]) | st.lists(st.integers(0, 127), min_size=16, max_size=16),
)


@given(st.lists(SPOTS, max_size=5))
def test_what_is_written_reads_back_equal(spots):
    found, invalid = read_spots(" ; ".join(map(write_spot, spots)))
    plain = [(s.top, s.left, s.bottom, s.right, s.label, s.codes) for s in found]
    assert plain == [(s.top, s.left, s.bottom, s.right, s.label, s.codes) for s in spots]
    assert invalid == 0


@given(
    st.integers(1, 3000), st.integers(1, 3000), st.floats(36, 600), st.floats(0, 500),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
)  # fmt: skip
def test_a_box_comes_back_within_half_a_place(width, height, dpi, left, shares):
    image = PageImage(np.broadcast_to(np.uint8(0), (height, width, 3)), dpi, left, left)
    (x0, x1), (y0, y1) = sorted(shares[:2]), sorted(shares[2:])
    box = image.place([(x0 * width, y0 * height), (x1 * width, y1 * height)])
    spots, _ = read_spots(write_box(box, image.box))
    half = (0.5 / LAST + 1e-9) * max(width, height) / image.scale
    if spots:
        back = View(image, image.box).place(spots[0].shares)
        gaps = [abs(a - b) for a, b in zip(back.as_list(), box.as_list(), strict=True)]
        assert max(gaps) <= half + 1e-6
    else:  # a box thinner than a place
        assert min(box.width / image.box.width, box.height / image.box.height) <= 1.5 / LAST


def test_scores_are_those_of_the_tokens_of_an_object():
    text = f"{CAT} cat ; {CAT}{CODES}"
    [one, other], _ = read_spots(text)
    places = [100, 200, 300, 400]
    ids = [*(256_000 + place for place in places), 7, 235_289, *(256_000 + place for place in places)]
    ids += [257_024 + code for code in range(16)]
    scores = [0.9] * 4 + [0.1, 0.2] + [0.5] * 20
    found = token_scores(Generation(text, tuple(ids), tuple(scores)))
    assert mean_score(found[one.first : one.first + one.tokens]) == 0.9
    assert mean_score(found[other.first : other.first + other.tokens]) == 0.5


@pytest.mark.parametrize(
    ("ids", "scores"),
    [((), ()), ((1, 2), (0.5,)), ((1, 2, 3, 4), (0.1, 0.2, 0.3, 0.4)), (tuple(range(9)), (0.5,) * 9)],
)
def test_scores_that_fit_no_tokens_are_none(ids, scores):
    assert token_scores(Generation(CAT, ids, scores)) == []


@pytest.mark.parametrize("scores", [[], [float("nan")], [0.5, 1.5], [-1.0]])
def test_what_is_no_probability_gives_no_confidence(scores):
    assert mean_score(scores) is None


def test_a_certain_no_is_next_to_nothing_and_no_error():
    assert mean_score([0.0, 0.0]) == 0.0
