"""Label-value pairs of a page: what forms, invoices and receipts say without a sentence, from words alone.

A value stands behind its label, to the right of it across a gap, or below it; labels are known by a colon or leaders,
by their wording (`docproc.labels`), or by standing over or beside something that can only be a value. Confidences say
how many of these agree, and are calibrated where they are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from docproc.document import KeyValue, Page, Word
from docproc.pairs.checks import Square, check_boxes
from docproc.pairs.finder import Finder

__all__ = ["Square", "key_values", "with_pairs"]


def key_values(page: Page, squares: Sequence[Square] = ()) -> tuple[KeyValue, ...]:
    """Return the pairs and check boxes of a page, in reading order, with ids `p1-k1` and on.

    `squares` are check boxes seen in its pixels; those printed as letters are found in the words. Words are used
    once, as a label or in a value; but what is ticked behind a label is the value of that too.
    """
    checks, taken = check_boxes(page, squares)
    found = [*Finder(page, checks, taken).pairs(), *checks]
    place = {word.id: number for number, word in enumerate(_words(page))}
    found.sort(key=lambda one: min((place[word_id] for word_id in one.key_word_ids), default=0))
    return tuple(replace(one, id=f"p{page.number}-k{number}") for number, one in enumerate(found, 1))


def with_pairs(page: Page) -> Page:
    """Return the page with the pairs that its words make now; drawn check boxes stay ticked or not."""
    squares = [
        Square(one.value_box, one.checked, one.confidence or 0.0)
        for one in page.key_values
        if one.checked is not None and one.value_box is not None
    ]
    return replace(page, key_values=key_values(page, squares))


def _words(page: Page) -> Iterator[Word]:
    by_region = [line_id for region in page.regions for line_id in region.line_ids]
    rest = [line.id for line in page.lines if line.id not in set(by_region)]
    for line_id in (*by_region, *rest):
        yield from page.lines_by_id[line_id].words
