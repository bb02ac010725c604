"""Text that a model wrote gets the boxes of words that are known: those of the embedded OCR or of a text layer.

Words that are the same are the anchors; between them characters are matched, so that a word read differently or
split elsewhere still gets its place. A written word with nothing under it may be invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docproc.document import Line, Word
from docproc.geometry import Box, Polygon


@dataclass(frozen=True, slots=True)
class Written:
    """A word as the model wrote it, and where it stands: parts of known words. `agreement` with them is 0-1."""

    text: str
    box: Box | None = None
    polygon: Polygon = ()
    known: tuple[Word, ...] = ()
    line_id: str = ""
    agreement: float = 0.0

    @property
    def invented(self) -> bool:
        """Whether nothing known stands where it should be."""
        return self.box is None


@dataclass(frozen=True, slots=True)
class Aligned:
    """Written words in the order of the text, and the known words that the model did not write."""

    words: tuple[Written, ...]
    missed: tuple[Word, ...]


def align(text: str, lines: Sequence[Line]) -> Aligned:
    """Return each word of `text` with the place of what it reads.

    The model may read across columns or down them; the order that agrees better is taken.
    """
    tokens = text.split()
    orders = [_units(lines), _units(_rows(lines))]
    chosen = max(orders, key=lambda units: fuzz.ratio(tokens, [unit.word.text for unit in units]))
    written: list[Written] = []
    hit: set[int] = set()
    for known, new in _blocks([unit.word.text for unit in chosen], tokens):
        for word, used in _block(chosen[known], tokens[new]):
            written.append(word)
            hit.update(id(unit) for unit in used)
    return Aligned(tuple(written), tuple(unit.word for unit in chosen if id(unit) not in hit))


def relined(aligned: Aligned, lines: Sequence[Line]) -> list[Line]:
    """Return the lines with the words that the model wrote in the places of theirs; the others stay away.

    The confidence of a word is its agreement with what was known there.
    """
    by_line: dict[str, list[Written]] = {}
    for word in aligned.words:
        if word.box is not None:
            by_line.setdefault(word.line_id, []).append(word)
    return [_relined(line, by_line[line.id]) for line in lines if line.id in by_line]


@dataclass(frozen=True, slots=True, eq=False)
class _Unit:
    """A known word and its line."""

    word: Word
    line_id: str


def _units(lines: Sequence[Line]) -> list[_Unit]:
    return [_Unit(word, line.id) for line in lines for word in line.words or (_whole(line),)]


def _whole(line: Line) -> Word:
    return Word(line.id, line.text, line.box, line.polygon, line.confidence)


def _rows(lines: Sequence[Line]) -> list[Line]:
    """Return the lines in raster order: row by row across the page, each from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box.center[1], line.box.left)):
        if rows and rows[-1][0].box.top <= line.box.center[1] <= rows[-1][0].box.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box.left)]


def _blocks(known: Sequence[str], new: Sequence[str]) -> Iterator[tuple[slice, slice]]:
    """Yield runs of known and new words that belong together: equal ones, or all between two equal runs."""
    start_known = start_new = 0
    for step in Levenshtein.opcodes(known, new):
        if step.tag != "equal":
            continue
        if (start_known, start_new) != (step.src_start, step.dest_start):
            yield slice(start_known, step.src_start), slice(start_new, step.dest_start)
        for offset in range(step.src_end - step.src_start):
            at, to = step.src_start + offset, step.dest_start + offset
            yield slice(at, at + 1), slice(to, to + 1)
        start_known, start_new = step.src_end, step.dest_end
    if start_known < len(known) or start_new < len(new):
        yield slice(start_known, len(known)), slice(start_new, len(new))


def _block(units: Sequence[_Unit], tokens: Sequence[str]) -> Iterator[tuple[Written, list[_Unit]]]:
    """Match the characters of written words to those of known ones."""
    known, new = "".join(unit.word.text for unit in units), "".join(tokens)
    owner = [(unit, place) for unit in units for place in range(len(unit.word.text))]
    partner: dict[int, int] = {}
    for step in Levenshtein.opcodes(known, new):
        partner.update(zip(range(step.dest_start, step.dest_end), range(step.src_start, step.src_end), strict=False))
    start = 0
    for token in tokens:
        places = [owner[partner[at]] for at in range(start, start + len(token)) if at in partner]
        start += len(token)
        yield _written(token, places)


def _written(token: str, places: Sequence[tuple[_Unit, int]]) -> tuple[Written, list[_Unit]]:
    if 2 * len(places) < len(token):
        return Written(token), []
    lines = [unit.line_id for unit, _ in places]
    line_id = max(dict.fromkeys(lines), key=lines.count)  # a word stands on one line
    chars: dict[_Unit, list[int]] = {}
    for unit, place in places:
        if unit.line_id == line_id:
            chars.setdefault(unit, []).append(place)
    parts = [_part(unit.word, min(at), max(at) + 1) for unit, at in chars.items()]
    box = Box.union(parts)
    words = tuple(unit.word for unit in chars)
    polygon = words[0].polygon if len(words) == 1 and box == words[0].box else box.corners
    read = "".join(unit.word.text[min(at) : max(at) + 1] for unit, at in chars.items())
    agreement = round(fuzz.ratio(token, read) / 100, 4)
    return Written(token, box, polygon, words, line_id, agreement), list(chars)


def _part(word: Word, start: int, end: int) -> Box:
    """Return the box of some characters of a word, as if all were equally wide."""
    share = word.box.width / max(len(word.text), 1)
    right = word.box.right if end >= len(word.text) else word.box.left + share * end
    return Box(
        word.box.left + share * start, word.box.top, max(right, word.box.left + share * start), word.box.bottom
    )


def _relined(line: Line, written: Sequence[Written]) -> Line:
    words = tuple(
        Word(f"{line.id}v{index}", word.text, word.box, word.polygon, word.agreement)
        for index, word in enumerate(written)
        if word.box is not None
    )
    sure = round(sum(word.agreement for word in written) / len(written), 4)
    return replace(line, text=" ".join(word.text for word in words), words=words, confidence=sure)
