"""Pages of one design each: running text, columns, tables, lists, small print."""

from __future__ import annotations

from typing import Any

from docproc.geometry import Box
from docproc.synth.flow import Flow
from docproc.synth.sheet import GREY, Sheet, Style
from docproc.synth.tables import Entry, Rows, Rules, draw_table, table_height
from docproc.synth.words import ITEMS, Writer

BOOK = Style("tiro", 11.0, leading=1.3)
SANS = Style("helv", 9.5, leading=1.35)
FACES = (
    BOOK,
    BOOK,
    Style("noto", 9.5, leading=1.5),
    Style("helv", 10.0, leading=1.4),
    Style("cour", 10.0, leading=1.3),
)
"""What a printed page is set in; the book face is twice as likely."""


def head(sheet: Sheet, left: str, right: str, *, margin: float = 70.0) -> None:
    """Write the running header with a rule below it: the first region of a page."""
    style = Style("helv", 8.0, GREY)
    edge = sheet.box.right - margin
    lines = [sheet.write(margin, 44, left, style), sheet.write(edge, 44, right, style, align="right")]
    sheet.region("page-header", lines)
    sheet.rule((margin, 50), (edge, 50), 0.4)


def page_number(sheet: Sheet, number: int) -> None:
    """Write the page number at the foot: the last region of a page."""
    style = Style("helv", 8.0, GREY)
    line = sheet.write(sheet.box.right / 2, sheet.box.bottom - 34, str(number), style, align="center")
    sheet.region("page-footer", [line])


def draw_print(document: Any, writer: Writer) -> list[Sheet]:
    """Draw one page of a book or a typescript: header, headings, justified paragraphs, page number."""
    sheet = Sheet(document)
    random = writer.random
    body = random.choice(FACES)
    heading = Style("hebo" if body.font == "helv" else "tibo", body.size + 3.5)
    head(sheet, writer.heading(1), writer.date())
    flow = Flow([(sheet, Box(70, 74, 525, 786))])
    flow.add("section-header", writer.heading(1), heading, gap=10)
    paragraphs = 0
    while not flow.full:
        paragraphs += 1
        if paragraphs % 4 == 0:
            flow.add("section-header", writer.heading(), heading, gap=7)
        text = writer.paragraph(random.randint(3, 7))
        flow.add("text", text, body, gap=8, justify=body.font != "cour")
    page_number(sheet, random.randint(2, 380))
    return [sheet]


