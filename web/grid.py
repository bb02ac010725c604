"""Pages as squares of 896 pixels: what a viewer asks for, part by part, however large the page is.

Level 0 is the whole page within one square; every level after it has twice the resolution. Resolutions are whole
numbers, so a square covers exactly `SIDE * 72 / dpi` points, and those at the right and the bottom what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

SIDE = 896
"""Pixels: the side of what models are shown, too."""
MOST_DPI = 600
MOST_PIXELS = 120_000_000
"""Of a whole page, as drawn for its finest level."""
MOST_LEVELS = 7


@dataclass(frozen=True, slots=True)
class Grid:
    """The squares of a page: `dpi` is the resolution of level 0, `levels` how many there are."""

    width: float
    height: float
    dpi: int
    levels: int

    @classmethod
    def of(cls, width: float, height: float, most_pixels: int = MOST_PIXELS) -> Grid:
        """Return the grid of an upright page of that size in points."""
        base = max(min(int(SIDE * 72 / max(width, height, 1.0)), MOST_DPI), 1)
        most = min(most_pixels, MOST_PIXELS)
        levels = 1
        while levels < MOST_LEVELS:
            dpi = base << levels
            if dpi > MOST_DPI or width * height * (dpi / 72) ** 2 > most:
                break
            levels += 1
        return cls(width, height, base, levels)

    def dpi_at(self, level: int) -> int:
        """Return the resolution of a level."""
        return self.dpi << level

    def has(self, level: int, column: int, row: int) -> bool:
        """Tell whether there is such a square; where a side ends within a pixel there may be one of a pixel less."""
        if not 0 <= level < self.levels:
            return False
        points = SIDE * 72 / self.dpi_at(level)
        return column * points < self.width and row * points < self.height
