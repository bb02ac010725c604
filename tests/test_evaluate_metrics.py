"""The figures on cases worked out by hand, and the laws that hold for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.document import Page, Region
from docproc.evaluate.dataset import TruthCell
from docproc.evaluate.layout import (
    PUBLAYNET,
    Spot,
    average_precision,
    mapping_for,
    mean_average_precision,
    spots_of,
)
from docproc.evaluate.order import order_score
from docproc.evaluate.tables import adjacency_overlap, cell_overlap
from docproc.evaluate.teds import table_tree, teds
from docproc.evaluate.text import error_rate, normalise, text_scores, word_overlap
from docproc.geometry import Box

WORDS = st.lists(st.sampled_from(["ab", "cd", "ef", "gh", "ij", "kl"]), max_size=12)


def test_error_rates_by_hand() -> None:
    scores = text_scores("the cat sat", "the bat sat on")
    assert scores["cer"] == pytest.approx(4 / 11)  # c -> b, and " on" added
    assert scores["wer"] == pytest.approx(2 / 3)
    assert scores["word_precision"] == pytest.approx(2 / 4)
    assert scores["word_recall"] == pytest.approx(2 / 3)
    assert scores["word_f1"] == pytest.approx(4 / 7)


def test_what_is_the_same_text() -> None:
    assert normalise("\u201cﬁne\u201d \u2013\n po\u017ft") == '"fine" - post'
    assert text_scores("TOTAL 5", "Total 5", fold_case=True)["cer"] == 0.0
    assert text_scores("TOTAL 5", "Total 5")["word_f1"] == 0.5


def test_words_have_no_punctuation_but_error_rates_see_it() -> None:
    scores = text_scores("TEL : 03-336", "TEL: 03-336")
    assert scores["word_f1"] == 1.0
    assert scores["cer"] == pytest.approx(1 / 12)
    assert scores["wer"] == pytest.approx(2 / 3)


def test_nothing_read_and_nothing_there() -> None:
    assert text_scores("some text", "") == {
        "cer": 1.0, "wer": 1.0, "word_precision": 0.0, "word_recall": 0.0, "word_f1": 0.0,
    }  # fmt: skip
    assert text_scores("", "")["word_f1"] == 1.0
    assert text_scores("", "noise")["cer"] == 1.0
    assert text_scores("", "noise")["word_f1"] == 0.0


@given(WORDS, WORDS)
def test_word_f1_is_symmetric_and_perfect_only_for_the_same_bag(one: list[str], other: list[str]) -> None:
    f1 = word_overlap(one, other).f1
    assert f1 == word_overlap(other, one).f1
    assert 0.0 <= f1 <= 1.0
    assert (f1 == 1.0) == (sorted(one) == sorted(other))


@given(st.text(max_size=30), st.text(max_size=30))
def test_error_rate_is_zero_only_for_the_same_text(one: str, other: str) -> None:
    assert (error_rate(one, other) == 0.0) == (one == other)
    assert error_rate(one, other) * len(one) == pytest.approx(error_rate(other, one) * len(other)) or not (
        one and other
    )


def test_order_by_hand() -> None:
    left, right = list("abcd"), list("efgh")
    assert order_score(left + right, left + right) == 1.0
    assert order_score(left + right, right + left) == 0.5
    across = [word for pair in zip(left, right, strict=True) for word in pair]
    assert order_score(left + right, across) == pytest.approx(5 / 8)  # a b c d h
    assert order_score(list("abcd"), list("dcba")) == 0.25


def test_order_ignores_words_that_cannot_be_told_apart_or_are_not_there() -> None:
    assert order_score(["the", "cat", "the", "dog"], ["dog", "the", "bird", "the", "cat"]) == 0.5
    assert order_score(["one"], ["one"]) is None
    assert order_score(["one", "two"], []) == 0.0


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_order_is_symmetric(one: list[int], other: list[int]) -> None:
    names, others = [str(n) for n in one], [str(n) for n in other]
    score = order_score(names, others)
    assert score == order_score(others, names)
    assert score is not None
    assert 1 / 9 <= score <= 1.0


SQUARE = Box(0, 0, 100, 100)


def test_average_precision_by_hand() -> None:
    true = [Spot("1", "text", SQUARE), Spot("1", "text", Box(200, 0, 300, 100))]
    hit = Spot("1", "text", SQUARE, 0.9)
    miss = Spot("1", "text", Box(0, 500, 100, 600), 0.8)
    late = Spot("1", "text", Box(200, 0, 300, 100), 0.7)
    assert average_precision(true, [hit, late], 0.5) == pytest.approx(1.0)
    # Recall .5 at precision 1 for 51 of the 101 points, then precision 2/3 for the other 50.
    assert average_precision(true, [hit, miss, late], 0.5) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert average_precision(true, [hit], 0.5) == pytest.approx(51 / 101)
    assert average_precision(true, [hit, hit], 0.5) == pytest.approx(51 / 101)  # found twice is one wrong


def test_map_counts_thresholds_pages_and_labels() -> None:
    true = [Spot("1", "text", SQUARE), Spot("1", "table", Box(0, 200, 100, 300))]
    # IoU 0.8 passes the seven thresholds .50 to .80 of ten; the table is missed.
    read = [Spot("1", "text", Box(0, 0, 100, 80))]
    assert mean_average_precision(true, read) == pytest.approx(0.7 / 2)
    assert mean_average_precision(true, true) == pytest.approx(1.0)
    assert mean_average_precision(true, [Spot("2", spot.label, spot.box) for spot in true]) == 0.0
    assert mean_average_precision([], read) is None


def test_labels_are_mapped_where_they_mean_the_same() -> None:
    assert mapping_for(frozenset({"text", "figure"})) is PUBLAYNET
    assert mapping_for(frozenset({"MainZone"})) is None
    assert mapping_for(frozenset()) is None
    own = mapping_for(frozenset({"page-header", "text"}))
    assert own is not None
    assert own["page-header"] == "page-header"


def test_list_items_below_each_other_are_one_list() -> None:
    def region(order: int, label: str, box: Box) -> Region:
        return Region(f"r{order}", label, box, order)  # type: ignore[arg-type]

    regions = (
        region(0, "page-header", Box(0, 0, 100, 10)),
        region(1, "list-item", Box(0, 100, 100, 120)),
        region(2, "list-item", Box(0, 125, 100, 145)),
        region(3, "list-item", Box(200, 100, 300, 120)),
    )
    spots = spots_of(Page(1, 300, 300, regions=regions), "1", PUBLAYNET)
    assert [(spot.label, spot.box) for spot in spots] == [
        ("list", Box(0, 100, 100, 145)),
        ("list", Box(200, 100, 300, 120)),
    ]


def grid(*rows: str, heads: int = 0) -> tuple[TruthCell, ...]:
    """Cells of rows like "a b -", where - is an empty place."""
    return tuple(
        TruthCell(row, column, 1, 1, "" if text == "-" else text, row < heads)
        for row, line in enumerate(rows)
        for column, text in enumerate(line.split())
    )


def test_teds_by_hand() -> None:
    table = grid("a b", "c d")
    assert table_tree(table).size == 7  # tbody, 2 tr, 4 td
    assert teds(table, table) == 1.0
    assert teds(table, ()) == 0.0
    assert teds((), ()) == 1.0
    assert teds(table, grid("a b", "c x")) == pytest.approx(1 - 1 / 7)
    assert teds(table, grid("a b", "c x"), structure_only=True) == 1.0
    assert teds(table, grid("a b", "c d", "e f")) == pytest.approx(1 - 3 / 10)
    assert teds(grid("ab cd"), grid("ab cx")) == pytest.approx(1 - 0.5 / 4)  # half a cell's text


def test_teds_sees_spans_and_heads() -> None:
    spanned = (TruthCell(0, 0, 1, 2, "a"), TruthCell(1, 0, 1, 1, "b"), TruthCell(1, 1, 1, 1, "c"))
    split = grid("a -", "b c")
    assert teds(spanned, spanned, structure_only=True) == 1.0
    assert teds(spanned, split, structure_only=True) == pytest.approx(1 - 2 / 7)
    # thead is one node more, and the first row moves below it: one deleted and put in again, cells and all.
    headed = teds(grid("a b", "c d", heads=1), grid("a b", "c d"), structure_only=True)
    assert 0.0 < headed < 1.0


def test_places_without_a_cell_are_empty_cells() -> None:
    assert teds(grid("a -", "b c"), tuple(cell for cell in grid("a -", "b c") if cell.text)) == 1.0


def test_cells_by_hand() -> None:
    true = grid("a b", "c -")
    assert cell_overlap(true, true).f1 == 1.0
    assert cell_overlap(true, grid("a b", "- c")).f1 == pytest.approx(2 / 3)
    shifted = cell_overlap(true, grid("head -", "a b", "c -"))
    assert (shifted.right, shifted.read, shifted.true) == (0, 4, 3)
    assert cell_overlap((), true).f1 == 0.0
    assert cell_overlap((), ()).f1 == 1.0


def test_adjacency_by_hand() -> None:
    true = grid("a b", "c d")  # a-b, c-d to the right; a-c, b-d down
    assert adjacency_overlap(true, true).true == 4
    extra = adjacency_overlap(true, grid("head -", "a b", "c d"))
    assert (extra.right, extra.read) == (4, 5)  # an extra row costs one relation only
    gap = adjacency_overlap(grid("a - b", "- c -"), grid("a b -", "- - c"))
    assert gap.right == 0  # the number of empty places between counts
    assert adjacency_overlap(grid("a - b"), grid("A - b")).f1 == 1.0


def test_empty_rows_and_columns_do_not_count_and_white_space_neither() -> None:
    true = (TruthCell(1, 1, 1, 1, "River otter"), TruthCell(1, 2, 1, 2, "x"), TruthCell(3, 1, 2, 1, "y"))
    read = (TruthCell(0, 0, 1, 1, "Riverotter"), TruthCell(0, 1, 1, 1, "x"), TruthCell(1, 0, 1, 1, "y"))
    assert cell_overlap(true, read).f1 == 1.0
    assert adjacency_overlap(true, read).f1 == 1.0
    assert teds(true, read, structure_only=True) == 1.0


def test_a_spanning_cell_has_each_neighbour_once() -> None:
    head = (TruthCell(0, 0, 1, 2, "h"), TruthCell(1, 0, 1, 1, "x"), TruthCell(1, 1, 1, 1, "y"))
    assert adjacency_overlap(head, head).true == 3  # h-x, h-y, x-y


@st.composite
def tables(draw: st.DrawFn) -> tuple[TruthCell, ...]:
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    texts = draw(st.lists(st.sampled_from(["a", "b", "ab"]), min_size=rows * columns, max_size=rows * columns))
    return tuple(TruthCell(at // columns, at % columns, 1, 1, text, False) for at, text in enumerate(texts))


@given(tables(), tables())
def test_table_measures_are_symmetric_and_within_0_and_1(
    one: tuple[TruthCell, ...], other: tuple[TruthCell, ...]
) -> None:
    for measure in (teds, lambda a, b: cell_overlap(a, b).f1, lambda a, b: adjacency_overlap(a, b).f1):
        value = measure(one, other)
        assert value == pytest.approx(measure(other, one))
        assert -1e-9 <= value <= 1.0
        assert measure(one, one) == 1.0
