"""One example of a dataset and what a model wrote for it, turned into its share of each figure.

A figure over many examples is the sum of `Share.over` divided by the sum of `Share.under`, so that it can be made of
any selection of them; mean average precision alone is made of `Scored.found`, as its order runs through all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein

from docproc.document import Cell
from docproc.engines import Generation
from docproc.evaluate.answers import anls
from docproc.evaluate.dataset import TruthCell
from docproc.evaluate.metrics import Metric
from docproc.evaluate.teds import teds
from docproc.evaluate.text import normalise, tokens
from docproc.geometry import Box
from docproc.learn.dataset import SIDE, Example, read_masks
from docproc.raster import PageImage
from docproc.tasks.asking import View
from docproc.tasks.grammar import things
from docproc.tasks.locations import Spot, mean_score, read_spots, token_scores
from docproc.tasks.masks import MaskDecoder
from docproc.tasks.table import read_table

IOU = 0.5
"""A box is found when one of its label overlaps it by this much (intersection over union)."""
GRID = 256
"""Rows and columns of the grid over an image on which masks are compared."""
SHEET = Box(0, 0, 1, 1)

Grid = NDArray[np.bool_]


class Share(NamedTuple):
    """What an example adds to a figure, above and below the line."""

    over: float
    under: float = 1.0


class Found(NamedTuple):
    """A box that a model drew: how sure it was (0-1), and whether it found a thing of its label."""

    score: float
    right: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """An example, what a model wrote, and how good that was.

    `goodness`, 0-1, tells examples that got better from those that got worse. For detection `found` are the boxes
    drawn and `there` the number of true ones, by label.
    """

    example: Example
    text: str
    shares: Mapping[str, Share]
    goodness: float
    found: Mapping[str, tuple[Found, ...]] = field(default_factory=dict)
    there: Mapping[str, int] = field(default_factory=dict)


FIGURES: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "cer",
            "CER",
            "ocr: edit distance of the texts over the characters of the truth, all examples together; Unicode NFKC, "
            "one form for quotes and dashes, white space collapsed.",
            lower_is_better=True,
        ),
        Metric("wer", "WER", "ocr: the same over words split at white space.", lower_is_better=True),
        Metric("anls", "ANLS", "answer: mean normalised Levenshtein similarity, 0 below .5 (Biten et al. 2019)."),
        Metric(
            "rouge_l",
            "ROUGE-L",
            "caption: mean F1 of the longest common subsequence of words, without case and punctuation (Lin 2004).",
        ),
        Metric(
            "map50",
            "mAP@.5",
            "detect: mean over labels of the 101-point average precision at an IoU of .5, all examples together.",
        ),
        Metric(
            "mask_iou",
            "mask IoU",
            "segment: mean over true things of the IoU of their mask with the best one of their label, 0 where there "
            "is none; things that are not there cost as much as ones that were missed.",
        ),
        Metric("teds", "TEDS", "table: mean similarity of the tables as trees (Zhong et al. 2020)."),
    )
}
"""Every figure of an example's task, in the order of tables."""


def score(example: Example, written: Generation, decoder: MaskDecoder | None = None) -> Scored:
    """Return how good what a model wrote for an example is; `decoder` makes masks of the codes of `segment`.

    Whatever the model wrote, this does not raise.
    """
    if example.task == "detect":
        return _detected(example, written)
    scorer = _SCORERS.get(example.task)
    if example.task == "segment":
        shares = _segmented(example, written, decoder)
    else:
        shares = scorer(example.suffix, written.text) if scorer else {}
    return Scored(example, written.text, shares, _goodness(shares))


def boxes(text: str, prefix: str) -> list[tuple[str, Box]]:
    """Return label and box of each thing in a suffix or an answer, in shares (0-1) of the image."""
    return [(_label(spot, prefix), Box(*spot.shares)) for spot in read_spots(text)[0]]


def rouge_l(true: str, read: str) -> float:
    """Return ROUGE-L, 0-1: the F1 of the longest common subsequence of words (Lin 2004, with beta 1)."""
    there, found = tokens(normalise(true, fold_case=True)), tokens(normalise(read, fold_case=True))
    if not there or not found:
        return float(there == found)
    return 2 * LCSseq.similarity(there, found) / (len(there) + len(found))


def _goodness(shares: Mapping[str, Share]) -> float:
    """Return that of the first figure; of an error rate what is left of 1."""
    name, share = next(iter(shares.items()), ("", Share(0.0)))
    value = share.over / share.under if share.under else 0.0
    return max(1 - value, 0.0) if name in FIGURES and FIGURES[name].lower_is_better else value


def _read(true: str, read: str) -> dict[str, Share]:
    there, found = normalise(true), normalise(read)
    words = there.split(), found.split()
    return {
        "cer": Share(Levenshtein.distance(there, found), max(len(there), 1)),
        "wer": Share(Levenshtein.distance(*words), max(len(words[0]), 1)),
    }


