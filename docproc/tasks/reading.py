"""A page read by a vision model: its text in the places of words that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace

from docproc.document import Line, Page, Word
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks.align import Aligned, Written, align, relined
from docproc.tasks.asking import Ask
from docproc.tasks.pages import Model, find


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model read. `invented` are words with nothing under them, with the part of the page they are said of.

    `missed` are known words that it did not write; in `unfinished` views it had more to write than it could.
    """

    lines: tuple[Line, ...]
    invented: tuple[tuple[str, Box], ...]
    missed: tuple[Word, ...]
    unfinished: int = 0


def read(model: Model, page: Page, image: PageImage) -> Reading:
    """Return the text that the model reads on a page, in the lines of `page`, which the embedded engine found.

    Tiles overlap, so each known word is taken from the one view that shows most of it. Raises what `find` does.
    """
    sheet = Box(0, 0, page.width, page.height)
    found = find(model, Ask(task="ocr"), image, number=page.number, page=sheet)
    views = [view.box.clipped(sheet.clipped(image.box)) for view in found.views]
    texts = {finding.box: finding.text for finding in found.findings}
    written: list[Written] = []
    invented: list[tuple[str, Box]] = []
    for index, box in enumerate(views):
        aligned = align(texts.get(box, ""), _inside(page, box))
        invented.extend((word.text, box) for word in aligned.words if word.invented)
        written.extend(word for word in aligned.words if word.known and _best(word.known[0], views) == index)
    places = {word: place for place, word in enumerate(word for line in page.lines for word in _words(line))}
    written.sort(key=lambda word: places[word.known[0]])
    lines = relined(Aligned(tuple(written), ()), page.lines)
    missed = places.keys() - {known for word in written for known in word.known}
    return Reading(tuple(lines), tuple(invented), tuple(sorted(missed, key=places.__getitem__)), found.unfinished)


def _words(line: Line) -> tuple[Word, ...]:
    return line.words or (Word(line.id, line.text, line.box, line.polygon, line.confidence),)


def _inside(page: Page, box: Box) -> list[Line]:
    """Return the lines with the words of which anything can be seen in `box`."""
    lines = []
    for line in page.lines:
        words = tuple(word for word in _words(line) if word.box.share_inside(box) > 0)
        if words:
            lines.append(replace(line, words=words))
    return lines


def _best(word: Word, views: list[Box]) -> int:
    """Return which view shows most of a word."""
    return max(range(len(views)), key=lambda index: (word.box.share_inside(views[index]), -index))
