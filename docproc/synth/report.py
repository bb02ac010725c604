"""A born-digital report of two pages in two columns: title, sections, figure, table, list, footnote."""

from __future__ import annotations

from typing import Any

from docproc.geometry import Box
from docproc.synth.flow import Flow, foot
from docproc.synth.pages import figure_rows, head, page_number
from docproc.synth.sheet import BLACK, GREY, Color, Sheet, Style
from docproc.synth.tables import draw_table, table_height
from docproc.synth.words import MONTHS, Writer

LEFT, RIGHT, GUTTER = 58.0, 537.0, 22.0
TOP, BOTTOM = 72.0, 782.0
BODY = Style("tiro", 10.0, leading=1.22)
HEADING = Style("hebo", 11.5)
CAPTION = Style("tiit", 8.5)
NOTE = Style("tiro", 8.0)
BARS: tuple[Color, Color] = ((0.16, 0.40, 0.58), (0.87, 0.55, 0.20))


def draw_report(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a report of two pages."""
    running = writer.heading(1)
    first = Sheet(document)
    date = writer.date()
    head(first, running, date, margin=LEFT)
    top = _title(first, writer, running)
    _columns_of_first(first, writer, top)
    page_number(first, 1)
    second = Sheet(document)  # PyMuPDF lets go of the first page here, so that one is finished before
    head(second, running, date, margin=LEFT)
    _columns_of_second(second, writer)
    page_number(second, 2)
    return [first, second]


def column(index: int, top: float = TOP, bottom: float = BOTTOM) -> Box:
    """Return the left (0) or right (1) column."""
    width = (RIGHT - LEFT - GUTTER) / 2
    left = LEFT + index * (width + GUTTER)
    return Box(left, top, left + width, bottom)


def _title(sheet: Sheet, writer: Writer, running: str) -> float:
    flow = Flow([(sheet, Box(LEFT, TOP, RIGHT, 200))])
    flow.add("title", running, Style("hebo", 20.0, leading=1.15), gap=8)
    authors = f"{writer.name()}, {writer.name()} and {writer.name()} · {writer.place()} Institute of Works"
    flow.add("text", authors, Style("tiit", 10.0), gap=8)
    flow.add("text", writer.paragraph(2), Style("helv", 9.0, leading=1.35), gap=14)
    place = flow.reserve(0)
    return place[1].top if place else 200.0


def _columns_of_first(sheet: Sheet, writer: Writer, top: float) -> None:
    flow = Flow([(sheet, column(0, top)), (sheet, column(1, top, BOTTOM - 44))])
    flow.add("section-header", "1 Background", HEADING, gap=4)
    flow.add("text", writer.paragraph(4), BODY, justify=True)
    flow.add("text", writer.paragraph(3) + " The survey follows an older one.¹", BODY, justify=True)
    flow.add("section-header", "2 What was measured", HEADING, gap=4)
    flow.add("text", writer.paragraph(4), BODY, justify=True)
    flow.bullets([writer.sentence() for _ in range(4)], BODY)
    _figure(flow, writer)
    while not flow.full:
        flow.add("text", writer.paragraph(4), BODY, justify=True)
    note = "¹ " + writer.sentence()
    width = column(1).width
    height = len(NOTE.wrap(note, width)) * NOTE.step
    sheet.rule((column(1).left, BOTTOM - height - 6), (column(1).left + 70, BOTTOM - height - 6), 0.4)
    sheet.region("footnote", foot(sheet, column(1), note, NOTE))


def _columns_of_second(sheet: Sheet, writer: Writer) -> None:
    flow = Flow([(sheet, column(0)), (sheet, column(1))])
    flow.add("section-header", "3 Results", HEADING, gap=4)
    flow.add("text", writer.paragraph(5), BODY, justify=True)
    flow.add("caption", f"Table 1. Readings by site, {writer.random.choice(MONTHS)}", CAPTION, gap=4)
    rows = figure_rows(writer, 8)
    style = Style("helv", 8.5, leading=1.45)
    widths = [1.7, 1.0, 1.0, 1.0]
    if place := flow.reserve(table_height(column(0).width, rows, widths, style), gap=14):
        draw_table(*place, rows, widths, style=style, rules="booktabs")
    flow.add("text", writer.paragraph(5), BODY, justify=True)
    flow.add("section-header", "4 Discussion", HEADING, gap=4)
    for _ in range(3):
        flow.add("text", writer.paragraph(4), BODY, justify=True)
    flow.add("section-header", "5 Next steps", HEADING, gap=4)
    flow.bullets([writer.sentence() for _ in range(4)], BODY, mark="1.")
    while not flow.full:
        flow.add("text", writer.paragraph(4), BODY, justify=True)


def _figure(flow: Flow, writer: Writer) -> None:
    """Draw a bar chart of two series over six months, its axes written, with a caption below."""
    if place := flow.reserve(150, gap=6):
        sheet, box = place
        _chart(sheet, Box(box.left + 24, box.top + 14, box.right - 4, box.bottom - 16), writer, box)
        flow.add("caption", f"Figure 1. Share of the {writer.heading().lower()} by month", CAPTION, gap=10)


def _chart(sheet: Sheet, plot: Box, writer: Writer, whole: Box) -> None:
    style = Style("helv", 7.5, GREY)
    lines = []
    for step in range(5):
        y = plot.bottom - plot.height * step / 4
        sheet.canvas.draw_line((plot.left, y), (plot.right, y), color=(0.8, 0.8, 0.82), width=0.4)
        lines.append(sheet.write(plot.left - 4, y + 2.6, str(25 * step), style, align="right"))
    slot = plot.width / 6
    for index, month in enumerate(MONTHS[:6]):
        x = plot.left + slot * (index + 0.5)
        for series, color in enumerate(BARS):
            height = plot.height * writer.random.uniform(0.15, 0.95)
            start = x - slot * 0.34 + series * slot * 0.34
            sheet.fill(Box(start, plot.bottom - height, start + slot * 0.32, plot.bottom), color)
        lines.append(sheet.write(x, plot.bottom + 10, month[:3], style, align="center"))
    sheet.canvas.draw_line((plot.left, plot.bottom), (plot.right, plot.bottom), color=BLACK, width=0.7)
    for series, (name, color) in enumerate(zip(("North", "South"), BARS, strict=True)):
        x = plot.left + 60 * series
        sheet.fill(Box(x, plot.top - 12, x + 6, plot.top - 6), color)
        lines.append(sheet.write(x + 9, plot.top - 6, name, style))
    sheet.region("picture", lines, whole)
