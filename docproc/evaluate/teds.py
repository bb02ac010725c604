"""TEDS, the similarity of tables as trees (Zhong, ShafieiBavani, Jimeno Yepes 2020, arXiv 1911.10683)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from apted import APTED, Config  # type: ignore[import-untyped]
from rapidfuzz.distance import Levenshtein

from docproc.evaluate.dataset import TruthCell, compact
from docproc.evaluate.text import normalise


@dataclass(slots=True)
class Node:
    """A node of the HTML tree: table, thead, tbody, tr or td."""

    tag: str
    spans: tuple[int, int] = (1, 1)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of nodes below it."""
        return sum(1 + child.size for child in self.children)


def teds(true: Sequence[TruthCell], read: Sequence[TruthCell], *, structure_only: bool = False) -> float:
    """Return 1 - tree edit distance / nodes of the larger tree, 0-1; 1 for two empty tables.

    Inserting or deleting a node costs 1; so does renaming one to another tag or span. Renaming a cell to one
    with the same spans costs the edit distance of their texts over the longer one, or nothing with
    `structure_only`. As in the paper, `thead` and `tbody` are nodes and the `table` node is not counted.
    Unlike there, text is normalised (`text.normalise`), inline markup (b, i, sup) is left out, and places of
    the grid that no cell covers are empty cells on both sides, but rows and columns without any are dropped.
    """
    left, right = table_tree(compact(true)), table_tree(compact(read))
    nodes = max(left.size, right.size)
    if not nodes:
        return 1.0
    distance: float = APTED(left, right, _Costs(structure_only)).compute_edit_distance()
    return 1.0 - distance / nodes


def table_tree(cells: Sequence[TruthCell]) -> Node:
    """Return the table as HTML has it; leading rows whose filled cells are all headers form the `thead`."""
    rows = _rows(cells)
    heads = 0
    while heads < len(rows) and _is_head(rows[heads]):
        heads += 1
    parts = [("thead", rows[:heads]), ("tbody", rows[heads:])]
    return Node("table", children=[Node(tag, children=list(map(_row, part))) for tag, part in parts if part])


class _Costs(Config):  # type: ignore[misc]
    """The costs of the paper, for the `apted` package."""

    valuecls = float

    def __init__(self, structure_only: bool) -> None:
        self.structure_only = structure_only

    def rename(self, node1: Node, node2: Node) -> float:
        if node1.tag != node2.tag or node1.spans != node2.spans:
            return 1.0
        if self.structure_only or node1.tag != "td":
            return 0.0
        distance: float = Levenshtein.normalized_distance(node1.text, node2.text)
        return distance


def _rows(cells: Sequence[TruthCell]) -> list[list[TruthCell]]:
    """Return the cells row by row, left to right, with an empty cell in each place that none covers."""
    height = max((cell.row + cell.row_span for cell in cells), default=0)
    width = max((cell.column + cell.column_span for cell in cells), default=0)
    covered = {
        (row, column)
        for cell in cells
        for row in range(cell.row, cell.row + cell.row_span)
        for column in range(cell.column, cell.column + cell.column_span)
    }
    places = [(row, column) for row in range(height) for column in range(width)]
    full = [*cells, *(TruthCell(*place, 1, 1, "") for place in places if place not in covered)]
    full.sort(key=lambda cell: (cell.row, cell.column))
    return [[cell for cell in full if cell.row == row] for row in range(height)]


def _is_head(row: Sequence[TruthCell]) -> bool:
    filled = [cell for cell in row if cell.text.strip()]
    return bool(filled) and all(cell.header for cell in filled)


def _row(cells: Sequence[TruthCell]) -> Node:
    return Node(
        "tr",
        children=[Node("td", (cell.row_span, cell.column_span), normalise(cell.text)) for cell in cells],
    )
