"""Documents that the export tests write: every script, every kind of region, and what is easily got wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docproc.document import Cell, Document, KeyValue, Label, Line, Page, Problem, Region, Source, Table, Tile, Word
from docproc.geometry import Box

SIZE = 12.0
"""Height of a line, points."""

SCRIPTS = {
    "latin": "Zażółć gęślą jaźń, naïve café",
    "greek": "Ξεσκεπάζω την ψυχοφθόρα",
    "cyrillic": "Съешь ещё этих булок",
    "arabic": "مرحبا بالعالم",
    "emoji": "done 👍🏽 ok",
    "markup": "<script>alert(1)</script> & *not* _bold_ [x](y)",
}
HAN = "東京都庁"


def a_line(name: str, text: str, left: float, top: float, *, right_to_left: bool = False) -> Line:
    """Return a line of words half as wide as high per character."""
    parts = text.split(" ")
    words, at = [], left
    for index, part in enumerate(reversed(parts) if right_to_left else parts):
        box = Box(at, top, at + len(part) * SIZE / 2, top + SIZE)
        words.append(Word(f"{name}w{index}", part, box, box.corners, 0.9))
        at = box.right + SIZE / 2
    if right_to_left:
        words.reverse()
    box = Box.union(word.box for word in words)
    return Line(name, text, box, box.corners, 0.9, tuple(words))


def han_line(name: str, left: float, top: float) -> Line:
    """Return a line of words with nothing between them."""
    boxes = [Box(left + i * SIZE, top, left + (i + 1) * SIZE, top + SIZE) for i in range(len(HAN))]
    words = tuple(Word(f"{name}w{i}", HAN[i], box, box.corners, 0.8) for i, box in enumerate(boxes))
    box = Box.union(boxes)
    return Line(name, HAN, box, box.corners, 0.8, words)


def region_of(name: str, label: Label, order: int, lines: Sequence[Line]) -> Region:
    """Return the region around these lines."""
    box = Box.union(line.box for line in lines)
    return Region(name, label, box, order, 0.95, tuple(line.id for line in lines))


def page_of(number: int, blocks: Sequence[tuple[Label, Sequence[Line]]], **changes: object) -> Page:
    """Return an A5-like page of these regions in this order."""
    page = Page(
        number=number,
        width=420.0,
        height=595.0,
        dpi=200.0,
        drawn_by="pymupdf",
        tiles=(Tile(Box(0, 0, 420, 595), 200 / 72),),
        lines=tuple(line for _, lines in blocks for line in lines),
        regions=tuple(region_of(f"r{i}", label, i, lines) for i, (label, lines) in enumerate(blocks)),
    )
    return replace(page, **changes)  # type: ignore[arg-type]


def document_of(*pages: Page, media_type: str = "application/pdf") -> Document:
    """Return the document of these pages."""
    source = Source('a "scan" & more.pdf', "ab" * 32, media_type, 1234)
    return Document(source, pages, {"ocr": "fake 1"})


def scripts_page() -> Page:
    """Return a page with a line in each script, each a region."""
    lines = [
        a_line(name, text, 40, 40 + 30 * i, right_to_left=name == "arabic")
        for i, (name, text) in enumerate(SCRIPTS.items())
    ]
    lines.append(han_line("han", 40, 300))
    return page_of(1, [("text", [line]) for line in lines])


def columns_page() -> Page:
    """Return two columns under a title, with a running header and a footnote."""
    left = [a_line(f"l{i}", text, 40, 100 + 15 * i) for i, text in enumerate(["left one begins", "left two exam-"])]
    right = [
        a_line(f"m{i}", text, 230, 100 + 15 * i) for i, text in enumerate(["right one starts", "right two ends"])
    ]
    return page_of(
        1,
        [
            ("page-header", [a_line("h", "Running head", 40, 10)]),
            ("title", [a_line("t", "The Title", 40, 40)]),
            ("section-header", [a_line("s", "A Section", 40, 70)]),
            ("text", [*left, a_line("l2", "ple ends here.", 40, 130)]),
            ("text", right),
            ("list-item", [a_line("b1", "• first", 40, 200)]),
            ("list-item", [a_line("b2", "2. second", 40, 215)]),
            ("formula", [a_line("f", "E = m`c`2", 40, 240)]),
            ("caption", [a_line("c", "Figure 1: a cat", 40, 330)]),
            ("footnote", [a_line("n", "1 a note", 40, 500)]),
            ("page-footer", [a_line("p", "- 7 -", 200, 570)]),
        ],
    )


def picture_page() -> Page:
    """Return a picture with its caption."""
    page = page_of(1, [("caption", [a_line("c", "Figure 1: a cat", 40, 330)])])
    picture = Region("pic", "picture", Box(40, 250, 140, 325), 1)
    return replace(page, regions=(*page.regions, picture))


def table_page() -> Page:
    """Return a 3 x 3 table whose first cell spans two columns and whose last row has an empty place."""
    texts = {
        (0, 0): "Wide | head",
        (0, 2): "Third",
        (1, 0): "a",
        (1, 1): "b\nc",
        (1, 2): "3",
        (2, 0): "d",
        (2, 2): "4",
    }
    lines, cells = [], []
    for (row, column), text in texts.items():
        span = 2 if (row, column) == (0, 0) else 1
        box = Box(40 + 90 * column, 100 + 30 * row, 40 + 90 * (column + span), 130 + 30 * row)
        cells.append(Cell(f"c{row}{column}", row, column, 1, span, text, box, header=row == 0))
        lines.append(a_line(f"t{row}{column}", text.replace("\n", " "), box.left + 5, box.top + 8))
    box = Box(40, 100, 310, 190)
    page = page_of(1, [("table", lines)])
    region = replace(page.regions[0], box=box)
    pair = KeyValue("k", "a", "3", lines[2].box, lines[4].box, ("t10w0",), ("t12w0",), None, 0.5)
    tables = (Table("tab", box, 3, 3, tuple(cells), region.id),)
    return replace(page, regions=(region,), tables=tables, key_values=(pair,))


def empty_page(number: int = 1) -> Page:
    """Return a blank page."""
    return page_of(number, [])


def failed_page(number: int = 1) -> Page:
    """Return a page that could not be read."""
    problem = Problem("parser-crash", "The parser crashed on this page <b>.", "Try --raster poppler.")
    return Page(number, 0.0, 0.0, problems=(problem,))


def hostile_page() -> Page:
    """Return a page whose text has characters that no XML, PDF or terminal should see."""
    return page_of(1, [("text", [a_line("x", "a\x00b\x0bc\ufffe\ud800d ]]> --> end", 40, 40)])])


SAMPLES: dict[str, Document] = {
    "scripts": document_of(scripts_page()),
    "columns": document_of(columns_page()),
    "picture": document_of(picture_page()),
    "table": document_of(table_page()),
    "empty": document_of(empty_page()),
    "failed": document_of(columns_page(), failed_page(2), empty_page(3)),
    "hostile": document_of(hostile_page()),
    "rotated": document_of(replace(columns_page(), rotation=90, skew=1.5)),
    "no pages": document_of(),
}
