"""Examples from drawn documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from docproc.learn.dataset import Example
from docproc.learn.examples import Known, Plan, examples_of, kept
from docproc.learn.splits import split_of
from docproc.synth import KINDS, draw
from docproc.synth.anyscan import any_scan
from docproc.synth.kinds import Drawn
from docproc.synth.labels import placed_things, scans
from docproc.synth.sheet import HELD_OUT, SEEN, written_in

LEFT_OUT = frozenset({"poster", "poster-a0", "example-report", "rotated"})
"""Kinds that are not drawn unless they are asked for: huge sheets, and pages that a model is shown upright."""
KINDS_DRAWN = tuple(kind for kind in KINDS if kind not in LEFT_OUT)
WORN = 0.6
"""Share of documents that are scanned by `any_scan`; the others as their kind says, which may be not at all."""
DPI = 150.0
"""What pages are drawn at: the resolution that text is read at."""


@dataclass(frozen=True, slots=True)
class Order:
    """One document to be drawn, and what is made of it."""

    kind: str
    seed: int
    plan: Plan

    @property
    def name(self) -> str:
        """The document's name, which decides its split."""
        return f"synth/{self.kind}/{self.seed}"


def orders(count: int, seed: int, kinds: Sequence[str], plan: Plan) -> Iterator[Order]:
    """Yield `count` documents, the kinds in turn."""
    chosen = tuple(kinds) or KINDS_DRAWN
    for index in range(count):
        yield Order(chosen[index % len(chosen)], seed + index // len(chosen), plan)


def examples(order: Order, folder: Path) -> list[Example]:
    """Draw a document and return its examples, with images in `folder`.

    Those of the test split are of wordings and layouts that training never shows, those of validation and test in
    fonts that it never shows.
    """
    split = split_of(order.name)
    with written_in(SEEN if split == "train" else HELD_OUT):
        drawn = draw(order.kind, order.seed, "test" if split == "test" else "train")
    random = Random(f"examples/{order.name}")  # noqa: S311  (no secret)
    if random.random() < WORN:
        drawn = replace(drawn, scan=any_scan(random))
    elif drawn.scan:
        drawn = replace(drawn, scan=replace(drawn.scan, turn=0))
    made = [one for known in _pages(drawn) for one in examples_of(known, order.plan, random)]
    return [kept(one, folder, document=order.name, kind=order.kind, source="synth") for one in made]


def _pages(drawn: Drawn) -> Iterator[Known]:
    for image, page in scans(drawn, DPI):
        yield Known(
            image=image,
            page=page,
            asked=drawn.asked[page.number - 1] if drawn.asked else (),
            caption=drawn.captions[page.number - 1],
            things=placed_things(drawn, page.number),
        )


__all__ = ["KINDS_DRAWN", "Order", "examples", "orders"]
