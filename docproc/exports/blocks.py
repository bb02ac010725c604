"""A page as exports want it: blocks in reading order, each with its lines, and nothing left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from docproc.document import Cell, Line, Page, Region, Table
from docproc.geometry import Box

CAPTION_GAP = 72.0
"""A caption further from its picture than this many points belongs to something else."""


@dataclass(frozen=True, slots=True)
class Block:
    """A region with its lines in order, and the table that fills it, if there is one."""

    region: Region
    lines: tuple[Line, ...]
    table: Table | None = None


def blocks(page: Page) -> list[Block]:
    """Return the regions in reading order.

    Tables and lines that stand in no region follow as regions of their own, whose ids end in `-block`.
    """
    regions = sorted(page.regions, key=lambda region: region.order)
    known = page.lines_by_id
    found = [
        Block(region, tuple(known[one] for one in region.line_ids if one in known), page.table_of(region))
        for region in regions
    ]
    found.extend(_left_over(page, len(found)))
    return found


def _left_over(page: Page, order: int) -> Iterator[Block]:
    ids = {region.id for region in page.regions}
    for table in page.tables:
        if table.region_id not in ids:
            yield Block(Region(f"{table.id}-block", "table", table.box, order), (), table)
            order += 1
    placed = {line_id for region in page.regions for line_id in region.line_ids}
    lines = tuple(line for line in page.lines if line.id not in placed)
    if lines:
        box = Box.union(line.box for line in lines)
        yield Block(Region(f"{lines[0].id}-block", "text", box, order), lines)


def caption_of(region: Region, page: Page) -> str:
    """Return the words for a picture: its alt text, else its nearest caption's text, else nothing."""
    if region.alt_text:
        return region.alt_text
    captions = [one for one in page.regions if one.label == "caption"]
    near = min(captions, key=lambda one: _gap(one.box, region.box), default=None)
    if near is None or _gap(near.box, region.box) > CAPTION_GAP:
        return ""
    return " ".join(page.lines_by_id[one].text for one in near.line_ids if one in page.lines_by_id)


def _gap(a: Box, b: Box) -> float:
    """Return how far two boxes are apart, in points; 0 when they touch."""
    across = max(a.left - b.right, b.left - a.right, 0.0)
    down = max(a.top - b.bottom, b.top - a.bottom, 0.0)
    return math.hypot(across, down)


def lines_of_cells(block: Block) -> tuple[list[tuple[Cell, list[Line]]], list[Line]]:
    """Return every cell of the table with the lines whose middle it holds, and the lines in no cell."""
    cells: list[tuple[Cell, list[Line]]] = [(cell, []) for cell in block.table.cells] if block.table else []
    rest: list[Line] = []
    for line in block.lines:
        inside = next((lines for cell, lines in cells if cell.box.contains(line.box.center)), rest)
        inside.append(line)
    return cells, rest
