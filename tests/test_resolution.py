"""Which resolution a page is read at, and how large an image's page is."""

import math

from hypothesis import given
from hypothesis import strategies as st

from docproc.resolution import COARSEST_DPI, PIXEL_BUDGET, image_dpi, reading_dpi, smallest_print

sides = st.floats(20, 5000)


@given(sides, sides, st.none() | st.floats(1, 5000), st.none() | st.floats(0.1, 100), st.integers(10_000, 10**9))
def test_reading_dpi_stays_in_bounds(
    width: float, height: float, scan_dpi: float | None, smallest: float | None, max_pixels: int
) -> None:
    dpi = reading_dpi(width, height, scan_dpi=scan_dpi, smallest=smallest, max_pixels=max_pixels)
    pixels = math.ceil(width * dpi / 72) * math.ceil(height * dpi / 72)
    assert COARSEST_DPI <= dpi <= 400
    assert dpi == COARSEST_DPI or pixels <= min(max_pixels, PIXEL_BUDGET)


def test_reading_dpi_by_example() -> None:
    assert reading_dpi(595, 842) == 200
    assert reading_dpi(595, 842, scan_dpi=600) == 300
    assert reading_dpi(595, 842, scan_dpi=72, smallest=3) == 150
    assert reading_dpi(595, 842, smallest=3) == 400
    assert reading_dpi(595, 842, smallest=9) == 200
    assert 220 < reading_dpi(1684, 2384, smallest=4) < 300
    assert reading_dpi(1e6, 1e6) == COARSEST_DPI


def test_smallest_print_ignores_a_stray_letter() -> None:
    assert smallest_print([(10, 1000), (4, 20)]) == 10
    assert smallest_print([(10, 1000), (4, 200)]) == 4
    assert smallest_print([(4, 10)]) is None


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_an_image_without_dpi_fits_a_paper(width: int, height: int) -> None:
    dpi, same, assumed = image_dpi(width, height)
    short, long = sorted((width * 72 / dpi, height * 72 / dpi))
    assert assumed
    assert dpi == same
    assert any(
        short <= paper[0] + 0.01 and long <= paper[1] + 0.01
        and (math.isclose(short, paper[0], rel_tol=1e-6) or math.isclose(long, paper[1], rel_tol=1e-6))
        for paper in ((595.276, 841.890), (612.0, 792.0))
    )  # fmt: skip


def test_stated_dpi_is_believed_when_the_page_can_exist() -> None:
    assert image_dpi(2480, 3508, (300, 300)) == (300, 300, False)
    assert image_dpi(1728, 1143, (204, 98)) == (204, 98, False)
    assert image_dpi(612, 792, (72, 72)) == (72, 72, False)
    assert image_dpi(4000, 3000, (72, 72))[2]
    assert image_dpi(4000, 3000, (1, 1))[2]
    assert image_dpi(400, 300, (300, 2))[2]
