"""Labelled documents: the rows of a `labels.jsonl`, typed. Missing keys mean that nothing is known.

A set is a folder `NAME/dev/labels.jsonl` or `NAME/labels.jsonl`; `file` in a row is relative to NAME, or to
the folder of the labels. Boxes stay as they are labelled: pixels of the image as stored, or points for PDFs;
`Truth.place` turns them into points once the page has been read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docproc.document import Page
from docproc.errors import Rejected
from docproc.geometry import Box
from docproc.synth.things import Thing, around

Row = Mapping[str, Any]
LABELS = "labels.jsonl"


@dataclass(frozen=True, slots=True)
class TruthText:
    """A labelled word, phrase or line; `box` as labelled, `page` from 1."""

    text: str
    box: Box
    page: int = 1
    label: str = ""
    """The field that it is the value of."""


@dataclass(frozen=True, slots=True)
class TruthQuestion:
    """A question with the answers that are right; none: the document does not say."""

    question: str
    answers: tuple[str, ...]
    field: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class TruthRegion:
    """A labelled region with the set's own label."""

    label: str
    box: Box
    page: int = 1


@dataclass(frozen=True, slots=True)
class TruthCell:
    """A labelled cell; `row` and `column` count from 0."""

    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    header: bool = False


def compact(cells: Iterable[TruthCell]) -> list[TruthCell]:
    """Return the cells on the grid of those rows and columns in which one of them starts, from 0.

    Labels skip empty rows and columns or count from 1 as they please; where nothing starts, nothing is.
    """
    cells = list(cells)
    rows = _ranks(cell.row for cell in cells)
    columns = _ranks(cell.column for cell in cells)
    return [
        replace(
            cell,
            row=rows[cell.row],
            column=columns[cell.column],
            row_span=sum(cell.row <= row < cell.row + cell.row_span for row in rows),
            column_span=sum(cell.column <= column < cell.column + cell.column_span for column in columns),
        )
        for cell in cells
    ]


def _ranks(numbers: Iterable[int]) -> dict[int, int]:
    return {number: rank for rank, number in enumerate(sorted(set(numbers)))}


