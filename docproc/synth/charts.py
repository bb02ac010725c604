"""Bar, line and pie charts whose every value is known, with questions about those that are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, cos, log10, pi, sin
from random import Random
from typing import Literal

from docproc.document import Line
from docproc.geometry import Box
from docproc.synth.asked import Asked
from docproc.synth.sheet import BLACK, GREY, Color, Sheet, Style
from docproc.synth.things import around

Form = Literal["bar chart", "line chart", "pie chart"]
FORMS: tuple[Form, ...] = ("bar chart", "line chart", "pie chart")
PALETTES: tuple[tuple[Color, ...], ...] = tuple(
    tuple((int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255) for code in line.split())
    for line in (
        "296694 de8c33 4d9e5c bf4047 8566a8 73594d",
        "1a1a1f 61616b 94949e bdbdc7 40404d dbdbe0",
        "007373 f2c40f cc5c5c 333380 99bf59 8c4d80",
        "334dbf 668ce6 99bff2 1f2e73 bfcce6 4d7399",
    )
)
MOST_IN_PIE, MOST_SERIES = 6, 3
QUESTIONS = ("What is the value of {name} in {title}?", "How much is {name}?", "What does the chart give for {name}?")
AMONG = ("What is the value of {series} for {name}?", "How high is {series} at {name}?")


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one name, one for each category."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows. Values have one decimal at most; a pie has one series, whose values are percent."""

    form: Form
    title: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]


def invented(form: Form, title: str, categories: Sequence[str], names: Sequence[str], random: Random) -> Chart:
    """Return a chart of random values; a pie takes the first categories and the first name."""
    if form == "pie chart":
        chosen = tuple(categories[:MOST_IN_PIE])
        cuts = [0, *sorted(random.sample(range(4, 97, 4), len(chosen) - 1)), 100]
        return Chart(form, title, chosen, (Series(names[0], tuple(float(b - a) for a, b in pairwise(cuts))),))
    top = random.choice((1.0, 1.0, 10.0, 100.0))
    rows = [
        Series(name, tuple(round(random.uniform(8, 98) * top, 1 if top == 1.0 else 0) for _ in categories))
        for name in names[:MOST_SERIES]
    ]
    return Chart(form, title, tuple(categories), tuple(rows))


def draw_chart(sheet: Sheet, box: Box, chart: Chart, random: Random) -> None:
    """Draw a chart into `box`, at least 120 points wide and 90 high; tell the sheet all about it."""
    palette, small = random.choice(PALETTES), Style("helv", random.choice((6.5, 7.0, 7.5)), GREY)
    bold = Style("hebo", small.size + 1)
    lines = [sheet.write(box.left + 2, box.top + 9, chart.title, bold)]
    printed: dict[tuple[int, int], Line] = {}
    inner = Box(box.left, box.top + 16, box.right, box.bottom)
    if chart.form == "pie chart":
        lines += _pie(sheet, inner, chart, palette, small, printed)
    else:
        lines += _plot(sheet, inner, chart, palette, small, printed, random)
        sheet.thing(chart.form, around(box), chart.title, _values(chart))
    sheet.region("picture", lines, box)
    _ask(sheet, chart, printed, random)


def _values(chart: Chart) -> list[tuple[str, str, float]]:
    return [
        (one.name, name, value)
        for one in chart.series
        for name, value in zip(chart.categories, one.values, strict=True)
    ]


def _pie(
    sheet: Sheet, box: Box, chart: Chart, palette: Sequence[Color], small: Style, printed: dict[tuple[int, int], Line]
) -> list[Line]:
    """Draw sectors clockwise from the top, and the legend with the percentages at the right."""
    radius = min(box.height / 2 - 4, box.width * 0.24)
    center = box.left + radius + 6, box.top + box.height / 2
    lines, angle = [], 0.0
    for index, (name, value) in enumerate(zip(chart.categories, chart.series[0].values, strict=True)):
        start = center[0] + radius * sin(angle), center[1] - radius * cos(angle)
        share = value / 100 * 2 * pi
        corners = [
            (center[0] + radius * sin(angle + share * step / 24), center[1] - radius * cos(angle + share * step / 24))
            for step in range(25)
        ]
        color = palette[index % len(palette)]
        sheet.canvas.draw_polyline(
            [center, start, *corners, center], color=(1, 1, 1), fill=color, width=0.6, closePath=True
        )
        angle += share
        y = box.top + 12 + index * small.step * 1.3
        x = center[0] + radius + 14
        sheet.fill(Box(x, y - 5.5, x + 6, y + 0.5), color)
        lines.append(sheet.write(x + 10, y, name, small))
        printed[0, index] = sheet.write(box.right - 2, y, f"{value:.0f} %", small, align="right")
        lines.append(printed[0, index])
    disc = tuple((center[0] + radius * cos(pi * k / 32), center[1] + radius * sin(pi * k / 32)) for k in range(64))
    sheet.thing("pie chart", [disc], chart.title, _values(chart))
    return lines


