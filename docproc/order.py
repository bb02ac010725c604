"""Reading order: regions into the order a person reads them, and every line into exactly one region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from docproc.blocks import group_lines, rows_of
from docproc.document import Line, Region, Table
from docproc.geometry import Box

SLACK = 0.004
"""Boxes may run into each other by this share of the page's longer side and still be cut apart."""

GUTTER = 0.008
"""White space between columns is at least this share of the longer side: 7 points on A4, less than one letter and
a half. A heading over two columns may by chance begin where the first line under it ends."""

FLAT, NARROW = 0.03, 0.25
"""A row of short things is no higher, and its first no wider, than these shares of the longer side."""

_FIRST, _BODY, _NOTES, _LAST = range(4)
_PLACE = {"page-header": _FIRST, "footnote": _NOTES, "page-footer": _LAST}

Reading = tuple[list[Line], list[Region], list[Table]]


def reading_order(regions: Sequence[Region], page_box: Box) -> list[Region]:
    """Return the regions in reading order: a permutation of its input.

    Page headers come first, then the body column by column, footnotes, and page footers last. A caption
    stays beside its picture or table. The body is cut recursively at white space (XY-cut, Nagy and Seth
    1984), where bands that share a gutter are read as columns, so that white space that two columns have at
    the same height by chance does not interleave them. Moving or scaling the page changes nothing.
    """
    size = max(page_box.width, page_box.height)
    ordered = sorted(regions, key=lambda one: (one.box, one.label, one.id))
    result: list[Region] = []
    for place in (_FIRST, _BODY, _NOTES, _LAST):
        here = [one for one in ordered if _PLACE.get(one.label, _BODY) == place]
        units = _with_captions(here)
        boxes = [Box.union(one.box for one in unit) for unit in units]
        result += [one for index in order_boxes(boxes, size) for one in units[index]]
    return result


def order_boxes(boxes: Sequence[Box], size: float) -> list[int]:
    """Return the indices of the boxes in reading order; `size` is the longer side of the page, in points."""
    return _cut(boxes, list(range(len(boxes))), size)


def assemble(
    lines: Sequence[Line], regions: Sequence[Region], tables: Sequence[Table], *, number: int, page_box: Box
) -> Reading:
    """Put lines, regions and tables of page `number` together, in reading order, with their final ids.

    Every line goes to exactly one region; those that lie in none are grouped into new `text` regions, and
    regions other than pictures and tables that got no line are dropped. Ids come from the reading order:
    `p1-l1` lines, `p1-l1-w1` words, `p1-r1` regions, `p1-t1` tables, `p1-t1-c1` cells.
    """
    homes = _homes(lines, regions)
    filled: list[tuple[Region, list[Line]]] = [
        (region, [line for line, home in zip(lines, homes, strict=True) if home == index])
        for index, region in enumerate(regions)
    ]
    filled = [one for one in filled if one[1] or one[0].label in ("picture", "table")]
    filled += _orphans([line for line, home in zip(lines, homes, strict=True) if home is None])
    # The engine's ids may be empty or repeated, so regions are told apart by their place here.
    keyed = [replace(region, id=str(index)) for index, (region, _) in enumerate(filled)]
    new_lines: list[Line] = []
    new_regions: list[Region] = []
    new_ids: dict[str, str] = {}
    for order, keyed_region in enumerate(reading_order(keyed, page_box)):
        region, inside = filled[int(keyed_region.id)]
        start = len(new_lines)
        for line in _in_order(inside, _table_in(region, tables)):
            new_lines.append(_numbered(line, f"p{number}-l{len(new_lines) + 1}"))
        ids = tuple(line.id for line in new_lines[start:])
        new_regions.append(replace(region, id=f"p{number}-r{order + 1}", order=order, line_ids=ids))
        if region.id:
            new_ids[region.id] = new_regions[-1].id
    return new_lines, new_regions, _number_tables(tables, new_regions, new_ids, number)


