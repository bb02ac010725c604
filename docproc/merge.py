"""Lines that several views of a page read become the lines of the page: doubles dropped, cut halves joined.

Pieces of one printed line are found by their row and their overlap, and then merged word by word: uncut beats
cut, then confidence. Not by intersection over union: "INV", cut from "INVOICE", scores 0.40 and both would stay.
Everything here goes by the share of the smaller box.
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
"""A word that ends within so many points of a seam was cut by it."""

Key = tuple[float, ...]
_NO_SPACE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line as one view saw it, and where the seams of that view are (None: the edge of the page)."""

    line: Line
    view: Box
    seams: tuple[float | None, ...]

    def cuts(self, box: Box) -> bool:
        """Say whether a seam of the view ran through what is in `box`."""
        return any(
            seam is not None and abs(edge - seam) <= CUT_MARGIN
            for edge, seam in zip(box.as_list(), self.seams, strict=True)
        )

    @property
    def key(self) -> Key:
        """A complete order, best first: uncut, confident, large; then anything that does not change."""
        return _key(self.line, cut=self.cuts(self.line.box))


def merge(page: Box, views: Sequence[tuple[Box, Sequence[Line]]]) -> list[Line]:
    """Return the lines of a page that was read in `views`: (rectangle of the page, lines read in it).

    Idempotent, independent of the order of the views, and invents nothing: every word of the result was read.
    """
    pieces = sorted((_piece(line, view, page) for view, lines in views for line in lines), key=lambda p: p.key)
    merged = sorted((_merged(group) for group in _groups(pieces)), key=lambda piece: piece.key)
    kept: list[Line] = []
    for piece in merged:
        box = piece.line.box
        if sum(box.overlap(other.box) for other in kept) < SAME * box.area or not box.area:
            kept.append(piece.line)
    return sorted(kept, key=lambda line: (line.box.top, line.box.left, _key(line, cut=False), line.text))


def _piece(line: Line, view: Box, page: Box) -> _Piece:
    sides = zip(view.as_list(), page.as_list(), strict=True)
    return _Piece(line, view, tuple(None if abs(seam - edge) <= CUT_MARGIN else seam for seam, edge in sides))


def _key(item: Line | Word, *, cut: bool) -> Key:
    return (cut, -(item.confidence or 0.0), -item.box.area, *item.box.as_list(), *map(ord, item.text))


def _groups(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """Put pieces of the same printed line together: same row, overlapping, seen in different views."""
    groups: list[list[_Piece]] = []
    for piece in pieces:
        mine = [group for group in groups if any(_continue(piece, other) for other in group)]
        groups = [group for group in groups if group not in mine]
        groups.append([piece, *(other for group in mine for other in group)])
    return groups


def _continue(one: _Piece, other: _Piece) -> bool:
    a, b = one.line.box, other.line.box
    across = min(a.right, b.right) - max(a.left, b.left)
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    return one.view != other.view and across > 0 and down >= SAME * max(a.height, b.height)


def _merged(group: Sequence[_Piece]) -> _Piece:
    """Return one piece with each word of the group once."""
    if len(group) == 1:
        return group[0]
    ranked = sorted(
        ((piece, word) for piece in group for word in piece.line.words),
        key=lambda pair: (_key(pair[1], cut=pair[0].cuts(pair[1].box)), pair[0].key),
    )
    words: list[Word] = []
    for _, word in ranked:
        if not any(max(word.box.share_inside(w.box), w.box.share_inside(word.box)) >= SAME for w in words):
            words.append(word)
    words.sort(key=lambda word: (word.box.left, word.box.as_list(), word.text))
    best = min(group, key=lambda piece: piece.key)
    whole = next((piece for piece in sorted(group, key=lambda p: p.key) if list(piece.line.words) == words), None)
    return whole or replace(best, line=_line(words), seams=(None,) * 4)


def _line(words: Sequence[Word]) -> Line:
    first, last = words[0].polygon, words[-1].polygon
    confidences = [word.confidence for word in words if word.confidence is not None]
    return Line(
        "",
        _text(words),
        Box.union(word.box for word in words),
        (first[0], last[1], last[2], first[3]),
        round(sum(confidences) / len(confidences), 4) if confidences else None,
        tuple(words),
    )


def _text(words: Sequence[Word]) -> str:
    text = words[0].text
    for word in words[1:]:
        both_cjk = _NO_SPACE.match(text[-1:]) and _NO_SPACE.match(word.text)
        text += word.text if both_cjk else " " + word.text
    return text
