"""Which words of a page an answer rests on: never by a model's own coordinates, always by words that were read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from docproc.document import Line, Page, Word
from docproc.findings import Answer, Evidence, Finding
from docproc.geometry import Box

CLOSE = 85.0
"""Percent of likeness from which on words are taken for those of the answer: one letter in seven misread."""
LONGEST = 60
"""Words of an answer that are looked for; a longer one is no quotation."""
NOTHING = frozenset({"", "unanswerable", "not found", "no answer", "none", "n/a", "unknown", "not answerable"})
"""Answers that say that there is none, as the models were trained to write it."""
YES_NO = frozenset({"yes", "no"})
"""Judgements, not quotations: the "No" of "Invoice No" says nothing about them."""
_SHORT = 3


@dataclass(frozen=True, slots=True)
class Grounds:
    """Words of a page, in reading order, that say what the answer says; `likeness` is 0-1."""

    evidence: tuple[Evidence, ...]
    likeness: float


def ground(answer: str, page: Page, *, question: str = "") -> Grounds | None:
    """Return what the answer rests on; None when the page does not say it.

    Letters may differ a little, as OCR and models misread; digits may not. Of several places the one next to the
    words of the `question` is taken.
    """
    wanted = [form for word in answer.split()[:LONGEST] if (form := _form(word))]
    if not wanted or len(answer.split()) > LONGEST or _form_all(answer) in YES_NO:
        return None
    known = [(form, line, word) for line, word in _words(page) if (form := _form(word.text))]
    places = [
        (likeness, first, last)
        for first, last in _windows(len(wanted), len(known))
        if (likeness := _likeness(wanted, [form for form, _, _ in known[first:last]])) >= CLOSE
    ]
    if not places:
        return None
    asked = [word.box for form, _, word in known if len(form) > _SHORT and form in set(map(_form, question.split()))]
    best = min(places, key=lambda place: (-place[0], _distance(known[place[1]][2].box, asked), place[1]))
    evidence = (Evidence(page.number, word.text, word.box) for _, _, word in known[best[1] : best[2]])
    return Grounds(tuple(evidence), round(best[0] / 100, 4))


def answer_of(findings: Sequence[Finding], pages: Sequence[Page], *, question: str, engine: str) -> Answer:
    """Return the best of what a model answered on several pages: grounded before ungrounded, then by confidence."""
    said = [finding for finding in findings if _form_all(finding.text) not in NOTHING]
    if not said:
        return Answer(text="", not_found=True, engine=engine)
    by_number = {page.number: page for page in pages}
    grounds = {
        id(finding): ground(finding.text, by_number[finding.page], question=question)
        for finding in said
        if finding.page in by_number
    }

    def worth(finding: Finding) -> tuple[bool, float, float]:
        found = grounds.get(id(finding))
        return bool(found), finding.confidence or 0.0, found.likeness if found else 0.0

    best = max(said, key=worth)
    found = grounds.get(id(best))
    return Answer(
        text=best.text,
        confidence=best.confidence,
        ungrounded=found is None,
        engine=engine,
        evidence=found.evidence if found else (),
    )


def _words(page: Page) -> Iterator[tuple[Line, Word]]:
    """Yield the words in reading order: by regions, then the lines in none."""
    placed = [line_id for region in sorted(page.regions, key=lambda one: one.order) for line_id in region.line_ids]
    order = {line_id: index for index, line_id in enumerate(placed)}
    for line in sorted(page.lines, key=lambda line: order.get(line.id, len(placed))):
        for word in line.words or (Word(line.id, line.text, line.box, line.polygon, line.confidence),):
            yield line, word


def _form(word: str) -> str:
    """Return a word as it is compared: without case, accents, signs, and thousands separators."""
    plain = unicodedata.normalize("NFKD", word).casefold()
    kept = "".join(char for char in plain if char.isalnum() or char in ".,")
    kept = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", kept)  # 1,234.50 and 1.234,50 and 1234.50
    return kept.replace(",", ".").strip(".")


def _form_all(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .")


def _windows(length: int, known: int) -> Iterator[tuple[int, int]]:
    """Yield runs of words about as many as wanted: words may have been read as one, or one as several."""
    for size in dict.fromkeys((length, length - 1, length + 1)):
        if size > 0:
            yield from ((first, first + size) for first in range(known - size + 1))


def _likeness(wanted: Sequence[str], found: Sequence[str]) -> float:
    one, other = "".join(wanted), "".join(found)
    if _digits(one) != _digits(other):
        return 0.0
    return fuzz.ratio(one, other, score_cutoff=CLOSE)


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _distance(box: Box, asked: Sequence[Box]) -> float:
    """Return how far a box is from the nearest word of the question; a row apart counts more than a column."""
    x, y = box.center
    gaps = (abs(other.center[0] - x) + 4 * abs(other.center[1] - y) for other in asked)
    return min(gaps, default=0.0)