def _with_captions(regions: Sequence[Region]) -> list[list[Region]]:
    """Return the regions, each caption together with the picture or table that it stands nearest to."""
    hosts = [one for one in regions if one.label in ("picture", "table")]
    taken: dict[int, list[Region]] = {}
    alone: list[Region] = []
    for region in regions:
        if region.label != "caption":
            continue
        near = [(_distance(region.box, host.box), index) for index, host in enumerate(hosts)]
        gap, index = min(near, default=(0.0, -1))
        if index >= 0 and gap < 3 * region.box.height and not _between(region.box, hosts[index].box, regions):
            taken.setdefault(index, []).append(region)
        else:
            alone.append(region)
    units = [_unit(host, taken.get(index, [])) for index, host in enumerate(hosts)]
    return units + [[one] for one in regions if one.label not in ("picture", "table", "caption") or one in alone]


def _unit(host: Region, captions: list[Region]) -> list[Region]:
    """Return a picture and its captions: those above or to the left first."""
    before = [one for one in captions if one.box.center[1] < host.box.top or one.box.right < host.box.left]
    return [*before, host, *(one for one in captions if one not in before)]


def _distance(a: Box, b: Box) -> float:
    across = max(a.left - b.right, b.left - a.right, 0.0)
    down = max(a.top - b.bottom, b.top - a.bottom, 0.0)
    return across + down


def _between(caption: Box, host: Box, regions: Sequence[Region]) -> bool:
    """Say whether taking both together would swallow some other region."""
    both = Box.union((caption, host))
    return any(
        one.box.share_inside(both) > 0.5 > max(one.box.share_inside(caption), one.box.share_inside(host))
        for one in regions
        if one.box not in (caption, host)
    )


def _cut(boxes: Sequence[Box], indices: list[int], size: float) -> list[int]:
    if len(indices) < 2:
        return indices
    slack = SLACK * size
    bands = _split(boxes, indices, slack, lambda box: (box.top, box.bottom))
    columns = _split(boxes, indices, slack, lambda box: (box.left, box.right))
    if len(columns) > 1 and not _read_across(boxes, bands, size):
        return [one for column in columns for one in _cut(boxes, column, size)]
    if len(bands) == 1:
        return _topological(boxes, indices)
    if not _read_across(boxes, bands, size):
        bands = _joined_bands(boxes, bands, GUTTER * size)
    return [one for band in bands for one in _cut(boxes, band, size)]


def _split(
    boxes: Sequence[Box], indices: list[int], slack: float, span: Callable[[Box], tuple[float, float]]
) -> list[list[int]]:
    """Split the boxes wherever a straight cut meets none of them."""
    parts: list[list[int]] = []
    end = 0.0
    for index in sorted(indices, key=lambda i: (span(boxes[i]), boxes[i])):
        start, stop = span(boxes[index])
        if parts and start < end - slack:
            parts[-1].append(index)
            end = max(end, stop)
        else:
            end = max(end, stop) if parts else stop
            parts.append([index])
    return parts


def _joined_bands(boxes: Sequence[Box], bands: list[list[int]], gutter: float) -> list[list[int]]:
    """Join neighbouring bands that are columns over the same gutter."""
    joined = [bands[0]]
    for band in bands[1:]:
        both = joined[-1] + band
        if len(_split(boxes, both, -gutter, lambda box: (box.left, box.right))) > 1:
            joined[-1] = both
        else:
            joined.append(band)
    return joined if len(joined) > 1 else bands


def _read_across(boxes: Sequence[Box], bands: list[list[int]], size: float) -> bool:
    """Say whether the bands are read one by one: nothing stands beside anything, or short things do.

    A label stands on one line with its value; two columns of text have blocks that are higher or lines that
    are longer.
    """
    several = [band for band in bands if len(band) > 1]
    if len(bands) < 2 or not several:
        return len(bands) > 1
    return len(several) > 1 and 2 * len(several) > len(bands) and all(_is_row(boxes, band, size) for band in several)


