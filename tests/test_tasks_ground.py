"""Text of a model on the words of a page: what it reads, what an answer rests on, and what may be invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docproc.document import Line, Page, Region
from docproc.engines.fake import FakeVision
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks.align import align, relined
from docproc.tasks.ground import answer_of, ground
from docproc.tasks.pages import Model
from docproc.tasks.reading import read

from .exports_samples import a_line

LINES = [
    a_line("l1", "Invoice No 4711", 10, 10),
    a_line("l2", "Total amount: 1,234.50 EUR", 10, 40),
    a_line("l3", "Deposit 1,234.50 EUR", 10, 70),
]
PAGE = Page(4, 400.0, 200.0, lines=tuple(LINES))


def place(word: str, lines: list[Line] | None = None) -> Box:
    return next(one.box for line in lines or LINES for one in line.words if one.text == word)


def test_equal_words_get_their_boxes():
    aligned = align("Invoice No 4711\nTotal amount: 1,234.50 EUR\nDeposit 1,234.50 EUR", LINES)
    assert [word.box for word in aligned.words] == [word.box for line in LINES for word in line.words]
    assert all(word.agreement == 1.0 for word in aligned.words)
    assert aligned.missed == ()


def test_a_word_read_differently_stands_where_the_other_does():
    word = align("Invoice No 4711 Tota1 amount: 1,234.50 EUR", LINES).words[3]
    assert (word.box, word.line_id, word.known[0].text) == (place("Total"), "l2", "Total")
    assert 0.7 < word.agreement < 1


def test_words_split_elsewhere_share_the_box():
    known = [a_line("l", "TOTAL12.00 EUR", 0, 0)]
    first, second, last = align("TOTAL 12.00 EUR", known).words
    assert (first.box, second.box) == (Box(0, 0, 30, 12), Box(30, 0, 60, 12))
    assert last.box == place("EUR", known)
    [whole] = align("ABCDEF", [a_line("l", "AB CDEF", 0, 0)]).words
    assert whole.box == Box(0, 0, 42, 12)


def test_a_word_with_nothing_under_it_may_be_invented_and_one_left_out_is_missed():
    aligned = align("Invoice No 4711 paid yesterday Total 1,234.50 EUR Deposit 1,234.50 EUR", LINES)
    assert [word.text for word in aligned.words if word.invented] == ["paid", "yesterday"] or [
        word.text for word in aligned.words if word.invented
    ] == ["yesterday"]
    assert all(word.agreement < 0.5 for word in aligned.words if word.text in ("paid", "yesterday"))
    assert not any(word.invented for word in aligned.words if word.text in ("Invoice", "Deposit", "EUR"))


def test_columns_may_be_read_across_or_down():
    left = [a_line(f"a{i}", f"left{i} text{i}", 0, 20.0 * i) for i in range(3)]
    right = [a_line(f"b{i}", f"right{i} word{i}", 200, 20.0 * i) for i in range(3)]
    down = " ".join(line.text for line in [*left, *right])
    across = " ".join(f"{a.text} {b.text}" for a, b in zip(left, right, strict=True))
    for text in (down, across):
        aligned = align(text, [*left, *right])
        assert {word.text: word.box for word in aligned.words} == {
            word.text: word.box for line in [*left, *right] for word in line.words
        }


def test_lines_take_the_words_that_the_model_wrote():
    [first, second] = relined(align("Invoice No 4771 Total", LINES), LINES)
    assert (first.text, first.id, second.text) == ("Invoice No 4771", "l1", "Total")
    assert first.words[2].box == place("4711")
    assert first.words[2].confidence == 0.75


@given(
    st.text(max_size=60),
    st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=5), max_size=6),
)
def test_any_text_can_be_aligned(text, words):
    lines = [a_line("l", " ".join(words), 0, 0)] if words else []
    aligned = align(text, lines)
    assert [word.text for word in aligned.words] == text.split()
    page = Box(0, 0, 10_000, 100)
    for word in aligned.words:
        assert word.invented or word.box.clipped(page) == word.box
        assert 0 <= word.agreement <= 1
    relined(aligned, lines)
    ground(text, Page(1, 100.0, 100.0, lines=tuple(lines)), question=text)


@pytest.mark.parametrize(
    ("answer", "rests_on"),
    [
        ("4711", ["4711"]),
        ("invoice no", ["Invoice", "No"]),
        ("1234.50", ["1,234.50"]),
        ("1.234,50 EUR", ["1,234.50", "EUR"]),
        ("EUR 1,234.50", []),
        ("Total amuont", ["Total", "amount:"]),
        ("4712", []),
        ("4,711", ["4711"]),
        ("a red cat", []),
        ("no", []),
        ("", []),
        ("...", []),
        ("word " * 100, []),
    ],
)
def test_an_answer_rests_on_words_of_the_page(answer, rests_on):
    found = ground(answer, PAGE)
    assert [one.text for one in found.evidence] == rests_on if found else not rests_on
    if found:
        assert all(one.page == 4 for one in found.evidence)


@pytest.mark.parametrize(("question", "line"), [("What is the deposit?", 2), ("What is the total amount?", 1)])
def test_of_several_places_the_one_beside_the_question_is_taken(question, line):
    [evidence] = ground("1,234.50", PAGE, question=question).evidence
    assert evidence.box.top == LINES[line].box.top


def test_words_follow_each_other_in_reading_order():
    first, second = a_line("x", "Harbour", 200, 10), a_line("y", "street", 10, 40)
    regions = (Region("r", "text", Box(0, 0, 400, 100), 0, line_ids=("x", "y")),)
    page = Page(1, 400.0, 100.0, lines=(second, first), regions=regions)
    assert [one.text for one in ground("Harbour street", page).evidence] == ["Harbour", "street"]


def said(text: str, page: int = 4, confidence: float | None = 0.5) -> Finding:
    return Finding(task="answer", prompt="p", page=page, text=text, confidence=confidence)


def test_a_grounded_answer_wins_over_a_surer_one():
    answer = answer_of(
        [said("4711", confidence=0.3), said("9999", confidence=0.9)], [PAGE], question="no?", engine="e 1"
    )
    assert (answer.text, answer.ungrounded, answer.not_found, answer.engine) == ("4711", False, False, "e 1")
    assert [one.box for one in answer.evidence] == [place("4711")]


def test_an_answer_without_words_is_marked_and_none_is_not_found():
    answer = answer_of([said("a red cat"), said("4711", page=9)], [PAGE], question="", engine="e")
    assert (answer.text, answer.ungrounded, answer.evidence) == ("a red cat", True, ())
    for nothing in ([], [said("unanswerable")], [said("Not found.")]):
        answer = answer_of(nothing, [PAGE], question="", engine="e")
        assert (answer.text, answer.not_found, answer.ungrounded) == ("", True, False)


def test_a_page_is_read_in_tiles_and_its_words_stay_in_place():
    lines = [
        a_line(f"l{row}", " ".join(f"w{row}{column}" for column in range(12)), 10, 40.0 + 60 * row)
        for row in range(7)
    ]
    page = Page(1, 600.0, 460.0, lines=tuple(lines))
    image = PageImage(np.full((920, 1200, 3), 255, np.uint8), 144.0)

    def script(request):
        box = request.images.box
        seen = (word.text for line in lines for word in line.words if word.box.share_inside(box) > 0.3)
        return " ".join([*seen, "hallucinated"]).replace("w3", "v3")

    reading = read(Model(FakeVision(script, variant="pt")), page, image)
    assert [line.text for line in reading.lines] == [line.text.replace("w3", "v3") for line in lines]
    assert [word.box for line in reading.lines for word in line.words] == [
        word.box for line in lines for word in line.words
    ]
    assert {word for word, _ in reading.invented} == {"hallucinated"}
    assert reading.missed == ()
    assert {word.confidence for word in reading.lines[0].words} == {1.0}
    assert all(word.confidence < 1 for word in reading.lines[3].words)


def test_what_the_model_does_not_read_is_missed():
    reading = read(
        Model(FakeVision(lambda _: "", variant="pt")), PAGE, PageImage(np.zeros((200, 400, 3), np.uint8), 72.0)
    )
    assert reading.lines == ()
    assert len(reading.missed) == 10
