"""What engines make of a page: confused letters, merged and lost words, other lines, regions that are wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin
from random import Random

from docproc.document import KeyValue, Label, Line, Page, Region, Table, Word
from docproc.geometry import Box, Point
from docproc.synth.asked import Asked
from docproc.synth.questions.data import words as listed

CONFUSED = dict(pair.split(">") for pair in listed("confused"))
"""Letters that are taken for others."""


@dataclass(slots=True)
class Seen:
    """A word as an engine sees it, and the words of the page that it comes from."""

    text: str
    box: Box
    confidence: float
    ids: tuple[str, ...]


Rows = list[list[Seen]]


def read_badly(page: Page, asked: Sequence[Asked], random: Random) -> tuple[Page, tuple[Asked, ...]]:
    """Return a page as an engine may read it, and the questions that it still answers.

    A question whose answer's words are all lost is left out; `answers` stay as printed.
    """
    errors = random.choice((0.0, 0.0, 0.01, 0.02, 0.05, 0.1))
    rows_of = _grouped(page, random)
    gap = random.choice((0.6, 1.0, 1.5, 2.5, 4.0))
    # Some engines lose many of the blanks between words, as in "TOTALRM12.50".
    joined = random.choice((0.0, 0.01, 0.03, 0.1, 0.25))
    regions = list[tuple[Label, Rows]]()
    for label, rows in rows_of:
        seen = [_words(part, errors, joined, random) for row in rows for part in _parted(row, gap)]
        if seen := [line for line in seen if line]:
            regions.append((label, seen))
    if not regions:
        return page, ()
    skew = random.choice((0.0, 0.0, random.gauss(0, 0.7)))
    read, now = _assembled(page, regions, skew, random)
    parts = dict[str, list[str]]()
    for word_id, word in now.items():
        for old in word.ids:
            parts.setdefault(old, []).append(word_id)
    keep = random.random() < 0.7
    tables = tuple(_table(table, page, now) for table in page.tables) if keep and page.tables else ()
    pairs = tuple(made for pair in page.key_values if (made := _pair(pair, parts, read)) is not None)
    tables = tuple(_placed(table, read) for table in tables)
    still = (_still(one, parts) for one in asked)
    return replace(read, tables=tables, key_values=pairs, skew=skew), tuple(one for one in still if one is not None)


def _grouped(page: Page, random: Random) -> list[tuple[Label, Rows]]:
    """Return the page's words in rows, region by region, as a layout engine may part them."""
    draw = random.random()
    blocks: list[tuple[Label, list[Word]]] = []
    for region in page.regions:
        words = [word for line_id in region.line_ids for word in page.lines_by_id[line_id].words]
        if words:
            blocks.append((region.label, words))
    if draw < 0.12 and blocks:
        whole = [word for _, inside in blocks for word in inside]
        blocks = [(random.choice(("text", "picture", "table", "text")), whole)]
    elif draw < 0.45:
        blocks = _joined(blocks, random)
    if draw > 0.8:
        blocks = [
            (
                random.choice(("text", "picture", "table", "section-header", "list-item", label))
                if random.random() < 0.4
                else label,
                words,
            )
            for label, words in blocks
        ]
    return [(label, _rows(words)) for label, words in blocks]


def _joined(blocks: Sequence[tuple[Label, list[Word]]], random: Random) -> list[tuple[Label, list[Word]]]:
    """Return the blocks with some taken together with the one before."""
    made: list[tuple[Label, list[Word]]] = []
    for label, words in blocks:
        if made and random.random() < 0.4:
            made[-1] = (made[-1][0], made[-1][1] + words)
        else:
            made.append((label, words))
    return made


def _rows(words: Sequence[Word]) -> Rows:
    """Return words in visual rows from top to bottom, each from left to right."""
    rows: list[tuple[float, float, list[Word]]] = []
    for word in sorted(words, key=lambda word: word.box.center[1]):
        middle, height = word.box.center[1], word.box.height
        if rows and abs(middle - rows[-1][0]) < 0.5 * min(height, rows[-1][1]):
            rows[-1][2].append(word)
        else:
            rows.append((middle, height, [word]))
    return [
        [Seen(word.text, word.box, 1.0, (word.id,)) for word in sorted(row, key=lambda word: word.box.left)]
        for _, _, row in rows
    ]


def _parted(row: Sequence[Seen], gap: float) -> Rows:
    """Return a row parted where a gap is wider than `gap` times the height of the words."""
    parts: Rows = []
    for word in row:
        if parts and word.box.left - parts[-1][-1].box.right <= gap * word.box.height:
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _words(line: Sequence[Seen], errors: float, joined: float, random: Random) -> list[Seen]:
    """Return the words of a line as they are read: confused, merged, split or lost."""
    made = list[Seen]()
    for word in line:
        if errors and random.random() < errors * 0.25:
            continue
        one = _confused(word, errors, random) if errors else word
        if made and word.box.left - made[-1].box.right < 0.6 * word.box.height and random.random() < joined:
            before = made[-1]
            made[-1] = Seen(
                before.text + one.text,
                Box.union((before.box, one.box)),
                min(before.confidence, one.confidence, random.uniform(0.5, 0.98)),
                before.ids + one.ids,
            )
        elif len(one.text) > 3 and random.random() < errors * 0.25:
            at = random.randrange(1, len(one.text))
            middle = one.box.left + one.box.width * at / len(one.text)
            made.append(Seen(one.text[:at], replace(one.box, right=middle), one.confidence, one.ids))
            made.append(Seen(one.text[at:], replace(one.box, left=middle), one.confidence, one.ids))
        else:
            made.append(one)
    return made