def _table(true: str, read: str) -> dict[str, Share]:
    return {"teds": Share(teds(_cells(true), _cells(read)))}


def _cells(html: str) -> list[TruthCell]:
    view = View(PageImage(np.zeros((1, 1, 3), np.uint8), 72.0), SHEET)
    table = read_table(html, view, SHEET)
    return [_cell(one) for one in table.cells] if table else []


def _cell(cell: Cell) -> TruthCell:
    return TruthCell(cell.row, cell.column, cell.row_span, cell.column_span, cell.text, cell.header)


_SCORERS: Mapping[str, Callable[[str, str], dict[str, Share]]] = {
    "ocr": _read,
    "answer": lambda true, read: {"anls": Share(anls(read, [true] if true else []))},
    "caption": lambda true, read: {"rouge_l": Share(rouge_l(true, read))},
    "table": _table,
}


def _label(spot: Spot, prefix: str) -> str:
    """Return the label of a thing; one without is what was asked for, if that was one thing."""
    asked = things(prefix.partition(" ")[2])
    return (spot.label or (asked[0] if len(asked) == 1 else "")).casefold()


def _detected(example: Example, written: Generation) -> Scored:
    free = boxes(example.suffix, example.prefix)
    there: dict[str, int] = {}
    for label, _ in free:
        there[label] = there.get(label, 0) + 1
    certainty = token_scores(written)
    drawn = [
        (mean_score(certainty[spot.first : spot.first + spot.tokens]) or 0.0, _label(spot, example.prefix), spot)
        for spot in read_spots(written.text)[0]
    ]
    found: dict[str, list[Found]] = {}
    for sure, label, spot in sorted(drawn, key=lambda one: -one[0]):
        box = Box(*spot.shares)
        best = max((one for one in free if one[0] == label), key=lambda one: one[1].iou(box), default=None)
        right = best is not None and best[1].iou(box) >= IOU
        if right and best is not None:
            free.remove(best)
        found.setdefault(label, []).append(Found(sure, right))
    hits = sum(one.right for some in found.values() for one in some)
    both = sum(there.values()) + len(drawn)
    return Scored(
        example, written.text, {}, 2 * hits / both if both else 1.0,
        {label: tuple(some) for label, some in found.items()}, there,
    )  # fmt: skip


def _segmented(example: Example, written: Generation, decoder: MaskDecoder | None) -> dict[str, Share]:
    """Pair true and drawn masks of a label, best first; what has no partner counts 0."""
    true = _true_grids(example, decoder)
    drawn = _grids(read_spots(written.text)[0], example.prefix, decoder)
    alike = [(i, j) for i, one in enumerate(true) for j, other in enumerate(drawn) if one[0] == other[0]]
    pairs = sorted(((_iou(true[i][1], drawn[j][1]), i, j) for i, j in alike), reverse=True)
    total, used_true, used_drawn = 0.0, set[int](), set[int]()
    for iou, i, j in pairs:
        if i not in used_true and j not in used_drawn:
            total += iou
            used_true.add(i)
            used_drawn.add(j)
    count = len(true) + len(drawn) - len(used_drawn)
    return {"mask_iou": Share(total, count) if count else Share(1.0)}


def _true_grids(example: Example, decoder: MaskDecoder | None) -> list[tuple[str, Grid]]:
    spots, masks = read_spots(example.suffix)[0], read_masks(example)
    if len(masks) != len(spots):
        return _grids(spots, example.prefix, decoder)
    pictures = zip(spots, np.where(masks, 1.0, -1.0), strict=True)
    return [(_label(spot, example.prefix), _placed(picture, spot)) for spot, picture in pictures]


def _grids(spots: Sequence[Spot], prefix: str, decoder: MaskDecoder | None) -> list[tuple[str, Grid]]:
    """Return label and mask of each thing that has codes; those without are nothing."""
    whole = [spot for spot in spots if spot.codes]
    if not whole or decoder is None:
        return []
    pictures = np.asarray(decoder(np.array([spot.codes for spot in whole], np.int64)), np.float32)
    return [(_label(spot, prefix), _placed(picture, spot)) for spot, picture in zip(whole, pictures, strict=True)]


def _placed(picture: NDArray[np.floating], spot: Spot) -> Grid:
    """Return a mask (float[64, 64], the thing is over 0) stretched over its box on the grid of the image."""
    left, top, right, bottom = (round(share * GRID) for share in spot.shares)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    shown = cv2.resize(picture.reshape(SIDE, SIDE).astype(np.float32), (right - left, bottom - top))
    grid = np.zeros((GRID + 1, GRID + 1), np.bool_)
    grid[top:bottom, left:right] = shown > 0
    return grid


def _iou(one: Grid, other: Grid) -> float:
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 0.0
