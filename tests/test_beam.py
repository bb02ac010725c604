"""What a recogniser would have read next."""

import itertools
from collections import defaultdict
from pathlib import Path

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import docproc
from docproc.engines.beam import likeliest

pytestmark = pytest.mark.slow


def by_hand(steps):
    """Return the probability of every text: all paths through the steps, repeats and blanks dropped."""
    found = defaultdict(float)
    for path in itertools.product(*steps):
        share = 1.0
        for _, probability in path:
            share *= probability
        found["".join(letter for letter, _ in itertools.groupby(letter for letter, _ in path))] += share
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=5))
def test_all_ways_to_a_text_count_together(shares):
    steps = [[(letter, one / sum(row)) for letter, one in zip(("", "a", "b"), row, strict=True)] for row in shares]
    expected = sorted(((text, share) for text, share in by_hand(steps).items() if text), key=lambda one: -one[1])
    found = likeliest(steps, 1000)
    assert all(dict(found)[text] <= dict(expected)[text] + 1e-9 for text, _ in found)
    if len(by_hand(steps)) <= 12:  # nothing was dropped on the way
        assert dict(found) == pytest.approx(dict(expected))


def test_the_likeliest_comes_first_and_letters_may_repeat():
    steps = [[("l", 0.9), ("1", 0.1)], [("", 0.7), ("l", 0.3)], [("l", 1.0)]]
    assert [text for text, _ in likeliest(steps, 2)] == ["ll", "l"]
    assert likeliest([[("", 1.0)]], 3) == []


def test_doubtful_words_of_a_bad_scan_say_what_else_they_may_be(tmp_path: Path):
    with pymupdf.open() as pdf, pymupdf.open() as scan:
        page = pdf.new_page(width=420, height=300)
        for at, line in enumerate(
            ("Illicit million", "Modern cornflour clients", "delta clamour", "Bllling 0f Holiday")
        ):
            page.insert_text((40, 80 + 30 * at), line, fontsize=8 + at, color=(0.6, 0.6, 0.6))
        picture = page.get_pixmap(dpi=62).tobytes("jpeg", jpg_quality=25)
        scan.new_page(width=420, height=300).insert_image(pymupdf.Rect(0, 0, 420, 300), stream=picture)
        scan.save(tmp_path / "bad.pdf")
    words = [word for line in docproc.process(tmp_path / "bad.pdf").pages[0].lines for word in line.words]
    told = [word for word in words if word.alternatives]
    assert told
    assert all(word.confidence is not None and word.confidence < 0.9 for word in told)
    assert all(word.text not in word.alternatives and len(word.alternatives) <= 4 for word in told)
