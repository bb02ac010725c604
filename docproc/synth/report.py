"""A born-digital report of two pages in two columns: title, sections, figure, table, list, footnote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docproc.geometry import Box
from docproc.synth.flow import Flow, foot
from docproc.synth.pages import figure_rows, head, page_number
from docproc.synth.sheet import BLACK, GREY, Color, Sheet, Style
from docproc.synth.tables import Rows, draw_table, table_height
from docproc.synth.things import around
from docproc.synth.words import MONTHS, Writer

LEFT, RIGHT, GUTTER = 58.0, 537.0, 22.0
TOP, BOTTOM = 72.0, 782.0
BODY = Style("tiro", 10.0, leading=1.22)
HEADING = Style("hebo", 11.5)
CAPTION = Style("tiit", 8.5)
NOTE = Style("tiro", 8.0)
CELL = Style("helv", 8.5, leading=1.45)
BARS: tuple[Color, Color] = ((0.16, 0.40, 0.58), (0.87, 0.55, 0.20))


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `mark` "1." numbers it."""

    items: tuple[str, ...]
    mark: str = "•"


@dataclass(frozen=True, slots=True)
class Chart:
    """Two series of bars over the first months of the year, in percent of the scale, with its caption."""

    caption: str
    names: tuple[str, str]
    series: tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Figures:
    """A table with its caption; the first row is the header."""

    caption: str
    rows: Rows


