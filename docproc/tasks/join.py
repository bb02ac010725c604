"""Objects that several views of a page show become the objects of the page: doubles dropped, cut parts joined.

As in `docproc.merge`, uncut beats cut and everything goes by the share of the smaller box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from docproc import masks
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.merge import CUT_MARGIN, SAME

TWIN = 0.9
"""From this intersection over union on, two objects of one view are the same said twice."""
LIKE = 0.25
"""Of two whole objects the smaller has at least this share of the larger one's area, or they are two."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An object with a box as one view, a rectangle of the page, shows it."""

    finding: Finding
    box: Box
    view: Box
    cut: bool

    @property
    def key(self) -> tuple[object, ...]:
        """A complete order, best first: uncut, sure, large; then anything that does not change."""
        found = self.finding
        return (
            self.cut, -(found.confidence or 0.0), -self.box.area, *self.box.as_list(), found.label, found.text,
            found.prompt, self.view.as_list(),
        )  # fmt: skip


def join(page: Box, views: Sequence[tuple[Box, Sequence[Finding]]]) -> list[Finding]:
    """Return the findings of a page that was shown in `views`: (rectangle of the page, findings in it).

    Only those of one label are joined. Findings without a box are kept as they are. Independent of the order of
    the views; top to bottom.
    """
    boxless = [finding for _, found in views for finding in found if finding.box is None]
    pieces = [piece for view, found in views for finding in found if (piece := _piece(finding, view, page))]
    pieces.sort(key=lambda piece: piece.key)
    whole: list[Piece] = []
    for piece in pieces:
        if not piece.cut and not any(_double(piece, other) for other in whole):
            whole.append(piece)
    parts = [piece for piece in pieces if piece.cut and not any(_part(piece, other) for other in whole)]
    found = [piece.finding for piece in (*whole, *_joined(parts))]
    return [*boxless, *sorted(found, key=_reading_order)]


def _piece(finding: Finding, view: Box, page: Box) -> Piece | None:
    if finding.box is None:
        return None
    sides = zip(finding.box.as_list(), view.as_list(), page.as_list(), strict=True)
    cut = any(abs(side - seam) <= CUT_MARGIN < abs(seam - edge) for side, seam, edge in sides)
    return Piece(finding, finding.box, view, cut)


def _share(a: Box, b: Box) -> float:
    return max(a.share_inside(b), b.share_inside(a))


def _double(one: Piece, other: Piece) -> bool:
    """Say whether two whole objects are the same."""
    if one.finding.label != other.finding.label:
        return False
    if one.view == other.view:
        return one.box.iou(other.box) >= TWIN
    small, large = sorted((one.box.area, other.box.area))
    return _share(one.box, other.box) >= SAME and small >= LIKE * large


def _part(piece: Piece, whole: Piece) -> bool:
    return piece.finding.label == whole.finding.label and piece.box.share_inside(whole.box) >= SAME


def _joined(parts: Sequence[Piece]) -> list[Piece]:
    """Join parts of the same object until nothing more belongs together."""
    rest, done = list(parts), []
    while rest:
        piece = rest.pop(0)
        mine = [other for other in rest if _continues(piece, other)]
        if not mine:
            done.append(piece)
            continue
        rest = [other for other in rest if other not in mine]
        for other in mine:
            piece = _union(piece, other)
        rest.append(piece)
    return done


def _continues(one: Piece, other: Piece) -> bool:
    """Say whether two cut pieces are of one object: they overlap, and agree along one side or cover each other."""
    if one.finding.label != other.finding.label or one.view == other.view or not one.box.overlap(other.box):
        return False
    a, b = one.box, other.box
    across = min(a.right, b.right) - max(a.left, b.left)
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    agree = across >= SAME * max(a.width, b.width) or down >= SAME * max(a.height, b.height)
    return agree or _share(a, b) >= SAME


def _union(one: Piece, other: Piece) -> Piece:
    first, second = one.finding, other.finding
    box = Box.union((one.box, other.box))
    mask = masks.joined(first.mask, second.mask) if first.mask and second.mask else first.mask or second.mask
    sure = [found.confidence for found in (first, second) if found.confidence is not None]
    joined = replace(
        first,
        box=box,
        mask=mask,
        polygon=next(iter(masks.outlines(mask)), ()) if mask else (),
        confidence=min(sure, default=None),
    )
    return Piece(joined, box, Box.union((one.view, other.view)), one.cut)


def _reading_order(finding: Finding) -> tuple[object, ...]:
    box = finding.box or Box(0, 0, 0, 0)
    return box.top, box.left, box.bottom, box.right, finding.label, finding.text, finding.confidence or 0.0
