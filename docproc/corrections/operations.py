"""The operations: each takes a page and what is asked, and returns the page with it done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

from docproc.corrections.ask import Ask
from docproc.corrections.layout import delete_region, draw_region, grid, label_of, resize_region
from docproc.corrections.surgery import in_reading_order, insert_line, region_of, swap_lines, with_region
from docproc.corrections.typeset import around, cut, joined, laid_out, place_among, respelled, retyped, with_words
from docproc.document import Cell, Line, Page, Region, Word
from docproc.errors import Rejected
from docproc.geometry import Box


def replace_text(page: Page, ask: Ask) -> Page:
    """Say what a word or a line really says; a word may turn out to be several."""
    thing = ask.word_or_line("id")
    text = ask.text()
    if isinstance(thing, Line):
        return swap_lines(page, [thing], [retyped(thing, text, _new_words(ask))])
    return _swap_words(page, [thing], respelled([thing], text.split(), _new_words(ask)))


def split(page: Page, ask: Ask) -> Page:
    """Make two words of one, or two lines of one."""
    thing = ask.word_or_line("id")
    if isinstance(thing, Line):
        return _split_line(page, ask, thing)
    if len(thing.text) < 2:
        raise Rejected("the word has a single letter.")
    at = ask.count("at", below=len(thing.text))
    parts = []
    for number, (start, end) in enumerate(((0, at), (at, len(thing.text))), 1):
        polygon = cut(thing.polygon, start / len(thing.text), end / len(thing.text), thing.text)
        parts.append(Word(ask.new_id("w", number), thing.text[start:end], Box.around(polygon), polygon, 1.0))
    return _swap_words(page, [thing], parts)


def merge(page: Page, ask: Ask) -> Page:
    """Make one word of neighbouring words, or one line of lines."""
    parts: list[Word | Line] = ask.several("ids", Word, Line)
    words = [part for part in parts if isinstance(part, Word)]
    lines = [part for part in parts if isinstance(part, Line)]
    if words and lines:
        raise Rejected("words and lines cannot be merged with each other.")
    return _merge_words(page, ask, words) if words else _merge_lines(page, ask, lines)


def add(page: Page, ask: Ask) -> Page:
    """Add a word to a line, or a line to the page."""
    return _add_word(page, ask) if ask.has("line") else _add_line(page, ask)


def delete(page: Page, ask: Ask) -> Page:
    """Take away a word, a line or a region that is not there."""
    if ask.is_region("id"):
        return delete_region(page, ask.thing("id", Region))
    thing = ask.word_or_line("id")
    return swap_lines(page, [thing], []) if isinstance(thing, Line) else _swap_words(page, [thing], [])


def label(page: Page, ask: Ask) -> Page:
    """Say what a region is."""
    region = ask.thing("id", Region)
    changed = replace(region, label=label_of(ask), confidence=1.0)
    return replace(page, regions=tuple(changed if one.id == region.id else one for one in page.regions))


def order(page: Page, ask: Ask) -> Page:
    """Read a region after another one, or first of all."""
    region = ask.thing("id", Region)
    if not ask.says("after"):
        raise Rejected("`after` is missing.", hint="Name the region that comes before it, or null to make it first.")
    before = ask.thing("after", Region) if ask.has("after") else None
    if before == region:
        raise Rejected("a region cannot come after itself.")
    others = [one for one in page.regions if one.id != region.id]
    place = others.index(before) + 1 if before else 0
    return in_reading_order(replace(page, regions=(*others[:place], region, *others[place:])))


def cell(page: Page, ask: Ask) -> Page:
    """Say what a cell of a table says; its words are left as they are."""
    wanted, text = ask.thing("id", Cell), ask.text(may_be_empty=True)
    changed = replace(wanted, text=text)
    tables = (
        replace(table, cells=tuple(changed if one.id == wanted.id else one for one in table.cells))
        for table in page.tables
    )
    return replace(page, tables=tuple(tables))


OPERATIONS: dict[str, Callable[[Page, Ask], Page]] = {
    "replace": replace_text,
    "split": split,
    "merge": merge,
    "add": add,
    "delete": delete,
    "label": label,
    "order": order,
    "cell": cell,
    "region": draw_region,
    "resize": resize_region,
    "grid": grid,
}
"""Name -> operation."""


def _new_words(ask: Ask) -> Iterator[str]:
    return (ask.new_id("w", number) for number in count(1))


def _line_of(page: Page, word: Word) -> Line:
    return next(line for line in page.lines if word in line.words)


def _swap_words(page: Page, old: list[Word], new: list[Word]) -> Page:
    """Put `new` where neighbouring words of one line stood; a line that loses its last word goes too."""
    line = _line_of(page, old[0])
    at = line.words.index(old[0])
    words = [*line.words[:at], *new, *line.words[at + len(old) :]]
    changed = [with_words(line, words, moved=not new)] if words else []
    return swap_lines(page, [line], changed)


def _split_line(page: Page, ask: Ask, line: Line) -> Page:
    if len(line.words) < 2:
        raise Rejected("the line has no two words.", hint="Split its word first.")
    at = ask.count("at", below=len(line.words))
    halves = (line.words[:at], line.words[at:])
    lines = [
        replace(with_words(line, words, moved=True), id=ask.new_id("l", number))
        for number, words in enumerate(halves, 1)
    ]
    return swap_lines(page, [line], lines)


def _merge_words(page: Page, ask: Ask, words: list[Word]) -> Page:
    line = _line_of(page, words[0])
    at = line.words.index(words[0])
    if list(line.words[at : at + len(words)]) != words:
        raise Rejected("these words are no neighbours in one line.", hint="Name them in order; merge lines first.")
    text = "".join(word.text for word in words)
    return _swap_words(page, words, laid_out([text], around(words), _new_words(ask)))


def _merge_lines(page: Page, ask: Ask, lines: list[Line]) -> Page:
    words = [word for line in lines for word in line.words]
    whole = replace(lines[0], id=ask.new_id("l"), text=joined([line.text for line in lines]))
    if all(line.words for line in lines):
        whole = replace(with_words(whole, words, moved=True), text=whole.text)
    else:
        box = Box.union(line.box for line in lines)
        whole = replace(whole, box=box, polygon=box.corners, words=())
    return swap_lines(page, lines, [whole])


def _add_word(page: Page, ask: Ask) -> Page:
    line, box, texts = ask.thing("line", Line), ask.box(), ask.text().split()
    if not line.words:
        raise Rejected("the line has no words to stand between.", hint="Replace the text of the line.")
    at = place_among(line.words, box)
    if ask.says("after"):
        before = ask.thing("after", Word) if ask.has("after") else None
        if before and before not in line.words:
            raise Rejected("`after` names a word of another line.")
        at = line.words.index(before) + 1 if before else 0
    words = [*line.words[:at], *laid_out(texts, box.corners, _new_words(ask)), *line.words[at:]]
    return swap_lines(page, [line], [with_words(line, words, moved=True)])


def _add_line(page: Page, ask: Ask) -> Page:
    box, texts = ask.box(), ask.text().split()
    words = laid_out(texts, box.corners, _new_words(ask))
    line = Line(ask.new_id("l"), " ".join(texts), box, box.corners, 1.0, tuple(words))
    before = ask.thing("after", Line) if ask.has("after") else None
    region = ask.thing("region", Region) if ask.has("region") else before and region_of(page, before)
    region = region or next((one for one in page.regions if box.share_inside(one.box) > 0.5), None)
    if region is None:
        region = Region(ask.new_id("r"), "text", box, 0, 1.0)
        page = with_region(page, region)
    if before and before.id not in region.line_ids:
        raise Rejected("`after` names a line of another region.")
    return insert_line(page, line, region, _place_in(page, ask, region, before, box))


def _place_in(page: Page, ask: Ask, region: Region, before: Line | None, box: Box) -> int:
    if before:
        return region.line_ids.index(before.id) + 1
    if ask.says("after"):
        return 0
    lines = [page.lines_by_id[one].box for one in region.line_ids]
    return sum(one.center[1] < box.center[1] for one in lines)