Block = str | Bullets | Chart | Figures


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says; `sections` are headings with their blocks, `note` the footnote of its first page."""

    title: str
    authors: str
    summary: str
    date: str
    note: str
    sections: tuple[tuple[str, tuple[Block, ...]], ...]


def draw_report(document: Any, writer: Writer) -> list[Sheet]:
    """Draw an invented report."""
    return typeset(document, _invented(writer))


def typeset(document: Any, report: Report) -> list[Sheet]:
    """Set a report on two pages; what finds no room is left out."""
    first, second = Sheet(document), Sheet(document)
    for sheet in (first, second):
        head(sheet, report.title, report.date, margin=LEFT)
    top = _title(first, report)
    columns = [
        (first, column(0, top)),
        (first, column(1, top, BOTTOM - 44)),
        (second, column(0)),
        (second, column(1)),
    ]
    flow = Flow(columns)
    for number, (heading, blocks) in enumerate(report.sections, start=1):
        flow.add("section-header", f"{number} {heading}", HEADING, gap=4)
        for block in blocks:
            _add(flow, block)
    _note(first, report.note)
    page_number(first, 1)
    page_number(second, 2)
    return [first, second]


def column(index: int, top: float = TOP, bottom: float = BOTTOM) -> Box:
    """Return the left (0) or right (1) column."""
    width = (RIGHT - LEFT - GUTTER) / 2
    left = LEFT + index * (width + GUTTER)
    return Box(left, top, left + width, bottom)


def _title(sheet: Sheet, report: Report) -> float:
    flow = Flow([(sheet, Box(LEFT, TOP, RIGHT, 240))])
    flow.add("title", report.title, Style("hebo", 20.0, leading=1.15), gap=8)
    flow.add("text", report.authors, BODY.italic(), gap=8)
    flow.add("text", report.summary, Style("helv", 9.0, leading=1.35), gap=14)
    place = flow.reserve(0)
    return place[1].top if place else 240.0


def _note(sheet: Sheet, text: str) -> None:
    place = column(1)
    height = len(NOTE.wrap(text, place.width)) * NOTE.step
    sheet.rule((place.left, BOTTOM - height - 6), (place.left + 70, BOTTOM - height - 6), 0.4)
    sheet.region("footnote", foot(sheet, place, text, NOTE))


def _add(flow: Flow, block: Block) -> None:
    if isinstance(block, str):
        flow.add("text", block, BODY, justify=True)
    elif isinstance(block, Bullets):
        flow.bullets(block.items, BODY, mark=block.mark)
    elif isinstance(block, Figures):
        _table(flow, block)
    elif place := flow.reserve(150, gap=6):
        _chart(*place, block)
        flow.add("caption", block.caption, CAPTION, gap=10)


def _table(flow: Flow, figures: Figures) -> None:
    widths = [1.7, *[1.0] * (len(figures.rows[0]) - 1)]
    height = table_height(column(0).width, figures.rows, widths, CELL)
    flow.keep(height + 16)
    flow.add("caption", figures.caption, CAPTION, gap=4)
    if place := flow.reserve(height, gap=14):
        draw_table(*place, figures.rows, widths, style=CELL, rules="booktabs")


def _chart(sheet: Sheet, whole: Box, chart: Chart) -> None:
    """Draw the bars with their axes and legend."""
    plot = Box(whole.left + 24, whole.top + 14, whole.right - 4, whole.bottom - 16)
    style = Style("helv", 7.5, GREY)
    lines = []
    for step in range(5):
        y = plot.bottom - plot.height * step / 4
        sheet.canvas.draw_line((plot.left, y), (plot.right, y), color=(0.8, 0.8, 0.82), width=0.4)
        lines.append(sheet.write(plot.left - 4, y + 2.6, str(25 * step), style, align="right"))
    for bars, color, start in zip(chart.series, BARS, (-0.34, 0.0), strict=True):
        _bars(sheet, plot, bars, color, start)
    slot = plot.width / len(chart.series[0])
    for index, month in enumerate(MONTHS[: len(chart.series[0])]):
        x = plot.left + slot * (index + 0.5)
        lines.append(sheet.write(x, plot.bottom + 10, month[:3], style, align="center"))
    sheet.canvas.draw_line((plot.left, plot.bottom), (plot.right, plot.bottom), color=BLACK, width=0.7)
    x = plot.left
    for name, color in zip(chart.names, BARS, strict=True):
        sheet.fill(Box(x, plot.top - 12, x + 6, plot.top - 6), color)
        lines.append(sheet.write(x + 9, plot.top - 6, name, style))
        x = lines[-1].box.right + 14
    sheet.region("picture", lines, whole)
    values = [
        (name, month[:3], round(value, 1))
        for name, bars in zip(chart.names, chart.series, strict=True)
        for month, value in zip(MONTHS, bars, strict=False)
    ]
    sheet.thing("bar chart", around(whole), values=values)


def _bars(sheet: Sheet, plot: Box, bars: Sequence[float], color: Color, start: float) -> None:
    """Draw one series; `start` is where its bars begin, in slots from the middle of each slot."""
    slot = plot.width / len(bars)
    for index, percent in enumerate(bars):
        left = plot.left + slot * (index + 0.5 + start)
        top = plot.bottom - plot.height * percent / 100
        sheet.fill(Box(left, top, left + slot * 0.32, plot.bottom), color)


def _invented(writer: Writer) -> Report:
    """Return a report of fluent nonsense that fills two pages."""
    random = writer.random

    def text(sentences: int = 4) -> str:
        return writer.paragraph(sentences)

    def sentences() -> tuple[str, ...]:
        return tuple(writer.sentence() for _ in range(4))

    def bars() -> tuple[float, ...]:
        return tuple(random.uniform(15, 95) for _ in range(6))

    chart = Chart(f"Figure 1. {writer.heading(1)}, by month", ("North", "South"), (bars(), bars()))
    table = Figures(f"Table 1. Readings by site, {random.choice(MONTHS)}", figure_rows(writer, 8))
    return Report(
        title=writer.heading(1),
        authors=f"{writer.name()}, {writer.name()} and {writer.name()} · {writer.place()} Institute of Works",
        summary=text(2),
        date=writer.date(),
        note="¹ " + writer.sentence(),
        sections=(
            ("Background", (text(), text(3) + " The survey follows an older one.¹")),
            ("What was measured", (text(), Bullets(sentences()), chart, text(), text(), text())),
            ("Results", (text(5), text(), table, text(5))),
            ("Discussion", (text(), text(), text(), text())),
            ("Next steps", (text(3), Bullets(sentences(), "1."), *(text() for _ in range(8)))),
        ),
    )
