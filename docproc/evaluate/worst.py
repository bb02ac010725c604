"""Where a reading went wrong: the places of a document with the most letters, cells or facts missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from docproc.document import Document, Line, Page, Word
from docproc.evaluate.dataset import Truth
from docproc.evaluate.score import DocumentResult
from docproc.evaluate.tables import Cells, pair_tables
from docproc.evaluate.teds import teds
from docproc.evaluate.text import normalise
from docproc.geometry import Box

LEAST_LIKE = 40.0
"""Lines less alike than this (percent) are not shown as the place of a labelled line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place that went wrong. `box` is None where it is not known; `loss` ranks places of one `kind`.

    Text places have `true` and `read`; table places have the grids too.
    """

    kind: str
    page: int
    box: Box | None
    true: str
    read: str
    loss: float
    grids: tuple[Cells, Cells] | None = None


def worst_places(result: DocumentResult, labelled_upper_case: bool, limit: int) -> list[Place]:
    """Return at most `limit` places of each kind (text, table, fact, layout), worst first."""
    truth, document = result.truth, result.document
    kinds = (
        list(_boxed_text(truth, document, labelled_upper_case)) or list(_plain_text(truth, document)),
        list(_tables(truth, document)),
        [
            Place("fact", one.fact.get("page", 1), None, str(one.fact.get("type", "")), one.reason, 1.0)
            for one in result.facts
            if one.reason
        ],
    )
    return [place for places in kinds for place in sorted(places, key=lambda one: -one.loss)[:limit]]


def _boxed_text(truth: Truth, document: Document, fold_case: bool) -> Iterator[Place]:
    """Compare each labelled word or line with the read words whose middle lies in its box."""
    if truth.text is None:
        return
    pages = {page.number: page for page in document.pages}
    for label in truth.texts:
        page = pages.get(label.page)
        box = truth.place(label.box, page) if page else None
        read = _read_inside(page, box) if page and box else ""
        true, found = (normalise(text, fold_case=fold_case) for text in (label.text, read))
        loss = Levenshtein.distance("".join(true.split()), "".join(found.split()))
        if loss:
            yield Place("text", label.page, box, label.text, read, loss)


def _read_inside(page: Page, box: Box) -> str:
    parts: list[Word | Line] = []
    for line in page.lines:
        parts += line.words or [line]
    inside = [part for part in parts if box.contains(part.box.center)]
    return " ".join(part.text for part in sorted(inside, key=lambda part: part.box.left))


def _plain_text(truth: Truth, document: Document) -> Iterator[Place]:
    """Compare each line of the labelled text with the read line that is most like it."""
    lines = [(page.number, line) for page in document.pages for line in page.lines]
    texts = [normalise(line.text) for _, line in lines]
    for raw in (truth.text or "").splitlines():
        true = normalise(raw)
        best = process.extractOne(true, texts, scorer=fuzz.ratio, score_cutoff=LEAST_LIKE) if true else None
        read = texts[best[2]] if best else ""
        page, box = (lines[best[2]][0], lines[best[2]][1].box) if best else (1, None)
        if true != read:
            yield Place("text", page, box, true, read, Levenshtein.distance(true, read))


def _tables(truth: Truth, document: Document) -> Iterator[Place]:
    if not truth.tables:
        return
    pages = {page.number: page for page in document.pages}
    for index, pair in enumerate(pair_tables(truth, document)):
        parts = truth.tables[index].boxes if index < len(truth.tables) else ()
        number, box = parts[0] if parts else (1, None)
        page = pages.get(number)
        loss = 1.0 - teds(pair.true, pair.read)
        placed = truth.place(box, page) if box and page else None
        what = "not labelled" if not pair.true else "" if pair.read else "missed"
        if loss > 0:
            yield Place("table", number, placed, "", what, loss, (pair.true, pair.read))
