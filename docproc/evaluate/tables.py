"""How well tables were read: which table is which, and how many cells and neighbours are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docproc.document import Document, Table
from docproc.evaluate.dataset import Truth, TruthCell, compact
from docproc.evaluate.teds import teds
from docproc.evaluate.text import Overlap, normalise
from docproc.geometry import Box

Cells = tuple[TruthCell, ...]

SAME_TABLE = 0.5
"""A read table is the labelled one when they share this much of the smaller of the two."""


@dataclass(frozen=True, slots=True)
class TablePair:
    """A labelled table and what was read of it; either may be empty (missed, or not there)."""

    true: Cells
    read: Cells


def table_scores(pairs: Sequence[TablePair]) -> dict[str, float]:
    """Return `teds`, `teds_structure` (means over labelled tables), `cell_f1`, `adjacency_f1` of a document.

    The F1s count all cells of the document together, so a table that is not there costs precision. A document
    without labelled tables has only these two.
    """
    labelled = [pair for pair in pairs if pair.true]
    cells = sum((cell_overlap(pair.true, pair.read) for pair in pairs), Overlap(0, 0, 0))
    neighbours = sum((adjacency_overlap(pair.true, pair.read) for pair in pairs), Overlap(0, 0, 0))
    scores = {"cell_f1": cells.f1, "adjacency_f1": neighbours.f1}
    if labelled:
        for name, structure in (("teds", False), ("teds_structure", True)):
            values = [teds(pair.true, pair.read, structure_only=structure) for pair in labelled]
            scores[name] = sum(values) / len(values)
    return scores


def cell_overlap(true: Cells, read: Cells) -> Overlap:
    """Count cells that are right: the same text (normalised, white space ignored), row, column and spans.

    Empty cells count on neither side, and rows and columns are counted without those where no filled cell
    starts. An extra row on top puts all below it wrong.
    """
    left, right = Counter(map(_cell_key, _filled(true))), Counter(map(_cell_key, _filled(read)))
    return Overlap((left & right).total(), right.total(), left.total())


def adjacency_overlap(true: Cells, read: Cells) -> Overlap:
    """Count neighbour relations, the measure of the ICDAR 2013 table competition (Göbel et al. 2012, 2013).

    Each filled cell is related to the next filled one to its right and below, in every row and column that it
    spans. A relation is right when both texts (without white space and case), the direction and the number of
    empty places between them agree, again without empty rows and columns. It forgives an extra row; it does
    not forgive a split or merged cell.
    """
    left, right = Counter(_relations(_filled(true))), Counter(_relations(_filled(read)))
    return Overlap((left & right).total(), right.total(), left.total())


def pair_tables(truth: Truth, document: Document) -> list[TablePair]:
    """Pair each labelled table with what was read of it; read tables left over are paired with nothing.

    By overlap, best first, at most one table per page of a labelled one; the parts of a table that runs over
    pages are put below each other. Labelled tables without a box take the largest tables read, in order.
    """
    free = [(page.number, table) for page in document.pages for table in page.tables]
    pairs = []
    for table, parts in zip(truth.tables, _matches(truth, document), strict=True):
        for part in parts:
            free.remove(part)
        pairs.append(TablePair(table.cells, _stacked([one for _, one in sorted(parts, key=lambda p: p[0])])))
    boxless = [index for index, table in enumerate(truth.tables) if not table.boxes]
    largest = sorted(free, key=lambda one: -one[1].box.area)[: len(boxless)]
    for index, part in zip(boxless, [one for one in free if one in largest], strict=False):
        free.remove(part)
        pairs[index] = replace(pairs[index], read=read_cells(part[1]))
    return pairs + [TablePair((), read_cells(table)) for _, table in free]


def read_cells(table: Table, below: int = 0) -> Cells:
    """Return the cells of a read table as labels have them, `below` rows further down."""
    return tuple(TruthCell(c.row + below, c.column, c.row_span, c.column_span, c.text, c.header) for c in table.cells)


def _matches(truth: Truth, document: Document) -> list[list[tuple[int, Table]]]:
    found: list[list[tuple[int, Table]]] = [[] for _ in truth.tables]
    pages = {page.number: page for page in document.pages}
    candidates = sorted(
        (
            (share, index, number, at)
            for index, table in enumerate(truth.tables)
            for number, box in table.boxes
            if (page := pages.get(number)) is not None
            for at, read in enumerate(page.tables)
            if (share := _share(truth.place(box, page), read.box)) >= SAME_TABLE
        ),
        key=lambda one: (-one[0], one[1:]),
    )
    used: set[tuple[int, int]] = set()
    filled: set[tuple[int, int]] = set()
    for _, index, number, at in candidates:
        if (number, at) not in used and (index, number) not in filled:
            used.add((number, at))
            filled.add((index, number))
            found[index].append((number, pages[number].tables[at]))
    return found


def _share(one: Box, other: Box) -> float:
    smaller = min(one.area, other.area)
    # The larger share first, then the better fit: a table inside a far too large one is still that table.
    return one.overlap(other) / smaller * (0.9 + 0.1 * one.iou(other)) if smaller else 0.0


def _stacked(tables: Sequence[Table]) -> Cells:
    cells: list[TruthCell] = []
    below = 0
    for table in tables:
        cells += read_cells(table, below)
        below += table.rows
    return tuple(cells)


def _filled(cells: Cells) -> list[TruthCell]:
    return compact(cell for cell in cells if cell.text.strip())


def _cell_key(cell: TruthCell) -> tuple[str, int, int, int, int]:
    return _letters(cell.text), cell.row, cell.column, cell.row_span, cell.column_span


def _relations(cells: Sequence[TruthCell]) -> list[tuple[str, str, str, int]]:
    """Return (text, neighbour's text, direction, empty places between) of all neighbours, each pair once."""
    grid = {place: index for index, cell in enumerate(cells) for place in _places(cell)}
    height = max((row for row, _ in grid), default=-1) + 1
    width = max((column for _, column in grid), default=-1) + 1
    gaps: dict[tuple[int, int, str], int] = {}
    for index, cell in enumerate(cells):
        right, bottom = cell.column + cell.column_span, cell.row + cell.row_span
        walks = [("right", [(row, c) for c in range(right, width)]) for row in range(cell.row, bottom)]
        walks += [("down", [(r, column) for r in range(bottom, height)]) for column in range(cell.column, right)]
        for direction, walk in walks:
            gap = next((step for step, place in enumerate(walk) if place in grid), None)
            if gap is not None:
                key = (index, grid[walk[gap]], direction)
                gaps[key] = min(gap, gaps.get(key, gap))
    words = [_letters(cell.text, fold_case=True) for cell in cells]
    return [(words[one], words[other], way, gap) for (one, other, way), gap in gaps.items()]


def _letters(text: str, *, fold_case: bool = False) -> str:
    # PDFs space words by moving the pen, and labels have no spaces there either.
    return "".join(normalise(text, fold_case=fold_case).split())


def _places(cell: TruthCell) -> list[tuple[int, int]]:
    return [
        (row, column)
        for row in range(cell.row, cell.row + cell.row_span)
        for column in range(cell.column, cell.column + cell.column_span)
    ]