def draw_columns(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a page of two or three columns below a title over all of them."""
    sheet = Sheet(document)
    count, gutter, left, right = writer.random.choice((2, 3)), 20.0, 56.0, 539.0
    body = Style("tiro", 10.0 if count == 2 else 9.0, leading=1.2)
    head(sheet, writer.company(), writer.date(), margin=left)
    title = Flow([(sheet, Box(left, 66, right, 140))])
    title.add("title", writer.heading(1), Style("tibo", 20.0, leading=1.15))
    width = (right - left - gutter * (count - 1)) / count
    starts = [left + index * (width + gutter) for index in range(count)]
    flow = Flow([(sheet, Box(x, 130, x + width, 790)) for x in starts])
    while not flow.full:
        flow.add("section-header", writer.heading(), Style("hebo", body.size + 1.5), gap=4)
        for _ in range(writer.random.randint(1, 3)):
            flow.add("text", writer.paragraph(writer.random.randint(2, 6)), body, gap=5, justify=True)
    page_number(sheet, writer.random.randint(1, 40))
    return [sheet]


def draw_list(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a page of bulleted and numbered lists between paragraphs."""
    sheet = Sheet(document)
    head(sheet, "House rules", writer.date())
    flow = Flow([(sheet, Box(70, 74, 525, 786))])
    flow.add("title", writer.heading(1), Style("hebo", 17.0), gap=10)
    for mark in ("•", "1.", "-"):
        flow.add("section-header", writer.heading(), Style("hebo", 12.0), gap=6)
        flow.add("text", writer.paragraph(2), SANS)
        count = writer.random.randint(3, 6)
        flow.bullets([writer.sentence() for _ in range(count)], SANS, mark=mark)
    page_number(sheet, 1)
    return [sheet]


def draw_small_print(document: Any, writer: Writer) -> list[Sheet]:
    """Draw two columns of numbered conditions in 5 to 6 point type."""
    sheet = Sheet(document)
    body = Style(writer.random.choice(("helv", "tiro")), writer.random.choice((5.0, 5.5, 6.0)), leading=1.2)
    flow = Flow([(sheet, Box(50, 50, 537, 76))])
    flow.add("title", "General conditions of " + writer.company(), Style("hebo", 13.0))
    flow = Flow([(sheet, Box(50, 84, 286, 800)), (sheet, Box(304, 84, 540, 800))])
    number = 0
    while not flow.full:
        number += 1
        flow.add("section-header", f"{number}. {writer.heading()}", body.bold(), gap=1.5)
        flow.add("text", writer.paragraph(writer.random.randint(3, 8)), body, gap=5, justify=True)
    return [sheet]


def draw_table_page(document: Any, writer: Writer) -> list[Sheet]:
    """Draw three tables with captions: one with spanning cells and a grid, one booktabs, one striped."""
    sheet = Sheet(document)
    head(sheet, "Figures of the year", writer.date())
    flow = Flow([(sheet, Box(70, 74, 525, 786))])
    flow.add("section-header", writer.heading(1), Style("hebo", 13.0), gap=8)
    caption = Style("heit", 8.5)
    makers: list[tuple[Rules, Rows]] = [
        ("grid", spanned_rows(writer)),
        ("booktabs", figure_rows(writer, writer.random.randint(4, 7))),
        ("stripes", item_rows(writer, writer.random.randint(4, 8))),
    ]
    for number, (rules, rows) in enumerate(makers, start=1):
        flow.add("text", writer.paragraph(2), SANS, gap=10)
        flow.add("caption", f"Table {number}. {writer.heading(1)}", caption, gap=4)
        widths = [2.2, *[1.0] * (len(rows[0]) - 1)]
        if place := flow.reserve(table_height(455, rows, widths, SANS), gap=16):
            draw_table(*place, rows, widths, style=SANS, rules=rules)
    page_number(sheet, writer.random.randint(3, 60))
    return [sheet]


def spanned_rows(writer: Writer) -> Rows:
    """Return a header of two rows with spans over four columns, then groups that span rows."""
    year = writer.random.randint(2015, 2024)
    rows: list[list[Entry | None]] = [
        [
            Entry("Place", row_span=2, bold=True),
            Entry("Use", row_span=2, bold=True),
            Entry(f"Readings {year}", column_span=2, align="center", bold=True),
            None,
        ],
        [None, None, Entry("Spring", align="right", bold=True), Entry("Autumn", align="right", bold=True)],
    ]
    for place in writer.random.sample(("Millbrook", "Oakhollow", "Saltmere", "Thornwick"), 3):
        rows.append([Entry(place, row_span=2), Entry("Day"), *_numbers(writer, 2)])
        rows.append([None, Entry("Night"), *_numbers(writer, 2)])
    return rows


def figure_rows(writer: Writer, count: int) -> Rows:
    """Return a header and so many rows of figures; some places are empty."""
    names = [Entry("Site", bold=True)] + [
        Entry(name, align="right", bold=True) for name in ("Count", "Mean", "Share")
    ]
    rows: list[list[Entry | None]] = [list(names)]
    for _ in range(count):
        share = f"{writer.random.randint(0, 99)}.{writer.random.randint(0, 9)} %"
        empty = writer.random.random() < 0.15
        rows.append([Entry(writer.place()), *_numbers(writer, 2), Entry("" if empty else share, align="right")])
    return rows


def item_rows(writer: Writer, count: int) -> Rows:
    """Return a price list: item, quantity, price."""
    names = [Entry("Item", bold=True)] + [Entry(name, align="right", bold=True) for name in ("Quantity", "Price")]
    rows: list[list[Entry | None]] = [list(names)]
    for item in writer.random.sample(ITEMS, count):
        quantity = str(writer.random.randint(1, 40))
        rows.append([Entry(item), Entry(quantity, align="right"), Entry(writer.money(), align="right")])
    return rows


def _numbers(writer: Writer, count: int) -> list[Entry]:
    return [Entry(f"{writer.random.randint(40, 9_999):,}", align="right") for _ in range(count)]