def _confused(word: Seen, errors: float, random: Random) -> Seen:
    """Return the word with letters taken for others, each with a chance that makes about `errors` of them wrong."""
    if random.random() > min(errors * 4, 0.5):
        return Seen(word.text, word.box, random.uniform(0.9, 1.0), word.ids)
    text = word.text
    if random.random() < 0.25:
        text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    for _ in range(1 + (random.random() < 0.25)):
        at = random.randrange(len(text)) if text else 0
        for length in (2, 1):
            if (part := text[at : at + length]) in CONFUSED and len(text) > 1:
                text = text[:at] + CONFUSED[part] + text[at + length :]
                break
    if random.random() < 0.08:
        text = text.swapcase()
    return Seen(text or word.text, word.box, random.uniform(0.35, 0.95), word.ids)


def _assembled(
    page: Page, regions: Sequence[tuple[Label, Rows]], skew: float, random: Random
) -> tuple[Page, Mapping[str, Seen]]:
    """Return the page with its words in their new lines and regions, and which word is which."""
    shake = random.choice((0.0, 0.3, 0.8))
    whole = Box(0, 0, page.width, page.height)
    c, s = cos(radians(skew)), sin(radians(skew))
    x0, y0 = whole.center

    def moved(point: Point) -> Point:
        x, y = point[0] - x0, point[1] - y0
        return x0 + c * x - s * y, y0 + s * x + c * y

    lines, made, now = list[Line](), list[Region](), dict[str, Seen]()
    for order, (label, rows) in enumerate(regions):
        first = len(lines)
        for row in rows:
            words = list[Word]()
            for seen in row:
                box = _shaken(seen.box, shake, random)
                corners = tuple(map(moved, box.corners)) if skew else box.corners
                word = Word(
                    f"w{len(now) + 1}",
                    seen.text,
                    (Box.around(corners) if skew else box).clipped(whole),
                    corners,
                    seen.confidence,
                )
                now[word.id] = seen
                words.append(word)
            box = Box.union(word.box for word in words)
            text = " ".join(word.text for word in words)
            least = min(word.confidence or 0.0 for word in words)
            corners = (words[0].polygon[0], words[-1].polygon[1], words[-1].polygon[2], words[0].polygon[3])
            lines.append(Line(f"l{len(lines) + 1}", text, box, corners, least, tuple(words)))
        own = lines[first:]
        made.append(
            Region(
                f"r{order + 1}",
                label,
                Box.union(line.box for line in own),
                order,
                1.0,
                tuple(line.id for line in own),
            )
        )
    return Page(
        page.number, page.width, page.height, drawn_by=page.drawn_by, lines=tuple(lines), regions=tuple(made)
    ), now


def _shaken(box: Box, by: float, random: Random) -> Box:
    if not by:
        return box
    left, top = box.left + random.gauss(0, by), box.top + random.gauss(0, by)
    return Box(
        left, top, max(box.right + random.gauss(0, by), left + 0.5), max(box.bottom + random.gauss(0, by), top + 0.5)
    )


def _table(table: Table, page: Page, now: Mapping[str, Seen]) -> Table:
    """Return a table with its cells' text as it was read."""
    region = next(region for region in page.regions if region.id == table.region_id)
    owner = dict[str, int]()
    for line_id in region.line_ids:
        line = page.lines_by_id[line_id]
        for index, cell in enumerate(table.cells):
            if cell.box.contains(line.box.center):
                owner |= {word.id: index for word in line.words}
                break
    texts: list[list[str]] = [[] for _ in table.cells]
    for seen in now.values():
        place = owner.get(seen.ids[0])
        if place is not None:
            texts[place].append(seen.text)
    cells = tuple(replace(cell, text=" ".join(text)) for cell, text in zip(table.cells, texts, strict=True))
    return replace(table, cells=tuple(cell for cell in cells if cell.text))


def _placed(table: Table, read: Page) -> Table:
    """Return a table with the region that covers most of it."""
    best = max(read.regions, key=lambda region: region.box.overlap(table.box))
    return replace(table, region_id=best.id)


def _pair(pair: KeyValue, parts: Mapping[str, list[str]], read: Page) -> KeyValue | None:
    """Return a label-value pair of the words that are left; None when its label is lost."""
    words = {word.id: word for line in read.lines for word in line.words}
    keys = _left(pair.key_word_ids, parts)
    values = _left(pair.value_word_ids, parts)
    if not keys or (pair.value_word_ids and not values):
        return None
    return replace(
        pair,
        key=" ".join(words[one].text for one in keys).strip(" :."),
        value=" ".join(words[one].text for one in values),
        key_box=Box.union(words[one].box for one in keys),
        value_box=Box.union(words[one].box for one in values) if values else pair.value_box,
        key_word_ids=keys,
        value_word_ids=values,
    )


def _left(ids: Sequence[str], parts: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the new ids of words, in order, each once."""
    return tuple(dict.fromkeys(new for old in ids for new in parts.get(old, ())))


def _still(one: Asked, parts: Mapping[str, list[str]]) -> Asked | None:
    """Return a question with its words as they are now; None when they are lost."""
    if not one.word_ids:
        return one
    ids = _left(one.word_ids, parts)
    return replace(one, word_ids=ids) if ids else None


__all__ = ["read_badly"]