def _plot(  # noqa: PLR0913, PLR0917  (a drawing has many parts)
    sheet: Sheet, box: Box, chart: Chart, palette: Sequence[Color], small: Style,
    printed: dict[tuple[int, int], Line], random: Random,
) -> list[Line]:  # fmt: skip
    """Draw axes with their numbers, bars or lines, names below, and the legend where there are several series."""
    several = len(chart.series) > 1
    plot = Box(box.left + 26, box.top + (16 if several else 8), box.right - 4, box.bottom - 14)
    most = max(value for one in chart.series for value in one.values)
    unit = 10 ** int(log10(most))
    top = ceil(most * 1.08 / unit) * unit if most > unit else unit
    lines = _axes(sheet, plot, top, small, random)
    slot = plot.width / len(chart.categories)
    show = random.random() < (0.9 if not several else 0.4) and slot / len(chart.series) > small.width("00.0")
    for row, one in enumerate(chart.series):
        color = palette[row % len(palette)]
        width = slot * 0.7 / len(chart.series)
        points = []
        for column, value in enumerate(one.values):
            left = plot.left + slot * (column + 0.15) + row * width
            y = plot.bottom - plot.height * value / top
            x = left + width / 2
            if chart.form == "bar chart":
                sheet.fill(Box(left, y, left + width * 0.94, plot.bottom), color)
            else:
                x = plot.left + slot * (column + 0.5)
                points.append((x, y))
            if show and (chart.form == "bar chart" or row == 0):
                printed[row, column] = sheet.write(
                    x, y - (2 if chart.form == "bar chart" else 4.5), _number(value), small, align="center"
                )
                lines.append(printed[row, column])
        if points:
            sheet.canvas.draw_polyline(points, color=color, width=random.choice((1.0, 1.4)))
            for x, y in points:
                sheet.canvas.draw_circle((x, y), 1.6, color=color, fill=color)
    for column, name in enumerate(chart.categories):
        size = min(small.size, small.size * (slot - 2) / small.width(name))
        style = Style(small.font, max(size, 4.5), small.color)
        lines.append(sheet.write(plot.left + slot * (column + 0.5), plot.bottom + 9, name, style, align="center"))
    x = plot.left
    for row, one in enumerate(chart.series if several else ()):
        sheet.fill(Box(x, box.top, x + 6, box.top + 6), palette[row % len(palette)])
        lines.append(sheet.write(x + 9, box.top + 6, one.name, small))
        x = lines[-1].box.right + 12
    return lines


def _axes(sheet: Sheet, plot: Box, top: float, small: Style, random: Random) -> list[Line]:
    lines, steps, grid = [], random.choice((4, 5)), random.random() < 0.7
    for step in range(steps + 1):
        y = plot.bottom - plot.height * step / steps
        if grid:
            sheet.canvas.draw_line((plot.left, y), (plot.right, y), color=(0.82, 0.82, 0.85), width=0.4)
        text = _number(round(top * step / steps, 1))
        lines.append(sheet.write(plot.left - 4, y + 2.4, text, small, align="right"))
    sheet.canvas.draw_line((plot.left, plot.bottom), (plot.right, plot.bottom), color=BLACK, width=0.7)
    sheet.canvas.draw_line((plot.left, plot.top), (plot.left, plot.bottom), color=BLACK, width=0.7)
    return lines


def _ask(sheet: Sheet, chart: Chart, printed: dict[tuple[int, int], Line], random: Random) -> None:
    """Ask for up to two printed values."""
    for row, column in random.sample(sorted(printed), min(2, len(printed))):
        line, name = printed[row, column], chart.categories[column]
        wordings = AMONG if len(chart.series) > 1 else QUESTIONS
        question = random.choice(wordings).format(name=name, title=chart.title, series=chart.series[row].name)
        ids = tuple(word.id for word in line.words)
        bare = line.text.removesuffix(" %")
        answers = (line.text,) if bare == line.text else (line.text, bare, f"{bare}%")
        sheet.asked.append(Asked(question, answers, ids, "number"))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:.1f}"
