"""Corrects the regions of the layout model where words and pixels know better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from docproc.blocks import group_lines
from docproc.document import Label, Line, Region, Table
from docproc.engines.table_regions import missed_tables
from docproc.geometry import Box
from docproc.paragraphs import split_paragraphs
from docproc.rules import Rules
from docproc.tables import build_table

TEXT = 0.22
"""A photograph of text is covered by lines to this share; a drawing with labels to less."""


def correct(
    page: Box, regions: Sequence[Region], lines: Sequence[Line], rules: Rules
) -> tuple[list[Region], list[Table]]:
    """Return the regions of a page as they should be, and their tables."""
    kept = [one for one in regions if not _is_photo_of_text(one, lines)]
    tables: list[Table] = []
    result: list[Region] = []
    for region in kept:
        table = build_table(region.box, lines, rules) if region.label == "table" else None
        if table is not None and table.rows > 1 and table.columns > 1:
            tables.append(table)
        elif region.label != "table":
            result.append(region)
    taken = [*(table.box for table in tables), *(one.box for one in kept if one.label == "picture")]
    free = [line for line in lines if not any(line.box.share_inside(box) > 0.5 for box in taken)]
    tables += missed_tables(free, rules)
    result = [one for one in result if not any(one.box.share_inside(table.box) > 0.7 for table in tables)]
    result = [part for one in result for part in _paragraphs(one, lines)]
    result += _blocks(page, result, tables, lines)
    return _named(result, tables)


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
    parts = split_paragraphs(boxes)
    if len(parts) < 2:
        return [region]
    return [replace(region, box=Box.union(boxes[index] for index in part)) for part in parts]


def _blocks(page: Box, regions: Sequence[Region], tables: Sequence[Table], lines: Sequence[Line]) -> list[Region]:
    """Return regions for the lines that lie in none, labelled by their looks."""
    taken = [*(one.box for one in regions), *(table.box for table in tables)]
    free = [line.box for line in lines if not any(line.box.share_inside(box) >= 0.5 for box in taken)]
    if not free:
        return []
    usual = median(line.box.height for line in lines)
    groups = [[free[index] for index in group] for group in group_lines(free)]
    return [Region("", _looks_like(group, page, usual), Box.union(group), 0) for group in groups]


def _looks_like(group: Sequence[Box], page: Box, usual: float) -> Label:
    """Say what a block is, by size and place: large print is a heading, the largest on top the title."""
    size = median(box.height for box in group)
    if len(group) > 3 or size < 1.35 * usual:
        return "text"
    on_top = group[0].top < page.top + 0.25 * page.height
    return "title" if on_top and size > 1.7 * usual else "section-header"


def _named(regions: Sequence[Region], tables: Sequence[Table]) -> tuple[list[Region], list[Table]]:
    everything = [*regions, *(Region("", "table", table.box, 0) for table in tables)]
    named = [replace(one, id=f"r{index}", order=index) for index, one in enumerate(everything)]
    homes = [one.id for one in named[len(regions) :]]
    return named, [replace(table, region_id=home) for table, home in zip(tables, homes, strict=True)]
