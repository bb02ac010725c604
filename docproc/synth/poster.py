"""Posters: headings a hand high, and small print of 5 to 6 points scattered over a huge sheet."""

from __future__ import annotations

from typing import Any

from docproc.geometry import Box
from docproc.synth.flow import Flow
from docproc.synth.sheet import GREY, Sheet, Style
from docproc.synth.words import Writer

A1 = (1684.0, 2384.0)
A0 = (2384.0, 3370.0)


def draw_poster_a1(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a poster on A1."""
    return [_poster(document, writer, A1, columns=3)]


def draw_poster_a0(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a poster on A0."""
    return [_poster(document, writer, A0, columns=4)]


def _poster(document: Any, writer: Writer, size: tuple[float, float], columns: int) -> Sheet:
    width, height = size
    sheet = Sheet(document, width, height)
    margin, gutter = width * 0.05, width * 0.03
    sheet.fill(Box(0, 0, width, height * 0.16), (0.90, 0.93, 0.96))
    title = Flow([(sheet, Box(margin, height * 0.035, width - margin, height * 0.15))])
    title.add("title", writer.heading(1), Style("hebo", width / 21, leading=1.15))
    title.add("text", f"{writer.name()} and {writer.name()}, {writer.place()}", Style("helv", width / 60))
    step = (width - 2 * margin + gutter) / columns
    for index in range(columns):
        left = margin + index * step
        _column(sheet, writer, Box(left, height * 0.19, left + step - gutter, height * 0.95))
    imprint = f"Printed in {writer.place()}. {writer.sentence()}"
    line = sheet.write(width - margin, height * 0.985, imprint, Style("helv", 5.0, GREY), align="right")
    sheet.region("page-footer", [line])
    return sheet


def _column(sheet: Sheet, writer: Writer, column: Box) -> None:
    """Fill a column with sections: a heading, large text, a coloured panel, notes in small print."""
    random, large = writer.random, sheet.box.right / 90
    flow = Flow([(sheet, column)])
    while not flow.full:
        flow.add("section-header", writer.heading(), Style("hebo", large * 2.0), gap=large * 0.6)
        flow.add("text", writer.paragraph(2), Style("helv", large, leading=1.35), gap=large)
        if place := flow.reserve(large * random.uniform(7, 14), gap=large * 0.4):
            _panel(*place, writer)
        small = Style(random.choice(("helv", "tiro")), random.choice((5.0, 5.5, 6.0)), leading=1.25)
        for _ in range(random.randint(1, 2)):
            flow.add("text", writer.paragraph(random.randint(2, 5)), small, gap=large * 1.6)


def _panel(sheet: Sheet, box: Box, writer: Writer) -> None:
    """Draw a coloured panel with discs, and one note in small print somewhere on it."""
    random = writer.random
    tone = random.uniform(0.80, 0.92)
    sheet.fill(box, (tone, tone, min(tone + 0.06, 1.0)))
    for _ in range(random.randint(4, 9)):
        radius = random.uniform(0.06, 0.16) * box.height
        x = random.uniform(box.left + radius, box.right - radius)
        y = random.uniform(box.top + radius, box.bottom - radius)
        color = (random.uniform(0.3, 0.7), random.uniform(0.4, 0.7), random.uniform(0.5, 0.9))
        sheet.canvas.draw_circle((x, y), radius, color=color, fill=color)
    style = Style("helv", 6.0)
    note = writer.sentence()
    length = style.width(note)
    if length > box.width - 20:
        sheet.region("picture", box=box)
        return
    x = random.uniform(box.left + 8, box.right - length - 8)
    y = random.uniform(box.top + 10, box.bottom - 8)
    sheet.fill(Box(x - 4, y - 8, x + length + 4, y + 4), (1, 1, 1))
    sheet.region("picture", [sheet.write(x, y, note, style)], box)
