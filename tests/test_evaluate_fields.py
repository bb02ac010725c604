"""Fields of labelled sets, compared with what is extracted of a page."""

from __future__ import annotations

import pytest
from reader_pages import page_of, word

from docproc.document import Document, Source
from docproc.evaluate.fields import compare_fields

RECEIPT = page_of(
    [word("CORNER", 200, 20), word("SHOP", 240, 20)],
    [word("Date:", 20, 80), word("16", 60, 80), word("Oktober", 80, 80), word("2023", 120, 80)],
    [word("Time:", 20, 100), word("9:11pm", 60, 100)],
    [word("TOTAL", 20, 140), word("1.338,60", 300, 140)],
)
DOCUMENT = Document(Source("a.pdf", "", "", 0), (RECEIPT,))


@pytest.mark.parametrize(
    ("name", "true", "exact"),
    [
        ("date", "16 Oktober 2023", True),
        ("date", "2023-10-16", True),
        ("date", "16 November 2023", False),
        ("time", "9:11pm", True),
        ("time", "21:11", True),
        ("time", "9:11", False),
        ("total", "1.338,60", True),
        ("total", "1338.60", True),
        ("total", "1.338,61", False),
    ],
)
def test_values_are_compared_as_what_they_are(name, true, exact):
    (result,) = [one for one in compare_fields({"company": "Corner Shop", name: true}, DOCUMENT) if one.name == name]
    assert result.found is not None
    assert result.exact is exact
