"""Label-value pairs and check boxes: found by place and wording, never invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pymupdf
import pytest

from docproc.document import KeyValue, Line, Page, Region, Table, Word
from docproc.geometry import Box
from docproc.labels import is_label, kinds, named, wordings
from docproc.pairs import Square, key_values, with_pairs
from docproc.pairs.squares import find_squares
from docproc.raster import PageImage

HIGH, WIDE = 10.0, 5.0
"""Points of a letter."""


def page_of(*texts: tuple[float, float, str], tables: Sequence[Table] = (), skew: float = 0.0) -> Page:
    """Return a page of lines (left, top, text), each of letters as wide as any other."""
    lines = []
    slope = np.tan(np.radians(skew))
    for number, (left, top, text) in enumerate(texts, 1):
        words, at = [], left
        for place, word in enumerate(text.split(" "), 1):
            middle = at + len(word) * WIDE / 2
            y = top + slope * middle
            box = Box(at, y, at + len(word) * WIDE, y + HIGH)
            if word:
                words.append(Word(f"p1-l{number}-w{place}", word, box, box.corners, 0.9))
            at += (len(word) + 1) * WIDE
        box = Box.union(word.box for word in words)
        lines.append(Line(f"p1-l{number}", text, box, box.corners, 0.9, tuple(words)))
    regions = (Region("p1-r1", "text", Box(0, 0, 595, 842), 0, 1.0, tuple(line.id for line in lines)),)
    return Page(1, 595.0, 842.0, skew=skew, lines=tuple(lines), regions=regions, tables=tuple(tables))


def pairs(page: Page, squares: Sequence[Square] = ()) -> list[tuple[str, str]]:
    return [(pair.key, pair.value) for pair in key_values(page, squares) if pair.checked is None]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([(50, 50, "Name: Ada Lovelace")], [("Name", "Ada Lovelace")]),
        ([(50, 50, "Name:"), (200, 50, "Ada Lovelace")], [("Name", "Ada Lovelace")]),
        ([(50, 50, "Name ........ Ada")], [("Name", "Ada")]),
        ([(50, 50, "Name:Ada"), (50, 80, "Age: 36")], [("Name", "Ada"), ("Age", "36")]),
        ([(50, 50, "Tel:03-55423228 Fax:03-55423213")], [("Tel", "03-55423228"), ("Fax", "03-55423213")]),
        ([(50, 50, "Invoice No. :"), (200, 50, "CS67832")], [("Invoice No", "CS67832")]),
        ([(50, 50, "Total"), (400, 50, "RM"), (440, 50, "29.70")], [("Total", "RM 29.70")]),
        ([(50, 50, "Totaal te betalen"), (400, 50, "€ 1.234,56")], [("Totaal te betalen", "€ 1.234,56")]),
        ([(50, 50, "IBAN NL50INGB0683251309")], [("IBAN", "NL50INGB0683251309")]),
        ([(50, 50, "Booking ID"), (50, 62, "IBZY2087")], [("Booking ID", "IBZY2087")]),
        (
            [(50, 50, "Check In"), (200, 50, "Check Out"), (50, 62, "31/12/2017"), (200, 62, "01/01/2018")],
            [("Check In", "31/12/2017"), ("Check Out", "01/01/2018")],
        ),
        (
            [(50, 50, "Bill to:"), (50, 63, "Acme Ltd"), (50, 76, "1 High Street"), (50, 89, "Leeds LS1 4AP")],
            [("Bill to", "Acme Ltd 1 High Street Leeds LS1 4AP")],
        ),
        ([(50, 50, "Name:"), (50, 80, "Date:")], [("Name", ""), ("Date", "")]),
    ],
)
def test_pairs(texts: list[tuple[float, float, str]], expected: list[tuple[str, str]]) -> None:
    assert pairs(page_of(*texts)) == expected


@pytest.mark.parametrize(
    "texts",
    [
        [(50, 50, "The meeting was held at 14:30 in the town hall."), (50, 63, "Nobody came.")],
        [(50, 50, "as has often been said of him: he never knew")],
        [(50, 50, "see https://example.org/a:b for more")],
        [(50, 50, "Description"), (250, 50, "Qty"), (400, 50, "Amount"), (50, 63, "Chair"), (250, 63, "2")],
    ],
)
def test_sentences_and_heads_of_tables_are_no_labels(texts: list[tuple[float, float, str]]) -> None:
    assert pairs(page_of(*texts)) == []


def test_words_boxes_and_ids_are_those_of_the_page() -> None:
    page = page_of((50, 80, "Total: 5.00"), (50, 50, "Date: 22/12/2017"))
    by_text = {pair.key: pair for pair in key_values(page)}
    assert sorted(pair.id for pair in by_text.values()) == ["p1-k1", "p1-k2"]
    date = by_text["Date"]
    assert (date.key_word_ids, date.value_word_ids) == (("p1-l2-w1",), ("p1-l2-w2",))
    assert (date.key_box, date.value_box) == (Box(50, 50, 75, 60), Box(80, 50, 130, 60))
    assert date.confidence is not None
    assert 0.5 < date.confidence < 1


def test_a_skewed_page_has_the_same_pairs() -> None:
    texts = [(50, 50 + 14 * row, f"Label {word}:") for row, word in enumerate(("A", "B", "C"))]
    texts += [(450, 50 + 14 * row, word) for row, word in enumerate(("one", "two", "three"))]
    assert pairs(page_of(*texts, skew=2.0)) == [("Label A", "one"), ("Label B", "two"), ("Label C", "three")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("☐ Male ☒ Female", [("Male", False), ("Female", True)]),
        ("[ ] Male [x] Female", [("Male", False), ("Female", True)]),
        ("Male ☐     Female ☑", [("Male", False), ("Female", True)]),
        ("□ first 区 second", [("first", False), ("second", True)]),
        ("( ) no (X) yes", [("no", False), ("yes", True)]),
        ("■ a bullet of a list", []),
        ("☐", []),
    ],
)
def test_check_boxes_that_are_letters(text: str, expected: list[tuple[str, bool]]) -> None:
    found = key_values(page_of((50, 50, text)))
    assert [(one.key, one.checked) for one in found] == expected


def test_a_label_before_check_boxes_has_what_is_ticked_as_its_value() -> None:
    page = page_of((50, 50, "Sex:"), (100, 50, "male"), (160, 50, "female"))
    squares = [Square(Box(88, 50, 97, 59), False), Square(Box(148, 50, 157, 59), True)]
    found = {one.key: one for one in key_values(page, squares)}
    assert found["Sex"].value == "female"
    assert (found["male"].checked, found["female"].checked) == (False, True)
    assert found["female"].value_box == Box(148, 50, 157, 59)
    # a person puts a word right: the boxes stay as they were seen
    word = page.lines[2].words[0]
    line = replace(page.lines[2], words=(replace(word, text="Female"),))
    again = with_pairs(replace(page, key_values=tuple(found.values()), lines=(*page.lines[:2], line)))
    assert {one.key: one.checked for one in again.key_values} == {"Sex": None, "male": False, "Female": True}


def drawn(*, dpi: int = 200) -> tuple[PageImage, Page]:
    """Return a drawn form and its words: an empty box, ticked ones, and letters that look like boxes."""
    with pymupdf.open() as document:
        page = document.new_page(width=300, height=200)
        for row, tick in enumerate(("", "x", "v")):
            box = pymupdf.Rect(50, 50 + 25 * row, 60, 60 + 25 * row)
            page.draw_rect(box, width=0.7)
            page.insert_text((66, 59 + 25 * row), f"Option {row}")
            if tick == "x":
                page.draw_line(box.tl, box.br)
                page.draw_line(box.bl, box.tr)
            elif tick == "v":
                page.draw_line((52, box.y0 + 5), (55, box.y1 - 2), width=1.2)
                page.draw_line((55, box.y1 - 2), (63, box.y0 - 4), width=1.2)
        page.insert_text((50, 140), "BOD 0808 HOUSE", fontsize=16)
        for place in range(5):  # places for a letter each
            page.draw_rect(pymupdf.Rect(50 + 12 * place, 160, 61 + 12 * place, 171))
        page.insert_text((120, 169), "digits")
        pixmap = page.get_pixmap(dpi=dpi)
        pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
        texts = [(word[0], word[1], word[4]) for word in page.get_text("words")]
    return PageImage(pixels, dpi), page_of(*texts)


@pytest.mark.parametrize("dpi", [150, 200, 300])
def test_drawn_boxes_are_seen_and_letters_are_not(dpi: int) -> None:
    image, page = drawn(dpi=dpi)
    squares = find_squares(image, page.lines)
    assert [one.checked for one in sorted(squares, key=lambda one: one.box.top)] == [False, True, True]
    for row, square in enumerate(sorted(squares, key=lambda one: one.box.top)):
        assert square.box.iou(Box(50, 50 + 25 * row, 60, 60 + 25 * row)) > 0.6


def test_a_page_without_words_is_not_looked_at() -> None:
    assert find_squares(drawn()[0], ()) == ()
    assert key_values(Page(1, 100.0, 100.0)) == ()


def test_labels_name_their_field() -> None:
    assert named("Invoice No.:")[0].field == "invoice_number"
    assert named("Involce No.")[0].score == 0.9
    assert named("Total (Inclusive of GST)")[0].field == "total"
    assert named("no such thing at all") == ()
    assert is_label("Fälligkeitsdatum")
    assert kinds()["due_date"] == "date"
    assert "rechnungsnummer" in wordings("invoice_number")
    assert wordings("nothing") == ()


def test_every_pair_says_where_it_stands() -> None:
    for pair in key_values(page_of((50, 50, "Name:"), (50, 80, "Total 5.00"))):
        assert isinstance(pair, KeyValue)
        assert (pair.value_box is None) == (not pair.value)
