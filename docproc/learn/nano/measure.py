"""How well a small model does what it was trained for: on fonts, text, labels and pages it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from docproc.engines import Generation, Limits, VisionEngine, VisionRequest
from docproc.engines.paligemma.seg import MaskDecoder
from docproc.errors import Unavailable
from docproc.evaluate.answers import anls
from docproc.evaluate.layout import Spot as Ranked
from docproc.evaluate.layout import average_precision
from docproc.geometry import Box
from docproc.learn.nano import curriculum, fonts, lines, pieces, sheets, texts
from docproc.learn.nano.recipe import Recipe
from docproc.raster import PageImage
from docproc.tasks.locations import Spot, read_spots
from docproc.tasks.rows import squares
from docproc.tasks.views import AT_ONCE

TOKENS = 96
DPI = 72.0
HIT = 0.5
"""Intersection over union from which a box counts as found."""


def measure(engine: VisionEngine, recipe: Recipe, *, count: int = 200, masks: Path | None = None) -> dict[str, float]:
    """Return figures over `count` examples a task; `masks` is the decoder of masks, without which none are measured.

    `cer_clean`, `cer_worn`: edits per character of lines in the held-out fonts, sharp or worn, cut as for `ocr`;
    `cer_short`: of sharp lines of at most 20 characters. `anls`, `anls_new_labels`: of answers to labels that
    training had or had not, in held-out fonts, and `silent...`: the share of questions without an answer that get
    none. `captions` exactly right, `kinds` of page right. `map`: mean average precision of boxes at HIT over ten
    classes; `iou`: the mean of masks of things that are there.

    Raises Unavailable when the recipe's held-out fonts are not on this machine.
    """
    families = fonts.find([Path(folder) for folder in recipe.fonts])
    held_out = [path for family in recipe.held_out for path in families.get(family, ())]
    if not held_out:
        raise Unavailable("None of the held-out fonts is here.", hint="Install them, or hold out others.")
    random = Random("measured")  # noqa: S311
    found = _lines(engine, recipe, random, held_out, count)
    found |= _answers(engine, recipe, random, held_out, count)
    found |= _pages(engine, recipe, random, count)
    return found | (_masks(engine, recipe, random, count, MaskDecoder(masks)) if masks else {})


def cer(pairs: Sequence[tuple[str, str]]) -> float:
    """Return edits per character of (true, read) pairs, taken together."""
    edits = sum(Levenshtein.distance(true, read) for true, read in pairs)
    return edits / max(sum(len(true) for true, _ in pairs), 1)


def ask(engine: VisionEngine, prompt: str, pictures: Sequence[Any]) -> list[Generation]:
    """Return what is written of uint8[side, side] grey pictures."""
    shown = [PageImage(np.repeat(pixels[..., None], 3, 2), DPI) for pixels in pictures]
    return engine.generate([VisionRequest(image, prompt, Limits(TOKENS)) for image in shown])


def _lines(engine: VisionEngine, recipe: Recipe, random: Random, paths: list[Path], count: int) -> dict[str, float]:
    side, patch, found = recipe.shape.side, recipe.shape.patch, {}
    for name, level, longest in (
        ("cer_clean", 0.0, recipe.longest),
        ("cer_worn", 1.0, recipe.longest),
        ("cer_short", 0.0, 20),
    ):
        pairs = []
        for _ in range(count):
            written = texts.text(random, random.randint(min(4, longest), longest), test=True)
            drawn = lines.draw(random, written, random.choice(paths), level)
            parts = squares(lines.worn(random, drawn.pixels, level), side, patch, AT_ONCE)
            pairs.append((written, parts))
        read = iter(ask(engine, "ocr", [part.pixels for _, parts in pairs for part in parts]))
        found[name] = cer([(true, " ".join(next(read).text for _ in parts)) for true, parts in pairs])
    return found


def _answers(engine: VisionEngine, recipe: Recipe, random: Random, paths: list[Path], count: int) -> dict[str, float]:
    side, patch, found = recipe.shape.side, recipe.shape.patch, {}
    for name, labels in (("anls", pieces.LABELS), ("anls_new_labels", pieces.OTHER_LABELS)):
        scores, silent = list[float](), list[float]()
        for _ in range(count):
            label = random.choice(labels)
            picture, true = pieces.answer(
                random, label, random.choice(paths), side, patch, level=curriculum.wear(0.7)
            )
            said = ask(engine, f"answer en {label}", [picture])[0].text
            (scores if true else silent).append(anls(said, [true]) if true else float(not said.strip()))
        found[name] = float(np.mean(scores))
        found[name.replace("anls", "silent")] = float(np.mean(silent))
    return found


def _pages(engine: VisionEngine, recipe: Recipe, random: Random, count: int) -> dict[str, float]:
    pages = [sheets.sheet(random, recipe.shape.side) for _ in range(count)]
    read = [said.text for said in ask(engine, "caption en", [page.pixels for page in pages])]
    true = [sheets.caption(page) for page in pages]
    kinds = [said.split(" with ")[0] == page.kind for said, page in zip(read, pages, strict=True)]
    found = {
        "captions": float(np.mean([a == b for a, b in zip(read, true, strict=True)])),
        "kinds": float(np.mean(kinds)),
    }
    return found | {"map": _detection(engine, random, pages, max(count // 4, 1))}


def _detection(engine: VisionEngine, random: Random, pages: list[sheets.Sheet], count: int) -> float:
    """Return the mean over classes of average precision at HIT, each on `count` pages."""
    scores = []
    for label in sheets.CLASSES:
        part = random.sample(pages, count)
        true, read = list[Ranked](), list[Ranked]()
        for number, said in enumerate(ask(engine, f"detect {label}", [page.pixels for page in part])):
            things = [thing for thing in part[number].things if thing.label == label][: pieces.MOST_THINGS]
            true += [Ranked(str(number), label, _box(*thing.box)) for thing in things]
            sure = float(np.mean(said.scores)) if said.scores else 0.0
            boxes = [_box(spot.left, spot.top, spot.right, spot.bottom) for spot in read_spots(said.text)[0]]
            read += [Ranked(str(number), label, box, sure) for box in boxes]
        scores.append(average_precision(true, read, HIT))
    return float(np.mean(scores))


def _box(*shares: float) -> Box:
    return Box(*(1000 * share for share in shares))


def _masks(
    engine: VisionEngine, recipe: Recipe, random: Random, count: int, decoder: MaskDecoder
) -> dict[str, float]:
    overlaps = []
    for label in sheets.MASKED:
        pages = [sheets.sheet(random, recipe.shape.side, label) for _ in range(max(count // 5, 1))]
        shown = [page for page in pages if any(thing.label == label for thing in page.things)]
        for page, said in zip(shown, ask(engine, f"segment {label}", [page.pixels for page in shown]), strict=True):
            spots = [spot for spot in read_spots(said.text)[0] if spot.codes]
            thing = next(thing for thing in page.things if thing.label == label)
            overlaps.append(max((_overlap(spot, thing, decoder) for spot in spots), default=0.0))
    return {"iou": float(np.mean(overlaps))}


def _overlap(spot: Spot, thing: sheets.Thing, decoder: MaskDecoder) -> float:
    """Return the intersection over union of a mask as written and as it is, on the page."""
    size = thing.mask.shape[0]
    top, left, bottom, right = (round(edge * size) for edge in (spot.top, spot.left, spot.bottom, spot.right))
    if bottom <= top or right <= left:
        return 0.0
    drawn = np.zeros((size, size), bool)
    small = decoder(np.array([spot.codes], np.int64))[0]
    drawn[top:bottom, left:right] = cv2.resize(small, (right - left, bottom - top)) > 0
    true = thing.mask > 0
    return float((drawn & true).sum() / max((drawn | true).sum(), 1))
