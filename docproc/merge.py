"""Lines that several tiles read become lines of the page: doubles dropped, halves cut by a seam joined.

Not by intersection over union: "INV", cut from "INVOICE", scores 0.40 and both would stay. Everything here goes
by the share of the smaller box; uncut beats cut, then the larger, then confidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docproc.document import Line, Word
from docproc.geometry import Box

SAME = 0.6
"""From this share of the smaller box on, two readings are of the same print."""
CUT_MARGIN = 2.0
"""A line that ends within so many points of a seam was cut by it."""

_NO_SPACE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]$")


@dataclass(frozen=True, slots=True)
class _Piece:
    line: Line
    cut_left: bool
    cut_right: bool
    cut_across: bool  # by a horizontal seam: the letters themselves are cut

    @property
    def rank(self) -> tuple[bool, bool, float, float, tuple[float, ...], str]:
        """Sort key, best first; the box and text at the end make the order complete."""
        line = self.line
        return (
            self.cut_across,
            self.cut_left or self.cut_right,
            -line.box.area,
            -(line.confidence or 0.0),
            tuple(line.box.as_list()),
            line.text,
        )


def merge(page: Box, views: Sequence[tuple[Box, Sequence[Line]]]) -> list[Line]:
    """Return the lines of a page that was read in `views`: (rectangle of the page, lines read in it).

    Idempotent, independent of the order of the views, and invents nothing: every word of the result was read.
    """
    pieces = sorted(
        (_piece(line, view, page) for view, lines in views for line in lines), key=lambda piece: piece.rank
    )
    kept: list[_Piece] = []
    for piece in pieces:
        if not any(_same(piece, other) for other in kept):
            kept.append(piece)
    return _joined(kept)


def _piece(line: Line, view: Box, page: Box) -> _Piece:
    def cut(edge: float, seam: float, page_edge: float) -> bool:
        return abs(edge - seam) <= CUT_MARGIN and abs(seam - page_edge) > CUT_MARGIN

    return _Piece(
        line,
        cut_left=cut(line.box.left, view.left, page.left),
        cut_right=cut(line.box.right, view.right, page.right),
        cut_across=cut(line.box.top, view.top, page.top) or cut(line.box.bottom, view.bottom, page.bottom),
    )


def _same(piece: _Piece, better: _Piece) -> bool:
    """Say whether `piece` is a second reading of what `better` already has."""
    mine, other = piece.line.box, better.line.box
    if max(mine.share_inside(other), other.share_inside(mine)) < SAME:
        return False
    # A tall box around several lines is no reading of each of them, unless it was cut.
    return _row_share(mine, other) >= SAME or piece.cut_across


def _row_share(one: Box, other: Box) -> float:
    """Return how much of the taller of two boxes' heights they share, 0-1."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    tallest = max(one.height, other.height)
    return max(shared, 0.0) / tallest if tallest > 0 else 1.0


def _joined(pieces: Sequence[_Piece]) -> list[Line]:
    """Join each line that ends cut at a seam with the one that goes on from there, from left to right."""
    rest = sorted(pieces, key=lambda piece: (piece.line.box.left, piece.rank))
    lines: list[Line] = []
    while rest:
        piece = rest.pop(0)
        while piece.cut_right and (following := _continuation(piece, rest)):
            rest.remove(following)
            piece = _Piece(
                _join(piece.line, following.line), piece.cut_left, following.cut_right, piece.cut_across
            )
        lines.append(piece.line)
    return sorted(lines, key=lambda line: (line.box.top, line.box.left, line.box.as_list(), line.text))


def _continuation(piece: _Piece, rest: Sequence[_Piece]) -> _Piece | None:
    for other in rest:
        box = other.line.box
        overlapping = box.left < piece.line.box.right and box.right > piece.line.box.right
        if other.cut_left and overlapping and _row_share(piece.line.box, box) >= SAME:
            return other
    return None


def _join(left: Line, right: Line) -> Line:
    """Join two readings of one line that overlap: each word once, the cut ends of both left out."""
    seam = (right.box.left + left.box.right) / 2
    words = [word for word in left.words if word.box.center[0] < seam]
    words += [word for word in right.words if word.box.center[0] >= seam and not _read_twice(word, words)]
    box = Box.union(word.box for word in words) if words else left.box
    confidences = [word.confidence for word in words if word.confidence is not None]
    return replace(
        left,
        text=_text(words),
        box=box,
        polygon=(left.polygon[0], right.polygon[1], right.polygon[2], left.polygon[3]),
        confidence=round(sum(confidences) / len(confidences), 4) if confidences else None,
        words=tuple(words),
    )


def _read_twice(word: Word, words: Sequence[Word]) -> bool:
    return any(max(word.box.share_inside(w.box), w.box.share_inside(word.box)) >= SAME for w in words[-2:])


def _text(words: Sequence[Word]) -> str:
    text = ""
    for word in words:
        text += word.text if not text or (_NO_SPACE.search(text) and _NO_SPACE.match(word.text[:1])) else " " + word.text
    return text