@dataclass(frozen=True, slots=True)
class TruthTable:
    """A labelled table; `boxes` are (page, box) of its parts, empty where the label has none."""

    cells: tuple[TruthCell, ...]
    boxes: tuple[tuple[int, Box], ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one document. `size` is (width, height) in pixels of an image, None for a PDF."""

    path: Path
    size: tuple[float, float] | None = None
    text: str | None = None
    texts: tuple[TruthText, ...] = ()
    regions: tuple[TruthRegion, ...] = ()
    tables: tuple[TruthTable, ...] = ()
    facts: tuple[Row, ...] = ()
    fields: Row = field(default_factory=dict)
    questions: tuple[TruthQuestion, ...] = ()
    expect: str = ""
    kind: str = ""
    captions: tuple[str, ...] = ()
    """A sentence for each page."""
    things: tuple[tuple[int, Thing], ...] = ()
    """Page and thing, its outline in the coordinates of the labels."""
    rotation: int = 0
    """Degrees clockwise by which the file must be turned to stand upright."""

    def place(self, box: Box, page: Page) -> Box:
        """Return a labelled box in points of `page` as it was read, turned as the page was."""
        width, height = page.width, page.height
        if page.rotation % 180:
            width, height = height, width
        size = self.size or (width, height)
        turned = [_turn(corner, size, page.rotation) for corner in box.corners]
        width, height = size[::-1] if page.rotation % 180 else size
        if not (width and height):
            return box
        return Box.around((x * page.width / width, y * page.height / height) for x, y in turned)


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A named set. `upper_case` says that its text has no small letter, so that case means nothing."""

    name: str
    truths: tuple[Truth, ...]

    @property
    def upper_case(self) -> bool:
        """Whether no label has a small letter."""
        texts = [truth.text for truth in self.truths if truth.text]
        return bool(texts) and not any(letter.islower() for text in texts for letter in text)

    @property
    def region_labels(self) -> frozenset[str]:
        """Every region label that occurs."""
        return frozenset(region.label for truth in self.truths for region in truth.regions)


def load(folder: Path) -> list[LabelledSet]:
    """Return the set in `folder`, or the sets in the folders below it, by name.

    Raises Rejected when there is none, or a row is broken.
    """
    own = _labels_of(folder)
    found = [folder] if own else sorted(one for one in folder.glob("*/") if _labels_of(one))
    if not found:
        raise Rejected(f"There are no labels in {folder}.", hint=f"A set is a folder with dev/{LABELS}.")
    return [_load_set(one) for one in found]


def parse(row: Row, folder: Path) -> Truth:
    """Return a row as truth; `folder` is where `file` starts. Raises KeyError, TypeError or ValueError."""
    width, height = row.get("width"), row.get("height")
    return Truth(
        path=folder / row["file"],
        size=(float(width), float(height)) if width and height else None,
        text=row.get("text"),
        texts=tuple(
            TruthText(one["text"], _box(one["box"]), one.get("page", 1), str(one.get("label") or ""))
            for one in row.get("words", ())
            if one.get("box")
        ),
        regions=tuple(
            TruthRegion(one["label"], _box(one["box"]), one.get("page", 1)) for one in row.get("regions", ())
        ),
        tables=tuple(_table(one, row.get("regions", ())) for one in row.get("tables", ())),
        facts=tuple(row.get("tests", ())),
        fields=dict(row.get("fields") or {}),
        questions=tuple(
            TruthQuestion(one["q"], tuple(one.get("answers", ())), one.get("field", ""), one.get("kind", ""))
            for one in row.get("questions", ())
        ),
        expect=row.get("expect", ""),
        kind=str(row.get("kind") or ""),
        captions=tuple(row.get("captions", ())),
        things=tuple((one.get("page", 1), _thing(one)) for one in row.get("objects", ())),
        rotation=int(row.get("rotation") or 0),
    )


def _labels_of(folder: Path) -> Path | None:
    return next((path for path in (folder / "dev" / LABELS, folder / LABELS) if path.is_file()), None)


def _load_set(folder: Path) -> LabelledSet:
    labels = _labels_of(folder)
    assert labels is not None  # noqa: S101  (load() has looked)
    return LabelledSet(folder.resolve().name, tuple(_rows(labels, folder)))


def _rows(labels: Path, folder: Path) -> Iterator[Truth]:
    for number, line in enumerate(labels.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            home = folder if (folder / row["file"]).exists() else labels.parent
            yield parse(row, home)
        except (KeyError, TypeError, ValueError) as error:
            hint = "The README of the labelled sets says what a row holds."
            raise Rejected(f"{labels}, line {number}: {error!r}.", hint=hint) from None


def _box(sides: Sequence[float]) -> Box:
    x0, y0, x1, y1 = sides
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _thing(row: Row) -> Thing:
    """Return an object; its polygons are x, y, x, y, ... as COCO writes them, its outline without any is its box."""
    parts = [tuple(zip(part[::2], part[1::2], strict=True)) for part in row.get("segmentation", ())]
    values = tuple((str(series), str(name), float(value)) for series, name, value in row.get("values", ()))
    return Thing(row["label"], tuple(parts) or around(_box(row["box"])), row.get("text", ""), values)


def _table(row: Row, regions: Sequence[Row]) -> TruthTable:
    name = row.get("table")
    if row.get("box"):
        boxes = [(row.get("page", 1), _box(row["box"]))]
    else:
        mine = [one for one in regions if name is not None and one.get("table") == name]
        boxes = [(one.get("page", 1), _box(one["box"])) for one in mine]
    return TruthTable(tuple(_cell(one) for one in row.get("cells", ())), tuple(boxes))


def _cell(row: Row) -> TruthCell:
    return TruthCell(
        row["row"],
        row["col"],
        row.get("rowspan", 1),
        row.get("colspan", 1),
        row.get("text", ""),
        bool(row.get("header", False)),
    )


def _turn(point: tuple[float, float], size: tuple[float, float], rotation: int) -> tuple[float, float]:
    """Return where a point of a (width, height) image lies after it was turned clockwise by `rotation`."""
    (x, y), (width, height) = point, size
    return {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}[rotation % 360]