def _is_row(boxes: Sequence[Box], band: list[int], size: float) -> bool:
    row = Box.union(boxes[index] for index in band)
    first = min((boxes[index] for index in band), key=lambda box: box.left)
    level = all(boxes[index].height > 0.5 * row.height for index in band)
    return level and row.height < FLAT * size and first.width < NARROW * size


def _topological(boxes: Sequence[Box], indices: list[int]) -> list[int]:
    """Order boxes that no straight cut parts: above comes before below, left before right (Breuel 2003)."""
    left, result = sorted(indices, key=lambda i: (boxes[i].top, boxes[i].left, i)), []
    while left:
        free = [a for a in left if not any(_before(boxes[b], boxes[a]) for b in left if b != a)]
        result.append((free or left)[0])
        left.remove(result[-1])
    return result


def _before(a: Box, b: Box) -> bool:
    across = min(a.right, b.right) - max(a.left, b.left)
    if across > 0.1 * min(a.width, b.width):
        return a.center[1] < b.center[1]
    down = min(a.bottom, b.bottom) - max(a.top, b.top)
    return down > 0 and a.center[0] < b.center[0]


def _homes(lines: Sequence[Line], regions: Sequence[Region]) -> list[int | None]:
    """Return for each line the index of the region that covers most of it, the smaller one of equals."""
    homes: list[int | None] = []
    for line in lines:
        shares = [(line.box.share_inside(one.box), -one.box.area, -i) for i, one in enumerate(regions)]
        share, _, index = max(shares, default=(0.0, 0.0, 0))
        homes.append(-index if share >= 0.5 else None)
    return homes


def _orphans(lines: Sequence[Line]) -> list[tuple[Region, list[Line]]]:
    groups = [[lines[index] for index in group] for group in group_lines([line.box for line in lines])]
    return [(Region("", "text", Box.union(line.box for line in group), 0), group) for group in groups]


def _table_in(region: Region, tables: Sequence[Table]) -> Table | None:
    """Return the table that fills a region: the one that names it, else the one that covers it best."""
    if region.label != "table" or not tables:
        return None
    named = next((table for table in tables if region.id and table.region_id == region.id), None)
    return named or max(tables, key=lambda table: table.box.iou(region.box))


def _in_order(lines: Sequence[Line], table: Table | None) -> list[Line]:
    """Return the lines of a region row by row; those of a table cell by cell."""
    rows = [lines[index] for row in rows_of([line.box for line in lines]) for index in row]
    if table is None or not table.cells:
        return rows
    return sorted(rows, key=lambda line: _place_in(table, line))


def _place_in(table: Table, line: Line) -> tuple[int, int]:
    cell = max(table.cells, key=lambda one: (line.box.overlap(one.box), -one.row, -one.column))
    return cell.row, cell.column


def _numbered(line: Line, line_id: str) -> Line:
    words = tuple(replace(word, id=f"{line_id}-w{place}") for place, word in enumerate(line.words, 1))
    return replace(line, id=line_id, words=words)


def _number_tables(
    tables: Sequence[Table], regions: Sequence[Region], new_ids: dict[str, str], number: int
) -> list[Table]:
    homes = [(new_ids.get(table.region_id) or _region_of(table, regions), table) for table in tables]
    place = {region.id: region.order for region in regions}
    numbered = []
    for index, (home, table) in enumerate(sorted(homes, key=lambda one: (place[one[0]], one[1].box)), 1):
        table_id = f"p{number}-t{index}"
        cells = tuple(replace(cell, id=f"{table_id}-c{place}") for place, cell in enumerate(table.cells, 1))
        numbered.append(replace(table, id=table_id, region_id=home, cells=cells))
    return numbered


def _region_of(table: Table, regions: Sequence[Region]) -> str:
    return max(regions, key=lambda one: (one.label == "table", one.box.iou(table.box))).id
