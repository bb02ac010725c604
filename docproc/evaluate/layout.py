"""How well regions were found: mean average precision as COCO defines it, on the labels both sides share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from docproc.document import Page, Region
from docproc.geometry import Box

IOUS = tuple(np.arange(0.5, 0.96, 0.05).round(2).tolist())
"""COCO's ten thresholds, .50:.05:.95."""

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's recall points: average precision is the mean of the precision reached at each."""

DOCLAYNET = frozenset(
    {
        "caption", "footnote", "formula", "list-item", "page-footer", "page-header",
        "picture", "section-header", "table", "text", "title",
    }
)  # fmt: skip

PUBLAYNET = {
    "text": "text",
    "caption": "text",
    "footnote": "text",
    "formula": "text",
    "title": "title",
    "section-header": "title",
    "list-item": "list",
    "picture": "figure",
    "table": "table",
}
"""Our labels in PubLayNet's five; it leaves page headers and footers unlabelled, so they are left out."""

LIST_GAP = 1.5
"""List items this many times the smaller item's height apart, or less, are of one list."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A region to compare: `page` tells pages of all documents apart, `score` ranks predictions."""

    page: str
    label: str
    box: Box
    score: float = 1.0


def mapping_for(labels: frozenset[str]) -> Mapping[str, str] | None:
    """Return our label -> the set's label; None when the set's labels (zones, say) mean something else."""
    if not labels:
        return None
    if labels <= set(PUBLAYNET.values()):
        return PUBLAYNET
    return {label: label for label in DOCLAYNET} if labels <= DOCLAYNET else None


def spots_of(page: Page, key: str, mapping: Mapping[str, str]) -> list[Spot]:
    """Return the regions of a page in the set's labels; list items that follow each other become one list."""
    spots: list[Spot] = []
    for region in sorted(page.regions, key=lambda one: one.order):
        if region.label in mapping:
            spot = Spot(key, mapping[region.label], region.box, _score(region))
            if spots and spot.label == "list" and _same_list(spots[-1], spot):
                last = spots.pop()
                spot = replace(spot, box=Box.union((last.box, spot.box)), score=max(last.score, spot.score))
            spots.append(spot)
    return spots


def mean_average_precision(true: Sequence[Spot], read: Sequence[Spot]) -> float | None:
    """Return mAP at IoU .50:.05:.95 over the labels that occur in the truth; None when it is empty."""
    labels = sorted({spot.label for spot in true})
    if not labels:
        return None
    scores = [
        average_precision(
            [spot for spot in true if spot.label == label],
            [spot for spot in read if spot.label == label],
            iou,
        )
        for label in labels
        for iou in IOUS
    ]
    return float(np.mean(scores))


def average_precision(true: Sequence[Spot], read: Sequence[Spot], iou: float) -> float:
    """Return the 101-point interpolated average precision of one label at one IoU.

    Best score first, each prediction takes the unmatched truth of its page with the best IoU, if that is at
    least `iou` (Lin et al. 2014, as pycocotools counts it).
    """
    ranked = sorted(read, key=lambda spot: -spot.score)
    right = np.array(_matches(true, ranked, iou), dtype=bool)
    if not len(right) or not true:
        return 0.0
    found = np.cumsum(right)
    recall = found / len(true)
    precision = found / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS - 1e-9, side="left")
    reached = np.append(envelope, 0.0)[places]
    return float(reached.mean())


def _matches(true: Sequence[Spot], ranked: Sequence[Spot], iou: float) -> list[bool]:
    free = list(true)
    hits = []
    for spot in ranked:
        best = max(
            (one for one in free if one.page == spot.page),
            key=lambda one: one.box.iou(spot.box),
            default=None,
        )
        hit = best is not None and best.box.iou(spot.box) >= iou - 1e-9
        if hit and best is not None:
            free.remove(best)
        hits.append(hit)
    return hits


def _score(region: Region) -> float:
    return 1.0 if region.confidence is None else region.confidence


def _same_list(last: Spot, spot: Spot) -> bool:
    if last.label != "list":
        return False
    side_by_side = min(last.box.right, spot.box.right) <= max(last.box.left, spot.box.left)
    gap = spot.box.top - last.box.bottom
    return not side_by_side and abs(gap) <= LIST_GAP * min(last.box.height, spot.box.height)
