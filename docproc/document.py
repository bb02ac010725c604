"""What was read: frozen values from the word up to the document.

Geometry is `Box` and `Polygon` (points, top-left origin, upright page). Text is in Unicode NFC.
Confidences are 0-1 or None where the engine gives none. An `id` is stable within its run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from docproc.findings import Answer, Finding
from docproc.geometry import Box, Polygon

Label = Literal[
    "caption", "footnote", "formula", "list-item", "page-footer", "page-header",
    "picture", "section-header", "table", "text", "title",
]  # fmt: skip
"""Region labels: the eleven classes of DocLayNet (Pfitzmann et al. 2022, arXiv 2206.01062)."""

TextSource = Literal["ocr", "text-layer", "mixed"]


@dataclass(frozen=True, slots=True)
class Word:
    """One word as printed: no white space inside.

    `alternatives` are what the engine would have read next, the likeliest first, where it doubts the word; with a
    space in them it would have read two.
    """

    id: str
    text: str
    box: Box
    polygon: Polygon
    confidence: float | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text; `text` is its words joined as printed (CJK words have no spaces between them)."""

    id: str
    text: str
    box: Box
    polygon: Polygon
    confidence: float | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A block of the layout. `order` is its place in the reading order, from 0; `line_ids` are in order too."""

    id: str
    label: Label
    box: Box
    order: int
    confidence: float | None = None
    line_ids: tuple[str, ...] = ()
    alt_text: str | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table; `row` and `column` count from 0, spans from 1."""

    id: str
    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    box: Box
    header: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `region_id` is the region (label "table") it fills. Empty grid places have no cell."""

    id: str
    box: Box
    rows: int
    columns: int
    cells: tuple[Cell, ...]
    region_id: str = ""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A label on the page and what is filled in for it.

    `value` is empty where nothing is; `checked` says whether a box is ticked, None for what is no check box.
    The word ids are in reading order; a check box has no words of its own as value, only a `value_box`.
    """

    id: str
    key: str
    value: str
    key_box: Box
    value_box: Box | None
    key_word_ids: tuple[str, ...]
    value_word_ids: tuple[str, ...] = ()
    checked: bool | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the page as one engine call saw it; `scale` is pixels per point."""

    box: Box
    scale: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong on a page, in plain words, with what to do about it."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Page:
    """One page as read. `number` counts from 1; `width` and `height` are points of the upright page.

    `rotation` is how far (degrees clockwise: 0, 90, 180, 270) the page as its file shows it was turned to
    stand upright; `skew` is the slope of its lines that is left (degrees, clockwise positive), found but never
    undone in coordinates. `dpi` is the resolution that was read, `dpi_assumed` whether the size of the page is
    a guess. `agreement` is how well the text layer matches what is visible, 0-1, None where there is none.
    A page that could not be read has no lines and says why in `problems`.
    """

    number: int
    width: float
    height: float
    rotation: int = 0
    skew: float = 0.0
    dpi: float = 0.0
    dpi_assumed: bool = False
    drawn_by: str = ""
    text_source: TextSource = "ocr"
    agreement: float | None = None
    tiles: tuple[Tile, ...] = ()
    lines: tuple[Line, ...] = ()
    regions: tuple[Region, ...] = ()
    tables: tuple[Table, ...] = ()
    key_values: tuple[KeyValue, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the page could not be read at all."""
        return bool(self.problems) and not self.tiles

    @cached_property
    def lines_by_id(self) -> Mapping[str, Line]:
        """The lines by their id."""
        return {line.id: line for line in self.lines}

    @cached_property
    def text(self) -> str:
        """Everything on the page in reading order: a line per line, a blank line between regions."""
        blocks = (
            "\n".join(self.lines_by_id[line_id].text for line_id in region.line_ids)
            for region in self.regions
            if region.line_ids
        )
        return "\n\n".join(blocks)

    def table_of(self, region: Region) -> Table | None:
        """Return the table that fills `region`, if there is one."""
        return next((table for table in self.tables if table.region_id == region.id), None)


@dataclass(frozen=True, slots=True)
class Source:
    """The file that was read; `sha256` in hex, `bytes` its size."""

    filename: str
    sha256: str
    media_type: str
    bytes: int


@dataclass(frozen=True)
class Document:
    """A whole file as read; `engines` maps a role (ocr, layout, raster) to `name version`."""

    source: Source
    pages: Sequence[Page]
    engines: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """All pages' text; pages are separated by a form feed, as pdftotext does."""
        return "\f".join(page.text for page in self.pages)

    @property
    def problems(self) -> tuple[tuple[int, Problem], ...]:
        """Every problem with the number of its page."""
        return tuple((page.number, problem) for page in self.pages for problem in page.problems)

    def ask(self, question: str) -> Answer:
        """Answer a question with the words it rests on (see `docproc.qa`); raises Usage for an empty one.

        For several questions to a long document make one `docproc.qa.Index`.
        """
        from docproc.qa import Index  # noqa: PLC0415  (made of documents)

        return Index.of(self.pages).ask(question)

    def to_markdown(self) -> str:
        """Return the document as Markdown (see `docproc.exports.markdown`)."""
        return self._export("markdown")

    def to_json(self) -> str:
        """Return the document as JSON in the published schema (see `docproc.exports.json`)."""
        return self._export("json")

    def _export(self, name: str) -> str:
        from docproc.exports import EXPORTS  # noqa: PLC0415  (exports are made of documents)

        return EXPORTS[name].write(self, None).decode("utf-8")
