"""Operations on the layout: regions drawn, resized and taken away, and the grid of a table.

Every line stays in exactly one region. What stands inside a box that a person draws belongs to it; lines that it
leaves behind go to the smallest region they lie in, else into a new text region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from docproc.blocks import rows_of
from docproc.corrections.ask import Ask, Place
from docproc.corrections.surgery import in_reading_order, with_region
from docproc.corrections.typeset import joined
from docproc.document import Cell, Label, Line, Page, Region, Table, Word
from docproc.errors import Rejected
from docproc.geometry import Box

INSIDE = 0.5
"""A line stands in a region when more than this share of its box lies there."""


def label_of(ask: Ask) -> Label:
    """Return the `label` of the operation; raise Rejected where there is no such label."""
    wanted = ask.correction.operation.get("label")
    for known in get_args(Label):
        if wanted == known:
            found: Label = known
            return found
    raise Rejected(f"there is no label {wanted!r:.40}.", hint=f"There are {', '.join(get_args(Label))}.")


def draw_region(page: Page, ask: Ask) -> Page:
    """Add a region that nobody found; the lines inside it are its own from then on."""
    region = Region(ask.new_id("r"), label_of(ask), ask.box(), 0, 1.0)
    if ask.says("after"):
        before = ask.thing("after", Region) if ask.has("after") else None
        place = page.regions.index(before) + 1 if before else 0
        page = replace(page, regions=(*page.regions[:place], region, *page.regions[place:]))
    else:
        page = with_region(page, region)
    return _taking(page, region)


def resize_region(page: Page, ask: Ask) -> Page:
    """Give a region another box."""
    region, box = ask.thing("id", Region), ask.box()
    left = [one for one in region.line_ids if page.lines_by_id[one].box.share_inside(box) <= INSIDE]
    kept = tuple(one for one in region.line_ids if one not in left)
    changed = replace(region, box=box, line_ids=kept, confidence=1.0)
    page = replace(page, regions=tuple(changed if one.id == region.id else one for one in page.regions))
    page = _taking(page, changed)
    return _settled(page, left, ask) if left else page


def delete_region(page: Page, region: Region) -> Page:
    """Take away a region that is none, and the table in it; its lines go to regions that they lie in as well."""
    rest = tuple(one for one in page.regions if one.id != region.id)
    tables = tuple(one for one in page.tables if one.region_id != region.id)
    freed = [page.lines_by_id[one] for one in region.line_ids]
    page = replace(page, regions=rest, tables=tables)
    for line in freed:
        home = _home(page, line)
        if home is None:
            raise Rejected(
                "its lines would stand in no region.",
                hint="Draw another region around them first, change its kind, or delete its lines.",
            )
        page = _with_lines(page, home, [*home.line_ids, line.id])
    return in_reading_order(page)


def grid(page: Page, ask: Ask) -> Page:
    """Say where rows and columns of a table run and which cells span several; makes the table where there is none.

    A cell says what the cells it is made of said, when it holds just their words; else what its words say.
    """
    region = ask.thing("id", Region)
    rows, columns = ask.edges("rows"), ask.edges("columns")
    old = page.table_of(region)
    was = old.cells if old else ()
    cells = tuple(
        _cell(page, was, place, _box(rows, columns, place), ask.new_id("c", number))
        for number, place in enumerate(ask.places(len(rows) - 1, len(columns) - 1), 1)
    )
    box = Box(columns[0], rows[0], columns[-1], rows[-1])
    table = Table(ask.new_id("t"), box, len(rows) - 1, len(columns) - 1, cells, region.id)
    changed = replace(region, label="table", confidence=1.0)
    regions = tuple(changed if one.id == region.id else one for one in page.regions)
    others = tuple(one for one in page.tables if old is None or one.id != old.id)
    return replace(page, regions=regions, tables=tuple(sorted((*others, table), key=lambda one: one.box)))


def _box(rows: Sequence[float], columns: Sequence[float], place: Place) -> Box:
    return Box(
        columns[place.column],
        rows[place.row],
        columns[place.column + place.column_span],
        rows[place.row + place.row_span],
    )


def _cell(page: Page, old: Sequence[Cell], place: Place, box: Box, name: str) -> Cell:
    parts = sorted((one for one in old if box.contains(one.box.center)), key=lambda one: (one.row, one.column))
    words = words_in(page, box)
    text = place.text
    if text is None and {one.id for part in parts for one in words_in(page, part.box)} == {one.id for one in words}:
        text = joined([one.text for one in parts if one.text])
    if text is None:
        text = joined([one.text for one in words])
    header = any(one.header for one in parts) if place.header is None else place.header
    return Cell(name, place.row, place.column, place.row_span, place.column_span, text, box, header)


def words_in(page: Page, box: Box) -> list[Word]:
    """Return the words whose middle lies in a box, in reading order."""
    return [word for line in page.lines for word in line.words if box.contains(word.box.center)]


def _taking(page: Page, region: Region) -> Page:
    """Return the page with every line inside the region among its lines, and in no other region."""
    mine = [line for line in page.lines if line.id in region.line_ids or _inside(line, region)]
    names = {line.id for line in mine}
    regions = []
    for one in page.regions:
        ids = tuple(name for name in one.line_ids if name not in names)
        lost = len(ids) < len(one.line_ids) and not ids
        if one.id == region.id:
            regions.append(replace(region, line_ids=_in_order(mine)))
        elif not lost or one.label in ("picture", "table"):
            regions.append(replace(one, line_ids=ids))
    return in_reading_order(replace(page, regions=tuple(regions)))


def _settled(page: Page, names: Sequence[str], ask: Ask) -> Page:
    """Return the page with lines that lost their region in others, or in a new one."""
    alone = []
    for line in (page.lines_by_id[name] for name in names):
        home = _home(page, line)
        if home is None:
            alone.append(line)
        else:
            page = _with_lines(page, home, [*home.line_ids, line.id])
    if alone:
        box = Box.union(line.box for line in alone)
        page = with_region(page, Region(ask.new_id("r"), "text", box, 0, 1.0, _in_order(alone)))
    return in_reading_order(page)


def _home(page: Page, line: Line) -> Region | None:
    return min((one for one in page.regions if _inside(line, one)), key=lambda one: one.box.area, default=None)


def _inside(line: Line, region: Region) -> bool:
    return line.box.share_inside(region.box) > INSIDE


def _with_lines(page: Page, region: Region, names: Sequence[str]) -> Page:
    changed = replace(region, line_ids=_in_order([page.lines_by_id[name] for name in names]))
    return replace(page, regions=tuple(changed if one.id == region.id else one for one in page.regions))


def _in_order(lines: Sequence[Line]) -> tuple[str, ...]:
    rows = rows_of([line.box for line in lines])
    return tuple(lines[index].id for row in rows for index in row)
