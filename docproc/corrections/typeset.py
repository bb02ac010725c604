"""Words into lines: where a word of a person lies, and what a line says once its words have changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from statistics import fmean

from docproc.document import Line, Word
from docproc.geometry import Box, Point, Polygon

_UNSPACED = re.compile(r"[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")
"""Scripts that are printed without spaces between words."""


def with_words(line: Line, words: Sequence[Word], *, moved: bool = False) -> Line:
    """Return the line with these words: its text anew, spaced as it was; its box too when `moved`."""
    gaps, text = _gaps(line), ""
    for word in words:
        text += (gaps.get(word.id, _gap(text, word.text)) if text else "") + word.text
    polygon = around(words) if moved else line.polygon
    box = Box.union([Box.around(polygon), *(word.box for word in words)]) if moved else line.box
    return replace(line, text=text, box=box, polygon=polygon, confidence=_confidence(words), words=tuple(words))


def retyped(line: Line, text: str, new_ids: Iterator[str]) -> Line:
    """Return the line as a person typed it, all of it certain; words that stay keep their id and place."""
    tokens = text.split()
    if not line.words:
        return replace(line, text=" ".join(tokens), confidence=1.0)
    clusters = _clusters(line)
    old = ["".join(word.text for word in cluster) for cluster in clusters]
    words: list[Word] = []
    for _, start, end, first, last in SequenceMatcher(None, old, tokens, autojunk=False).get_opcodes():
        here = [word for cluster in clusters[start:end] for word in cluster]
        if old[start:end] == tokens[first:last]:
            words += here
        elif here:
            words += respelled(here, tokens[first:last], new_ids)
        else:
            after = next((word for cluster in clusters[end:] for word in cluster), None)
            room = _between(words[-1] if words else None, after)
            words += laid_out(tokens[first:last], room, new_ids)
    words = [replace(word, confidence=1.0) for word in words]
    return replace(line, text=" ".join(tokens), confidence=1.0, words=tuple(words))


def respelled(words: Sequence[Word], texts: Sequence[str], new_ids: Iterator[str]) -> list[Word]:
    """Return these texts in the place of neighbouring words; one for one they keep ids and places."""
    if len(words) == len(texts):
        return [replace(word, text=text, confidence=1.0) for word, text in zip(words, texts, strict=True)]
    return laid_out(texts, words[0].polygon if len(words) == 1 else around(words), new_ids)


def laid_out(texts: Sequence[str], polygon: Polygon, new_ids: Iterator[str]) -> list[Word]:
    """Return certain words with these texts side by side in a polygon, each as wide as it is long."""
    if not texts:
        return []
    whole = sum(len(text) + 1 for text in texts) - 1
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    words = []
    for text, start in zip(texts, starts, strict=False):
        part = cut(polygon, start / whole, (start + len(text)) / whole, "".join(texts))
        words.append(Word(next(new_ids), text, Box.around(part), part, 1.0))
    return words


def cut(polygon: Polygon, start: float, end: float, text: str) -> Polygon:
    """Return the part of a quad from the share `start` to `end` of its `text`, in reading direction."""
    if len(polygon) != 4:
        polygon = Box.around(polygon).corners
    if any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        start, end = 1 - end, 1 - start
    a, b, c, d = polygon
    if len(text) > 1 and _far(a, d) > 2 * _far(a, b):  # set from top to bottom
        return (_between_points(a, d, start), _between_points(b, c, start),
                _between_points(b, c, end), _between_points(a, d, end))  # fmt: skip
    return (_between_points(a, b, start), _between_points(a, b, end),
            _between_points(d, c, end), _between_points(d, c, start))  # fmt: skip


def around(words: Sequence[Word]) -> Polygon:
    """Return the quad from the first word to the last, sloped as they are; their box where they are no quads."""
    first, last = words[0].polygon, words[-1].polygon
    if len(first) != 4 or len(last) != 4:
        return Box.union(word.box for word in words).corners
    (ax, ay), (bx, by) = words[0].box.center, words[-1].box.center
    along = (first[1][0] - first[0][0]) * (bx - ax) + (first[1][1] - first[0][1]) * (by - ay)
    if along < 0:
        first, last = last, first
    return first[0], last[1], last[2], first[3]


def joined(texts: Sequence[str]) -> str:
    """Return texts as they are printed one after the other."""
    whole = ""
    for text in texts:
        whole += _gap(whole, text) + text if whole else text
    return whole


def place_among(words: Sequence[Word], box: Box) -> int:
    """Return how many of the words come before one that stands in `box`."""
    if not words:
        return 0
    backwards = words[0].box.center[0] > words[-1].box.center[0]
    return sum((word.box.center[0] < box.center[0]) != backwards for word in words)


def _gaps(line: Line) -> dict[str, str]:
    """Return what stands before each word but the first; nothing where the line's text is not its words."""
    at, gaps = 0, {}
    for word in line.words:
        start = line.text.find(word.text, at)
        if start < 0 or line.text[at:start].strip():
            return {}
        if word is not line.words[0]:
            gaps[word.id] = line.text[at:start]
        at = start + len(word.text)
    return gaps


def _gap(before: str, after: str) -> str:
    return "" if _UNSPACED.match(before[-1:]) and _UNSPACED.match(after) else " "


def _clusters(line: Line) -> list[list[Word]]:
    """Return the words in groups that have nothing between them."""
    gaps, clusters = _gaps(line), [[line.words[0]]]
    for before, word in pairwise(line.words):
        if gaps.get(word.id, _gap(before.text, word.text)):
            clusters.append([])
        clusters[-1].append(word)
    return clusters


def _confidence(words: Sequence[Word]) -> float | None:
    known = [word.confidence for word in words if word.confidence is not None]
    return fmean(known) if known else None


def _between(before: Word | None, after: Word | None) -> Polygon:
    """Return the room between two neighbours, which may be next to nothing."""
    if before is None or after is None:
        one = after or before
        assert one is not None  # noqa: S101  (a line that is typed anew has words)
        return cut(one.polygon, 0.0, 0.1, one.text) if before is None else cut(one.polygon, 0.9, 1.0, one.text)
    if len(before.polygon) != 4 or len(after.polygon) != 4:
        return Box.union((before.box, after.box)).corners
    return before.polygon[1], after.polygon[0], after.polygon[3], before.polygon[2]


def _between_points(a: Point, b: Point, share: float) -> Point:
    return round(a[0] + (b[0] - a[0]) * share, 2), round(a[1] + (b[1] - a[1]) * share, 2)


def _far(a: Point, b: Point) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)
