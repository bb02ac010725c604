"""Objects that a model wrote as tokens, as findings on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docproc import masks
from docproc.findings import Finding, Mask
from docproc.geometry import Box
from docproc.tasks.asking import Parsed, Seen
from docproc.tasks.locations import Spot, mean_score, read_spots, token_scores
from docproc.tasks.masks import decode


def box_findings(seen: Seen, *, label: str = "") -> Parsed:
    """Return a finding with a box for every object; `label` is for those that the model gave none."""
    placed, invalid = _placed(seen)
    return Parsed([_finding(seen, spot, box, label) for spot, box in placed], invalid)


def mask_findings(seen: Seen, *, label: str = "") -> Parsed:
    """Return a finding with a box and a mask for every object; those without 16 codes make no sense.

    Without a decoder there are boxes and no masks.
    """
    placed, invalid = _placed(seen)
    whole = [(spot, box) for spot, box in placed if spot.codes]
    invalid += len(placed) - len(whole)
    if seen.decoder is None:
        return Parsed([_finding(seen, spot, box, label) for spot, box in whole], invalid)
    # the codes describe the box as written; where that runs past the page the mask is cut with it
    boxes = [seen.view.place(spot.shares) for spot, _ in whole]
    found = decode([spot.codes for spot, _ in whole], boxes, seen.view.image.scale, seen.decoder)
    cut = [_cut(mask, box) for mask, (_, box) in zip(found, whole, strict=True)]
    findings = [_finding(seen, spot, box, label, mask) for mask, (spot, box) in zip(cut, whole, strict=True) if mask]
    return Parsed(findings, invalid + len(whole) - len(findings))


def _placed(seen: Seen) -> tuple[list[tuple[Spot, Box]], int]:
    """Return the objects that lie on the page with their boxes, and the number of those that make no sense."""
    spots, invalid = read_spots(seen.generation.text)
    within = seen.view.box.clipped(seen.page)
    placed = [(spot, seen.view.place(spot.shares).rounded().clipped(within)) for spot in spots]
    good = [(spot, box) for spot, box in placed if box.area > 0]
    return good, invalid + len(spots) - len(good)


def _cut(mask: Mask | None, box: Box) -> Mask | None:
    if mask is None:
        return None
    if max(abs(a - b) for a, b in zip(mask.box.as_list(), box.as_list(), strict=True)) <= 0.01:
        return replace(mask, box=box)
    across, down = mask.width / mask.box.width, mask.height / mask.box.height
    grid = masks.redrawn(mask, box, max(round(box.height * down), 1), max(round(box.width * across), 1))
    return masks.from_grid(grid, box) if grid.any() else None


def _finding(seen: Seen, spot: Spot, box: Box, label: str, mask: Mask | None = None) -> Finding:
    return Finding(
        task=seen.ask.task,
        prompt=seen.prompt,
        page=seen.number,
        label=spot.label or label,
        box=box,
        polygon=next(iter(masks.outlines(mask)), ()) if mask else (),
        mask=mask,
        confidence=_confidence(spot, token_scores(seen.generation)),
    )


def _confidence(spot: Spot, scores: Sequence[float]) -> float | None:
    return mean_score(scores[spot.first : spot.first + spot.tokens])
