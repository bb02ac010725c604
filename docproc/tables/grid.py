"""The values that the steps of building a table hand on: columns, and cells in the making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from docproc.geometry import Box
from docproc.tables.chunks import Chunk

Rows = Sequence[Sequence[Chunk]]


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns: `edges` part them (one more than columns), `extents` are the (left, right) of their text.

    `ruled` says for each inner edge whether a rule stands there.
    """

    edges: tuple[float, ...]
    extents: tuple[tuple[float, float], ...]
    ruled: tuple[bool, ...]

    def span(self, box: Box) -> tuple[int, int]:
        """Return the first and last column that a text box reaches into by more than a little."""
        need = min(0.5 * box.height, 0.4 * box.width)
        touched = [
            index
            for index, (left, right) in enumerate(pairwise(self.edges))
            if min(box.right, right) - max(box.left, left) >= need
        ]
        return (touched[0], touched[-1]) if touched else (0, 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A cell in the making: its place in the grid and what is printed in it."""

    row: int
    first: int
    rows: int
    columns: int
    chunks: tuple[Chunk, ...]

    @property
    def box(self) -> Box:
        """The box of its text, in points."""
        return Box.union(one.box for one in self.chunks)

    @property
    def places(self) -> set[tuple[int, int]]:
        """The (row, column) places that it fills."""
        across = range(self.first, self.first + self.columns)
        return {(row, column) for row in range(self.row, self.row + self.rows) for column in across}

    def joined(self, other: Piece) -> Piece:
        """Return both as one."""
        row, first = min(self.row, other.row), min(self.first, other.first)
        bottom = max(self.row + self.rows, other.row + other.rows)
        right = max(self.first + self.columns, other.first + other.columns)
        return Piece(row, first, bottom - row, right - first, self.chunks + other.chunks)
