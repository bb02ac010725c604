"""Examples from labelled documents: sets in the format that `docproc evaluate` reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from docproc.document import Cell, Label, Line, Page, Region, Table, Word
from docproc.errors import DocprocError
from docproc.evaluate.dataset import Truth, TruthQuestion, TruthTable, TruthText, compact, load
from docproc.geometry import Box
from docproc.intake import open_upload
from docproc.learn.dataset import Example
from docproc.learn.examples import LAYOUT, Known, Plan, examples_of, kept
from docproc.learn.splits import name_of
from docproc.learn.windows import rows_of
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.synth.asked import Asked

COMPLETE = 0.97
"""Share of a document's text that its labelled words must make up for its text to be learned."""
APART = 1.5
"""Words of a row further apart than so many times their height belong to different lines."""


def examples(folder: Path, settings: Settings, out: Path, plan: Plan) -> Iterator[tuple[list[Example], str]]:
    """Yield the examples of each labelled document in `folder`, and why there are none where it cannot be read.

    Documents that do not stand upright are left out, and so is what the labels do not say: text that they give in
    part, regions of other classes than DocLayNet's. Raises Rejected when there are no labels.
    """
    with Sandbox(settings) as sandbox:
        for labelled in load(folder):
            for truth in labelled.truths:
                try:
                    yield _examples(truth, labelled.name, sandbox, settings, out, plan), ""
                except DocprocError as error:
                    yield [], f"{truth.path}: {error}"


def _examples(truth: Truth, kind: str, sandbox: Sandbox, settings: Settings, out: Path, plan: Plan) -> list[Example]:
    if truth.expect or truth.rotation % 360:
        return []
    name = name_of(truth.path)
    upload = open_upload(truth.path, sandbox, settings=settings)
    found = []
    for number in range(1, upload.pages + 1):
        image = rasterize(upload, number, sandbox, settings=settings).image
        known = _known(truth, image, number, only=upload.pages == 1)
        random = Random(f"examples/{name}/{number}")  # noqa: S311  (no secret)
        made = examples_of(known, plan, random)
        found += [kept(one, out, document=name, kind=truth.kind or kind, source="evaluation") for one in made]
    return found


def _known(truth: Truth, image: PageImage, number: int, *, only: bool) -> Known:
    bare = Page(number, image.box.right, image.box.bottom)
    lines = tuple(_lines([one for one in truth.texts if one.page == number], truth, bare))
    said = sum(len(one.text.split()) for one in truth.texts)
    whole = truth.text is not None and said >= COMPLETE * len(truth.text.split())
    regions = [one for one in truth.regions if one.page == number]
    tables = [table for table in truth.tables if any(page == number for page, _ in table.boxes)]
    page = replace(
        bare,
        lines=lines,
        regions=tuple(
            Region(f"r{index}", _label(one.label), truth.place(one.box, bare), index)
            for index, one in enumerate(regions)
            if one.label in LAYOUT
        ),
        tables=tuple(_table(table, truth, bare) for table in tables),
    )
    return Known(
        image=image,
        page=page,
        asked=[_asked(one, lines) for one in truth.questions] if only else (),
        caption=truth.captions[number - 1] if number <= len(truth.captions) else "",
        sure_lines=None if whole else frozenset(),
        layout=bool(regions) and all(one.label in LAYOUT for one in regions),
        things=[
            replace(one, outline=tuple(tuple(_point(point, truth, bare) for point in part) for part in one.outline))
            for page_number, one in truth.things
            if page_number == number
        ]
        or None,
    )


def _point(point: tuple[float, float], truth: Truth, page: Page) -> tuple[float, float]:
    placed = truth.place(Box(*point, *point), page)
    return placed.left, placed.top


def _label(name: str) -> Label:
    return name  # type: ignore[return-value]  # one of LAYOUT, which are the labels


def _lines(texts: Sequence[TruthText], truth: Truth, page: Page) -> Iterator[Line]:
    """Yield the labelled words in lines: rows, parted where the gap is wide."""
    words = []
    for index, one in enumerate(texts):
        box = truth.place(one.box, page)
        words.append(Word(f"w{index}", " ".join(one.text.split()), box, box.corners, 1.0))
    lines: list[list[Word]] = []
    for row in rows_of([word for word in words if word.text and word.box.area > 0]):
        for word in row:
            last = lines[-1][-1] if lines and word is not row[0] else None
            if last and word.box.left - last.box.right <= APART * word.box.height:
                lines[-1].append(word)
            else:
                lines.append([word])
    for number, some in enumerate(lines):
        box = Box.union(word.box for word in some)
        yield Line(f"l{number}", " ".join(word.text for word in some), box, box.corners, 1.0, tuple(some))


def _table(table: TruthTable, truth: Truth, page: Page) -> Table:
    box = Box.union(truth.place(one, page) for number, one in table.boxes if number == page.number)
    cells = compact(table.cells)
    return Table(
        f"t{box.left:.0f}-{box.top:.0f}",
        box,
        max((cell.row + cell.row_span for cell in cells), default=0),
        max((cell.column + cell.column_span for cell in cells), default=0),
        tuple(
            Cell(f"c{index}", one.row, one.column, one.row_span, one.column_span, one.text, box, header=one.header)
            for index, one in enumerate(cells)
        ),
    )


def _asked(one: TruthQuestion, lines: Sequence[Line]) -> Asked:
    """Return a question with the words of its answer, where they stand on the page one after the other."""
    words = [word for line in lines for word in line.words]
    texts = [word.text.strip(" ,;:").casefold() for word in words]
    for answer in one.answers:
        wanted = [part.strip(" ,;:").casefold() for part in answer.split()]
        for start in range(len(texts) - len(wanted) + 1 if wanted else 0):
            if texts[start : start + len(wanted)] == wanted:
                ids = tuple(word.id for word in words[start : start + len(wanted)])
                return Asked(one.question, one.answers, ids, one.kind, one.field)
    return Asked(one.question, one.answers, (), one.kind, one.field)
