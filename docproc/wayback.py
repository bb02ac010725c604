"""From the deskewed frame that engines read back to the upright page, to the hundredth of a point."""

from __future__ import annotations

from dataclasses import dataclass, replace

from docproc.document import Line, Region, Table, Word
from docproc.findings import Finding
from docproc.geometry import Box, Polygon
from docproc.straighten import Straightened


@dataclass(frozen=True, slots=True)
class WayBack:
    """Maps what was read on `straight.image` to points of the upright page."""

    straight: Straightened

    def box(self, box: Box) -> Box:
        """Return the box around where `box` lies, inside the page."""
        return Box.around(self.straight.back(box.corners)).clipped(self.straight.page).rounded()

    def polygon(self, polygon: Polygon) -> Polygon:
        """Return where the polygon lies."""
        return tuple((round(x, 2), round(y, 2)) for x, y in self.straight.back(polygon))

    def line(self, line: Line) -> Line:
        """Return the line and its words where they lie."""
        words = tuple(self._word(word) for word in line.words)
        polygon = self.polygon(line.polygon)
        return replace(line, polygon=polygon, box=self._around(polygon), words=words)

    def region(self, region: Region) -> Region:
        """Return the region where it lies."""
        return replace(region, box=self.box(region.box))

    def table(self, table: Table) -> Table:
        """Return the table and its cells where they lie."""
        cells = tuple(replace(cell, box=self.box(cell.box)) for cell in table.cells)
        return replace(table, box=self.box(table.box), cells=cells)

    def finding(self, finding: Finding) -> Finding:
        """Return the finding where it lies; it has no mask."""
        box = self.box(finding.box) if finding.box else None
        return replace(finding, box=box, polygon=self.polygon(finding.polygon))

    def _word(self, word: Word) -> Word:
        polygon = self.polygon(word.polygon)
        return replace(word, polygon=polygon, box=self._around(polygon))

    def _around(self, polygon: Polygon) -> Box:
        return Box.around(polygon).clipped(self.straight.page).rounded()
