"""Text that runs from column to column and from page to page."""

from __future__ import annotations

from collections.abc import Sequence

from docproc.document import Label, Line
from docproc.geometry import Box
from docproc.synth.sheet import Sheet, Style


class Flow:
    """Fills columns from the top, one after the other; text beyond the last column is left out."""

    def __init__(self, columns: Sequence[tuple[Sheet, Box]]) -> None:
        self._columns = list(columns)
        self._y = self._columns[0][1].top

    @property
    def full(self) -> bool:
        """Whether there is no room left."""
        return not self._columns

    def add(
        self,
        label: Label,
        text: str,
        style: Style,
        *,
        gap: float = 6.0,
        justify: bool = False,
        indent: float = 0.0,
    ) -> None:
        """Write a block, followed by `gap` points; a block that runs on becomes one region per column."""
        while text and self._columns:
            sheet, column = self._columns[0]
            # A heading or the first lines of a paragraph do not stand alone at the foot of a column.
            if column.bottom - self._y < (4 if label == "section-header" else 1.6) * style.step:
                self._next()
                continue
            if label == "section-header" and self._y > column.top:
                self._y += 0.4 * style.size
            room = Box(column.left, self._y, column.right, column.bottom)
            lines, text = sheet.paragraph(room, text, style, justify=justify, indent=indent)
            sheet.region(label, lines)
            self._y = lines[-1].box.bottom + gap
            if text:
                self._next()

    def bullets(self, items: Sequence[str], style: Style, *, mark: str = "•") -> None:
        """Write list items, each a region of its own; `mark` "1." numbers them."""
        for number, item in enumerate(items, start=1):
            text = f"{number}." if mark == "1." else mark
            last = number == len(items)
            indent = style.width(text + " ")
            self.add("list-item", f"{text} {item}", style, gap=7.0 if last else 2.5, indent=indent)

    def keep(self, height: float) -> None:
        """Go on to the next column if the next `height` points would not fit into this one."""
        if self._columns and self._y + height > self._columns[0][1].bottom:
            self._next()

    def reserve(self, height: float, gap: float = 8.0) -> tuple[Sheet, Box] | None:
        """Return a free place of `height` points, in the next column if need be; None when all are full."""
        while self._columns:
            sheet, column = self._columns[0]
            if self._y + height <= column.bottom:
                box = Box(column.left, self._y, column.right, self._y + height)
                self._y = box.bottom + gap
                return sheet, box
            self._next()
        return None

    def _next(self) -> None:
        self._columns.pop(0)
        if self._columns:
            self._y = self._columns[0][1].top


def foot(sheet: Sheet, box: Box, text: str, style: Style) -> list[Line]:
    """Write a block that stands on the bottom of `box`; return its lines."""
    height = len(style.wrap(text, box.width)) * style.step
    lines, _ = sheet.paragraph(Box(box.left, box.bottom - height, box.right, box.bottom), text, style)
    return lines


__all__ = ["Flow", "foot"]
