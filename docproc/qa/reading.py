"""A reader beside the rules: the spans that it points at become candidates, or speak for those that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from docproc.document import Page
from docproc.qa.candidates import of_words
from docproc.qa.features import Offer, Read


class Span(Protocol):
    """Words of a page that may be the answer."""

    @property
    def page(self) -> int:
        """The number of the page."""
        ...

    @property
    def word_ids(self) -> tuple[str, ...]:
        """The words, in reading order."""
        ...

    @property
    def margin(self) -> float:
        """How much likelier than no answer, in logits."""
        ...


class SpanReader(Protocol):
    """Points at answers; `docproc.engines.reader.Reader` is one."""

    def read(self, questions: Sequence[str], pages: Sequence[Page]) -> Sequence[Sequence[Span]]:
        """Return for each question the spans that may answer it, the likeliest first."""
        ...


MOST = 5
"""Spans of a question that are looked at."""


def with_spans(offers: Sequence[Offer], spans: Sequence[Span]) -> tuple[list[Offer], Read]:
    """Return the offers with those spans behind them that no candidate is yet, and what the reader says of all."""
    place: dict[tuple[int, tuple[str, ...]], int] = {}
    for at, one in enumerate(one for offer in offers for one in offer.found):
        place.setdefault((one.page, tuple(word.id for word in one.words)), at)
    total = sum(len(offer.found) for offer in offers)
    texts = {offer.text.page.number: offer.text for offer in offers}
    scores: dict[int, float] = {}
    more: list[Offer] = []
    for span in spans[:MOST]:
        key = (span.page, span.word_ids)
        if key not in place:
            text = texts[span.page]
            words = [text.index[word_id] for word_id in span.word_ids if word_id in text.index]
            if not words:
                continue
            place[key] = total + len(more)
            more.append(Offer(text, (of_words(text, min(words), max(words) + 1, "read"),)))
        scores.setdefault(place[key], span.margin)
    return [*offers, *more], Read(scores, 0.0)
