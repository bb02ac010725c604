"""Changes a page's lines and keeps what hangs on them right: regions, their order, cells of tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from docproc.corrections.typeset import joined
from docproc.document import Cell, Line, Page, Region, Table, Word
from docproc.geometry import Box
from docproc.order import reading_order


def swap_lines(page: Page, old: Sequence[Line], new: Sequence[Line]) -> Page:
    """Return the page with `new` where the first of `old` stood; a region that loses its last line goes too."""
    changed = replace(
        page,
        lines=tuple(_swapped(page.lines, old, new)),
        regions=tuple(_regions(page, old, new)),
    )
    return replace(changed, tables=tuple(_cells_follow(page, changed, table, [*old, *new]) for table in page.tables))


def insert_line(page: Page, line: Line, region: Region, place: int) -> Page:
    """Return the page with a new line at `place` in one of its regions."""
    ids = (*region.line_ids[:place], line.id, *region.line_ids[place:])
    grown = replace(region, box=Box.union((region.box, line.box)), line_ids=ids)
    regions = tuple(grown if one.id == region.id else one for one in page.regions)
    changed = in_reading_order(replace(page, lines=(*page.lines, line), regions=regions))
    return replace(changed, tables=tuple(_cells_follow(page, changed, table, [line]) for table in page.tables))


def in_reading_order(page: Page) -> Page:
    """Return the page with its lines in the order of its regions; lines in none come last."""
    place = {line_id: index for index, line_id in enumerate(one for r in page.regions for one in r.line_ids)}
    return replace(page, lines=tuple(sorted(page.lines, key=lambda line: place.get(line.id, len(place)))))


def with_region(page: Page, region: Region) -> Page:
    """Put a new region after the one that would be read before it; the order of the others is kept."""
    ordered = reading_order([*page.regions, region], Box(0, 0, page.width, page.height))
    before = {second.id: first for first, second in pairwise(ordered)}.get(region.id)
    place = page.regions.index(before) + 1 if before else 0
    return replace(page, regions=(*page.regions[:place], region, *page.regions[place:]))


def region_of(page: Page, line: Line) -> Region | None:
    """Return the region that a line is in."""
    return next((region for region in page.regions if line.id in region.line_ids), None)


def _swapped(lines: Iterable[Line], old: Sequence[Line], new: Sequence[Line]) -> Iterable[Line]:
    gone = {line.id for line in old}
    for line in lines:
        if line.id == old[0].id:
            yield from new
        elif line.id not in gone:
            yield line


def _regions(page: Page, old: Sequence[Line], new: Sequence[Line]) -> Iterable[Region]:
    gone, coming = {line.id for line in old}, [line.id for line in new]
    for region in page.regions:
        if gone.isdisjoint(region.line_ids):
            yield region
            continue
        ids = [
            one
            for line_id in region.line_ids
            for one in (coming if line_id == old[0].id else [] if line_id in gone else [line_id])
        ]
        inside = [line.box for line in new if line.id in ids]
        if ids or region.label in ("picture", "table") or page.table_of(region):
            yield replace(region, line_ids=tuple(ids), box=Box.union([region.box, *inside]))


def _cells_follow(before: Page, after: Page, table: Table, lines: Sequence[Line]) -> Table:
    """Return the table with the cells anew that said what their words said, now that these lines have changed.

    A cell whose text a person has typed says something else than its words and stays.
    """
    touched = [word.box.center for line in lines for word in line.words]
    cells = [
        _follow(cell, _words(before, cell), _words(after, cell)) if any(map(cell.box.contains, touched)) else cell
        for cell in table.cells
    ]
    return replace(table, cells=tuple(cells))


def _follow(cell: Cell, old: Sequence[Word], new: Sequence[Word]) -> Cell:
    said = "".join(word.text for word in old)
    if old == new or "".join(cell.text.split()) != "".join(said.split()):
        return cell
    return replace(cell, text=joined([word.text for word in new]))


def _words(page: Page, cell: Cell) -> list[Word]:
    return [word for line in page.lines for word in line.words if cell.box.contains(word.box.center)]
