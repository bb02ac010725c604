"""The kinds of documents that can be drawn, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pymupdf

from docproc.document import Page
from docproc.errors import Usage
from docproc.synth.asked import Asked
from docproc.synth.captions import caption
from docproc.synth.example_report import draw_example_report
from docproc.synth.invoice import draw_invoice
from docproc.synth.official import draw_certificate, draw_charts, draw_contract
from docproc.synth.pages import draw_columns, draw_list, draw_print, draw_small_print, draw_table_page
from docproc.synth.poster import draw_poster_a0, draw_poster_a1
from docproc.synth.questions import lay
from docproc.synth.questions.data import Split
from docproc.synth.report import draw_report
from docproc.synth.scan import Scan
from docproc.synth.sheet import Sheet
from docproc.synth.things import Thing
from docproc.synth.words import Writer

Draw = Callable[[Any, Writer], list[Sheet]]
"""Draws pages into a new pymupdf document."""


QUESTIONS = 10
"""So many questions that a drawn page answers, at most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document: what it shows, how it is drawn and scanned (None: born digital), at which dpi."""

    help: str
    draw: Draw | None = None
    """None: one of the kinds of `docproc.synth.questions`, which are drawn with questions about them."""
    scan: Callable[[Random], Scan] | None = None
    dpi: float = 200.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document as drawn: `pdf` as a born-digital file, `pages` its truth, `scan` what comes next."""

    kind: str
    seed: int
    pdf: bytes
    pages: tuple[Page, ...]
    scan: Scan | None
    dpi: float
    asked: tuple[tuple[Asked, ...], ...] = ()
    """What is asked about each page."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Values as printed, by the names that they have in schemas."""
    things: tuple[tuple[Thing, ...], ...] = ()
    """What stands on each page besides its text."""
    captions: tuple[str, ...] = ()
    """What each page is, in a sentence."""
    language: str = "en"
    """Of the text, as a code of two letters."""


def _office(random: Random) -> Scan:
    return Scan(
        skew=random.choice((-1, 1)) * random.uniform(0.6, 1.3),
        blur=0.22,
        noise=2.2,
        paper=(252, 250, 244),
        ink=0.92,
        shade=0.10,
        jpeg=68,
    )


def _clean(random: Random) -> Scan:
    return Scan(blur=0.12, noise=random.uniform(1.0, 2.0), paper=(252, 252, 250), ink=0.95, jpeg=85)


def _skewed(random: Random) -> Scan:
    return replace(_clean(random), skew=random.choice((-1, 1)) * random.uniform(1.5, 5.0))


def _turned(random: Random) -> Scan:
    return replace(_clean(random), turn=random.choice((90, 180, 270)))


def _faint(random: Random) -> Scan:
    return replace(_clean(random), ink=random.uniform(0.25, 0.4), paper=(238, 232, 216), noise=2.5)


def _fax(random: Random) -> Scan:
    return Scan(skew=random.uniform(-0.8, 0.8), blur=0.25, noise=16, ink=0.9, fax=True)


def _till(random: Random) -> Scan:
    return Scan(
        skew=random.uniform(-2.0, 2.0),
        blur=random.uniform(0.1, 0.3),
        noise=random.uniform(1.5, 5.0),
        paper=(246, 244, 238),
        ink=random.uniform(0.55, 0.95),
        shade=random.uniform(0.0, 0.15),
        jpeg=random.randint(45, 85),
    )


def _posted(random: Random) -> Scan:
    return random.choice((_clean, _office))(random)


KINDS: Mapping[str, Kind] = {
    "print": Kind("a printed page of running text", draw_print, _clean),
    "report": Kind("a two-column report of two pages, born digital", draw_report),
    "example-report": Kind("the report in the examples, always the same", draw_example_report),
    "invoice": Kind("an invoice with stamp and totals, scanned in an office", draw_invoice, _office),
    "columns": Kind("a page of two or three columns, born digital", draw_columns),
    "table": Kind("a page with tables, ruled and unruled, with spans, born digital", draw_table_page),
    "list": Kind("bulleted and numbered lists, born digital", draw_list),
    "small-print": Kind("conditions in 5 to 6 point type, scanned", draw_small_print, _clean, 300.0),
    "skewed": Kind("a printed page, skewed by up to 5 degrees", draw_print, _skewed),
    "rotated": Kind("a printed page, turned by 90, 180 or 270 degrees", draw_print, _turned),
    "faint": Kind("a printed page of low contrast", draw_print, _faint),
    "fax": Kind("a printed page after a fax machine", draw_print, _fax),
    "bill": Kind("an invoice of one of many countries and layouts, with questions", scan=_office),
    "receipt": Kind("a till receipt, with questions", scan=_till),
    "form": Kind("a form that has been filled in, with questions", scan=_posted),
    "letter": Kind("a letter, with questions", scan=_clean),
    "memo": Kind("a memo or the cover of a fax, with questions", scan=_posted),
    "article": Kind("a page of a report that says something, with questions, born digital"),
    "slides": Kind("a slide with bullets, a chart or a table, with questions, born digital"),
    "figures": Kind("tables of figures with captions, with questions, born digital"),
    "directory": Kind("a menu, a schedule or a directory, with questions", scan=_clean),
    "contract": Kind("a signed and stamped contract in one of twenty languages", draw_contract, _posted),
    "certificate": Kind(
        "a certificate with seal and signature in one of twenty languages", draw_certificate, _posted
    ),
    "charts": Kind("a page with charts and photographs, with questions, born digital", draw_charts),
    "poster": Kind("an A1 poster with small print", draw_poster_a1, None, 150.0),
    "poster-a0": Kind("an A0 poster with small print", draw_poster_a0, None, 150.0),
}


def draw(kind: str, seed: int, split: Split = "test") -> Drawn:
    """Draw one document; the same kind and seed give the same bytes. Raises Usage for an unknown kind.

    `split` says which half of wordings and layouts is drawn from; of that for tests nothing is trained on, so such a
    set may be measured on.
    """
    if kind not in KINDS:
        raise Usage(f"There is no kind of document called {kind!r}.", hint=f"Kinds: {', '.join(KINDS)}.")
    chosen = KINDS[kind]
    random = Random(f"{kind}/{seed}")  # noqa: S311  (a drawing, not a secret)
    asked: tuple[tuple[Asked, ...], ...] = ()
    fields: Mapping[str, str] = {}
    language = "en"
    with pymupdf.open() as document:
        if chosen.draw:
            sheets = chosen.draw(document, Writer(random))
            pages, things = tuple(sheet.truth() for sheet in sheets), tuple(tuple(sheet.things) for sheet in sheets)
            fields, language = sheets[0].fields, sheets[0].language
            asked = tuple(tuple(sheet.asked) for sheet in sheets) if any(sheet.asked for sheet in sheets) else ()
        else:
            laid = lay(kind, random, split, document, most=QUESTIONS)
            pages, asked, fields, things = (laid.page,), (laid.asked,), laid.fields, (laid.things,)
        document.subset_fonts()
        pdf = document.tobytes(garbage=3, deflate=True, clean=True, no_new_id=True)
    scan = chosen.scan(random) if chosen.scan else None
    captions = tuple(caption(kind, page, fields, some, language) for page, some in zip(pages, things, strict=True))
    return Drawn(kind, seed, pdf, pages, scan, chosen.dpi, asked, fields, things, captions, language)
