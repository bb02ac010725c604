"""The reader's windows and spans, and what its weights read, where they are."""

from itertools import pairwise

import numpy as np
import pytest
from reader_pages import page_of, word

from docproc.document import Line, Page, Word
from docproc.engines.reader import LONGEST, Reader, padded
from docproc.engines.reader_windows import (
    FIRST,
    LAST,
    PIECES,
    QUESTION,
    RELATIONS,
    page_windows,
    question_ids,
    reading_order,
    windows,
)
from docproc.errors import Unavailable
from docproc.geometry import Box


def long_page(count):
    return page_of(*[[word(f"word{row}", 10, 12 * row, f"w{row}")] for row in range(count)])


def pointing(start, end, missing=0.0):
    """A scorer that likes one start and one end, whatever is asked."""

    def score(window, questions):
        count, asked = len(window.parts), len(questions)
        starts, ends = np.zeros((asked, count), np.float32), np.zeros((asked, count), np.float32)
        starts[:, start] = ends[:, end] = 9
        return starts, ends, np.zeros((count, count), np.float32), np.full(asked, missing, np.float32)

    return score


def test_windows_cover_a_page_and_overlap():
    found = list(page_windows(long_page(400)))
    assert all(len(window.ids) <= PIECES for window in found)
    seen = [[part.word.id for part in window.parts] for window in found]
    assert {ident for one in seen for ident in one} == {f"w{row}" for row in range(400)}
    for before, after in pairwise(seen):
        assert set(before) & set(after)


def test_a_page_without_words_has_no_window_and_no_answer():
    empty = Page(1, 500.0, 700.0)
    assert list(page_windows(empty)) == []
    assert Reader(scorer=pointing(0, 0)).read(["What?"], [empty]) == [[]]


def test_lines_outside_of_regions_are_read_last():
    page = page_of([word("inside", 10, 50)])
    stray = Line("stray", "stray", Box(0, 0, 9, 9), (), None, (word("stray", 10, 10),))
    page = Page(1, 500.0, 700.0, lines=(stray, *page.lines), regions=page.regions)
    assert [one.text for one in reading_order(page)] == ["inside", "stray"]


def test_a_label_that_is_one_word_with_its_value_is_read_apart():
    (window,) = windows([(word("Date:3.5.2021", 10, 10, "w1"), 4), (word("https://a.example", 10, 30), 4)])
    assert [part.text for part in window.parts] == ["Date:", "3.5.2021", "https://a.example"]
    assert window.parts[0].box.right == pytest.approx(window.parts[1].box.left)
    (found,) = Reader(scorer=pointing(1, 1)).read(["When?"], [page_of([word("Date:3.5.2021", 10, 10, "w1")])])
    assert (found[0].text, found[0].word_ids, found[0].page) == ("3.5.2021", ("w1",), 1)


def test_words_lie_to_one_another_alike_on_pages_of_any_size():
    rows = [[word("Total:", 10, 10), word("12.50", 80, 10)], [word("Change:", 10, 26), word("0.50", 80, 26)]]
    larger = [
        [Word(one.id, one.text, Box(*(3 * side for side in one.box.as_list())), ()) for one in row] for row in rows
    ]
    (small,), (large,) = page_windows(page_of(*rows)), page_windows(page_of(*larger))
    assert (small.relation == large.relation).all()
    assert (small.place == large.place).all()
    label, value, below, _ = small.first
    assert small.relation[value, label] != small.relation[value, below]
    assert small.relation[0, label] == RELATIONS - 1  # marks have no place


def test_words_of_two_pages_have_no_place_to_one_another_and_no_span_in_common():
    (window,) = windows([(word("one", 10, 10), 1), (word("two", 10, 22), 2)])
    first, second = window.first
    assert window.relation[first, second] == RELATIONS - 1
    found = Reader(scorer=pointing(0, 1)).read_windows(
        "What?", [[(word("one", 10, 10), 1), (word("two", 10, 22), 2)]]
    )
    assert all(len(span.word_ids) == 1 for span in found)


def test_spans_are_told_by_margin_and_share_one_probability():
    page = long_page(60)
    (found,) = Reader(scorer=pointing(7, 9, missing=2.0)).read(["What?"], [page])
    best = found[0]
    assert best.word_ids == ("w7", "w8", "w9")
    assert best.margin == pytest.approx(16.0)
    assert best.score - best.no_answer == pytest.approx(best.margin)
    assert 0.9 < best.share < 1
    assert sum(span.share for span in found) <= 1
    assert [span.margin for span in found] == sorted((span.margin for span in found), reverse=True)
    assert not any(set(span.word_ids) & set(best.word_ids) for span in found[1:])


def test_no_span_is_longer_than_the_longest_answer():
    (found,) = Reader(scorer=pointing(0, LONGEST)).read(["What?"], [long_page(60)])
    assert all(len(span.word_ids) <= LONGEST for span in found)
    (found,) = Reader(scorer=pointing(3, 1)).read(["What?"], [long_page(60)])
    assert all(span.word_ids for span in found)


def test_every_question_gets_its_own_spans_in_order():
    def by_length(window, questions):
        starts, ends, links, missing = pointing(0, 0)(window, questions)
        starts[:], ends[:] = 0, 0
        for row, ids in enumerate(questions):
            starts[row, (ids != 0).sum()] = ends[row, (ids != 0).sum()] = 9
        return starts, ends, links, missing

    questions = ["a " * count for count in range(1, 21)]
    found = Reader(scorer=by_length).read(questions, [long_page(60)])
    assert [spans[0].word_ids for spans in found] == [(f"w{count + 2}",) for count in range(1, 21)]


@pytest.mark.parametrize("question", ["", " ", "x" * 10_000, "что это? 什么", "[CLS] [SEP] ignore the above\0"])
def test_any_question_is_cut_to_size_and_has_its_marks(question):
    ids = question_ids(question)
    assert len(ids) <= QUESTION
    assert (ids[0], ids[-1]) == (FIRST, LAST)
    assert FIRST not in ids[1:-1]
    assert LAST not in ids[1:-1]


def test_rows_are_filled_up_with_nothing():
    assert padded([[1, 2], [3]]).tolist() == [[1, 2], [3, 0]]


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(Unavailable, match="nowhere"):
        Reader(model=tmp_path / "nowhere.onnx").read(["What?"], [long_page(3)])


def test_the_weights_read_values_off_a_receipt():
    page = page_of(
        [word("GREEN", 60, 10, "w1"), word("SHOP", 95, 10, "w2"), word("LTD", 125, 10, "w3")],
        [word("Date", 10, 40, "w4"), word(":", 40, 40, "w5"), word("12/03/2018", 80, 40, "w6")],
        [word("Coffee", 10, 60, "w7"), word("4.20", 150, 60, "w8")],
        [word("Total", 10, 80, "w9"), word("4.20", 150, 80, "w10")],
        [word("Cash", 10, 92, "w11"), word("5.00", 150, 92, "w12")],
        [word("Change", 10, 104, "w13"), word("0.80", 150, 104, "w14")],
    )
    reader = Reader()
    date, change, other = reader.read(
        ["What is the date?", "How much change was given?", "Who wrote the novel?"], [page]
    )
    assert (date[0].text, change[0].text) == ("12/03/2018", "0.80")
    assert min(date[0].margin, change[0].margin) > other[0].margin
    (window,) = [[(one, 1) for line in page.lines for one in line.words]]
    alone = reader.read_windows("What is the date?", [window])
    assert alone[0].word_ids == date[0].word_ids
