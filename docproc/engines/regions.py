"""Corrects the regions of the layout model where words and pixels know better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from docproc.blocks import group_lines
from docproc.document import Label, Line, Region, Table
from docproc.engines.table_regions import build_tables, missed_tables
from docproc.geometry import Box
from docproc.paragraphs import split_columns, split_paragraphs
from docproc.rules import Rules

TEXT = 0.22
"""A photograph of text is covered by lines to this share; a drawing with labels to less."""

TITLE = 1.5
"""A title is printed larger than the usual line, by this factor."""

HEADINGS = ("section-header", "page-header")


def correct(
    page: Box, regions: Sequence[Region], lines: Sequence[Line], rules: Rules
) -> tuple[list[Region], list[Table]]:
    """Return the regions of a page as they should be, and their tables."""
    kept = [one for one in regions if not _is_photo_of_text(one, lines)]
    tables: list[Table] = []
    result: list[Region] = []
    for region in kept:
        if region.label == "table":
            tables += build_tables(region.box, lines, rules)
        else:
            result.append(region)
    taken = [*(table.box for table in tables), *(one.box for one in kept if one.label == "picture")]
    free = [line for line in lines if not any(line.box.share_inside(box) > 0.5 for box in taken)]
    tables += missed_tables(free, rules)
    result = [one for one in result if not any(one.box.share_inside(table.box) > 0.7 for table in tables)]
    result = [part for one in result for part in _paragraphs(one, lines)]
    result += _blocks(result, tables, lines)
    return _named([_snapped(one, lines) for one in _titled(result, page, lines)], tables)


def _snapped(region: Region, lines: Sequence[Line]) -> Region:
    """Return a region of text with just the box of its lines: the model's are of text in another font."""
    inside = [line.box for line in lines if line.box.share_inside(region.box) > 0.5]
    return replace(region, box=Box.union(inside)) if inside and region.label != "picture" else region


def _is_photo_of_text(region: Region, lines: Sequence[Line]) -> bool:
    """Say whether a picture is a receipt or a page photographed: covered by lines of text."""
    if region.label != "picture":
        return False
    inside = [line.box for line in lines if line.box.share_inside(region.box) > 0.5]
    return len(inside) > 5 and sum(box.area for box in inside) > TEXT * region.box.area


def _paragraphs(region: Region, lines: Sequence[Line]) -> list[Region]:
    if region.label != "text":
        return [region]
    boxes = [line.box for line in lines if line.box.share_inside(region.box) > 0.5]
    parts = []
    for column in split_columns(boxes):
        inside = [boxes[index] for index in column]
        parts += [[inside[index] for index in part] for part in split_paragraphs(inside)]
    if len(parts) < 2:
        return [region]
    return [replace(region, box=Box.union(part)) for part in parts]


def _blocks(regions: Sequence[Region], tables: Sequence[Table], lines: Sequence[Line]) -> list[Region]:
    """Return regions for the lines that lie in none, labelled by their looks."""
    taken = [*(one.box for one in regions), *(table.box for table in tables)]
    free = [line.box for line in lines if not any(line.box.share_inside(box) >= 0.5 for box in taken)]
    if not free:
        return []
    usual = median(line.box.height for line in lines)
    groups = [[free[index] for index in group] for group in group_lines(free)]
    return [Region("", _looks_like(group, usual), Box.union(group), 0) for group in groups]


def _looks_like(group: Sequence[Box], usual: float) -> Label:
    """Say what a block is by its size: a few lines of large print are a heading."""
    size = median(box.height for box in group)
    return "text" if len(group) > 3 or size < 1.35 * usual else "section-header"


def _titled(regions: Sequence[Region], page: Box, lines: Sequence[Line]) -> list[Region]:
    """Call the heading in the largest print the title, if it is large enough, high up, and there is none yet."""
    sizes = [_size(one, lines) if one.label in HEADINGS else 0.0 for one in regions]
    if not lines or any(one.label == "title" for one in regions) or not any(sizes):
        return list(regions)
    best = sizes.index(max(sizes))
    large = max(sizes) > TITLE * median(line.box.height for line in lines)
    if not large or sizes.count(max(sizes)) > 1 or regions[best].box.top > page.top + page.height / 3:
        return list(regions)
    return [replace(one, label="title") if index == best else one for index, one in enumerate(regions)]


def _size(region: Region, lines: Sequence[Line]) -> float:
    return max((line.box.height for line in lines if line.box.share_inside(region.box) > 0.5), default=0.0)


def _named(regions: Sequence[Region], tables: Sequence[Table]) -> tuple[list[Region], list[Table]]:
    everything = [*regions, *(Region("", "table", table.box, 0) for table in tables)]
    named = [replace(one, id=f"r{index}", order=index) for index, one in enumerate(everything)]
    homes = [one.id for one in named[len(regions) :]]
    return named, [replace(table, region_id=home) for table, home in zip(tables, homes, strict=True)]
