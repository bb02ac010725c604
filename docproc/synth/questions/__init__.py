"""Documents with questions and their answers, laid out but not drawn: what reading comprehension is trained on.

Thousands of pages a minute on one core. The same drawing functions draw the real pages of `docproc synth`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from docproc.document import Page
from docproc.errors import Usage
from docproc.synth.asked import Asked
from docproc.synth.questions import article, bill, form, letter, listing, receipt
from docproc.synth.questions.asking import ask
from docproc.synth.questions.data import Split, fields, words
from docproc.synth.questions.desk import Desk
from docproc.synth.questions.noise import read_badly
from docproc.synth.things import Thing, around


@dataclass(frozen=True, slots=True)
class Source:
    """How a kind of document is drawn and how often it comes in a mixed set."""

    draw: Callable[[Any | None, Random, Split], Desk]
    share: float = 1.0


SOURCES: Mapping[str, Source] = {
    "bill": Source(bill.draw_bill),
    "form": Source(form.draw_form, 2.0),
    "letter": Source(letter.draw_letter),
    "memo": Source(letter.draw_memo),
    "article": Source(article.draw_article, 1.5),
    "slides": Source(article.draw_slides),
    "figures": Source(listing.draw_figures),
    "directory": Source(listing.draw_directory),
    "receipt": Source(receipt.draw_receipt, 1.5),
}
ALL = tuple(SOURCES)


def questioned_pages(
    seed: int, count: int, kinds: Collection[str] = ALL, *, noise: bool = True, split: Split = "train", most: int = 8
) -> Iterator[tuple[Page, tuple[Asked, ...]]]:
    """Yield `count` pages, each with up to `most` questions it answers; the same seed gives the same pages.

    About 30 % of the questions have no answer on their page. `noise` reads them as an engine may: letters
    confused, words lost or merged, lines and regions parted otherwise; answers stay as printed then, and
    `word_ids` are the words that are left of them. The halves of `split` share no wording of a question, and no
    layout or label where there are enough of them. Raises Usage for an unknown kind.
    """
    if unknown := set(kinds) - set(SOURCES):
        raise Usage(f"There is no kind of document called {sorted(unknown)[0]!r}.", hint=f"Kinds: {', '.join(ALL)}.")
    chosen = sorted(set(kinds))
    weights = [SOURCES[kind].share for kind in chosen]
    for number in range(count):
        random = Random(f"{split}/{seed}/{number}")  # noqa: S311  (a drawing, not a secret)
        kind = random.choices(chosen, weights)[0]
        page, asked = questioned(kind, random, split, most=most)
        yield read_badly(page, asked, random) if noise else (page, asked)


def questioned(
    kind: str, random: Random, split: Split = "train", document: Any | None = None, *, most: int = 8
) -> tuple[Page, tuple[Asked, ...]]:
    """Return one page of a kind, drawn into a pymupdf `document` if there is one, and what is asked about it."""
    laid = lay(kind, random, split, document, most=most)
    return laid.page, laid.asked


@dataclass(frozen=True, slots=True)
class Laid:
    """A page with what is asked about it, every field that it has a value for, as printed, and what stands on it."""

    page: Page
    asked: tuple[Asked, ...]
    fields: Mapping[str, str]
    things: tuple[Thing, ...] = ()


def lay(kind: str, random: Random, split: Split = "train", document: Any | None = None, *, most: int = 8) -> Laid:
    """Return one page of a kind as `questioned` does, with its fields beside."""
    desk = SOURCES[kind].draw(document, random, split)
    desk.noun = desk.values.word(f"noun.{kind}")
    page = replace(desk.sheet.truth(), key_values=tuple(desk.pairs))
    named = possible(kind)
    said = {
        fact.field: " ".join(word.text for word in fact.words).strip(" ,;:")
        for fact in reversed(desk.facts)
        if fact.field in named
    }
    boxes = [pair.value_box for pair in desk.pairs if pair.checked is not None and pair.value_box]
    things = (*desk.sheet.things, *(Thing("check box", around(box)) for box in boxes))
    return Laid(page, ask(desk, named, most), dict(sorted(said.items())), things)


def possible(kind: str) -> frozenset[str]:
    """Return the fields that a kind of document could have."""
    if kind == "form":
        return frozenset(name for name, field in fields().items() if field.groups)
    return frozenset(words(f"possible.{kind}"))


__all__ = ["ALL", "SOURCES", "Laid", "Source", "lay", "questioned", "questioned_pages"]
