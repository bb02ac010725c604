"""olmOCR's facts on small Markdown texts."""

from __future__ import annotations

import pytest

from docproc.evaluate.facts import check, find, is_supported, plain
from docproc.evaluate.markdown_tables import html_tables, parse_tables

PAGE = """# A report

It **costs** 1\\_000 &lt; 2,000 — that is \u201cgood\u201d news.

| Item | 2023 | 2024 |
| --- | ---: | --- |
| Pens | 10 | 20 |
| Ink \\| blue | 30 | 40 |

The end."""


@pytest.mark.parametrize(
    ("fact", "holds"),
    [
        ({"type": "present", "text": 'costs 1_000 < 2,000 - that is "good" news'}, True),
        ({"type": "present", "text": "A  Report", "case_sensitive": False}, True),
        ({"type": "present", "text": "A Report"}, False),
        ({"type": "present", "text": "The ent.", "max_diffs": 1}, True),
        ({"type": "present", "text": "The ant.", "max_diffs": 1}, False),
        ({"type": "absent", "text": "The end.", "first_n": 40}, True),
        ({"type": "absent", "text": "The end.", "last_n": 40}, False),
        ({"type": "order", "before": "costs", "after": "The end"}, True),
        ({"type": "order", "before": "The end", "after": "costs"}, False),
        ({"type": "order", "before": "costs", "after": "nowhere"}, False),
        ({"type": "table", "cell": "20", "left": "10", "up": "2024", "top_heading": "2024"}, True),
        ({"type": "table", "cell": "40", "left_heading": "Ink | blue", "top_heading": "2024"}, True),
        ({"type": "table", "cell": "40", "top_heading": "2023"}, False),
        ({"type": "table", "cell": "10", "down": "30", "right": "20"}, True),
        ({"type": "table", "cell": "99"}, False),
        ({"type": "baseline"}, True),
        ({"type": "baseline", "max_length": 5}, False),
        ({"type": "math", "math": "a^2"}, False),
        ({"type": "somersault"}, False),
    ],
)
def test_facts(fact: dict[str, object], holds: bool) -> None:
    reason = check(fact, PAGE)
    assert (reason == "") is holds, reason


def test_facts_of_an_empty_page() -> None:
    assert check({"type": "present", "text": "a b"}, "\n")
    assert check({"type": "present", "text": "a b", "max_diffs": 1}, "\n")
    assert not check({"type": "absent", "text": "a b", "max_diffs": 1}, "\n")
    assert check({"type": "baseline"}, " \n")
    assert not check({"type": "baseline", "max_length": 0}, "")


def test_an_end_that_repeats_itself_and_foreign_letters_are_no_baseline() -> None:
    assert check({"type": "baseline"}, "Good start " + "ab " * 40)
    assert not check({"type": "baseline"}, "Good start " + "ab " * 20 + "end")
    assert check({"type": "baseline"}, "Latin \u6f22 text")


def test_formulas_are_looked_for_as_text() -> None:
    assert not check({"type": "math", "math": "a^{2} + b"}, "so $a^{2}+b$ holds")
    assert not is_supported({"type": "math"})
    assert is_supported({"type": "table"})


def test_plain_keeps_stars_and_underscores_that_are_no_markup() -> None:
    assert plain("snake_case_name and 2*3*4") == "snake_case_name and 2*3*4"
    assert plain("***both*** _one_ \\*not\\*") == "both one *not*"


@pytest.mark.parametrize(("needle", "edits", "place"), [("dog", 0, 8), ("dig", 1, 4), ("doog", 1, 8), ("dx", 0, -1)])
def test_find(needle: str, edits: int, place: int) -> None:
    assert find(needle, "the big dog", edits) == place


def test_html_tables_are_laid_out_as_browsers_do() -> None:
    html = (
        "<table><thead><tr><td rowspan=2>a<td colspan='2'>b &amp; c</td></tr><tr><th>d<th>e</thead>"
        "<tr><td>f</td><td>g<br>h</td></tr></table>text<table><tr><td>z</td></tr></table>"
    )
    first, second = html_tables(html)
    assert [(cell.row, cell.column, cell.row_span, cell.column_span, cell.text, cell.header) for cell in first] == [
        (0, 0, 2, 1, "a", True),
        (0, 1, 1, 2, "b & c", True),
        (1, 1, 1, 1, "d", True),
        (1, 2, 1, 1, "e", True),
        (2, 0, 1, 1, "f", False),
        (2, 1, 1, 1, "g h", False),
    ]
    assert second[0].text == "z"


def test_headings_over_a_spanning_cell() -> None:
    html = (
        "<table><tr><th>x<th colspan=2>Year Ended</tr><tr><th><th>2023<th>2024</tr><tr><td>k<td>1<td>2</tr></table>"
    )
    assert not check({"type": "table", "cell": "2", "top_heading": "Year Ended"}, html)
    assert not check({"type": "table", "cell": "2", "top_heading": "2024"}, html)
    assert check({"type": "table", "cell": "2", "top_heading": "2023"}, html)
    assert check({"type": "table", "cell": "2", "up": "Year Ended"}, html)


@pytest.mark.parametrize("text", ["", "a | b", "---", "<table>", "<table><td colspan=99999999>x", "|\n|-\n|"])
def test_broken_tables_do_no_harm(text: str) -> None:
    assert sum(len(table.grid) for table in parse_tables(text)) <= 2
