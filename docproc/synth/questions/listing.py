"""Pages of figures: tables with captions, price lists, menus, schedules, directories."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.synth.questions.data import Split
from docproc.synth.questions.desk import Desk, Pair
from docproc.synth.questions.grid import Grid, ask_cells, invented
from docproc.synth.questions.prose import paragraph, write
from docproc.synth.questions.values import Values
from docproc.synth.sheet import GREY, Style
from docproc.synth.tables import Entry, draw_table, table_height

SIZES = ((595.0, 842.0), (612.0, 792.0), (842.0, 595.0))


def draw_figures(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a page with one or two tables, captions and some text."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(SIZES), values)
    margin = random.uniform(44, 76)
    left, right = margin, desk.sheet.box.right - margin
    bottom = desk.sheet.box.bottom - 60
    y = random.uniform(50, 76)
    for number in range(random.choice((1, 1, 2))):
        grid = invented(values, most=random.choice((5, 9, 14)), years=None if number == 0 else values.chance(0.5))
        if y > bottom - 160 or grid.title in desk.groups or not desk.groups.isdisjoint(grid.rows):
            break
        desk.groups |= {grid.title, *grid.rows}
        style = Style(desk.body.font, random.uniform(11, 16)).bold() if number == 0 else desk.body.bold()
        caption = grid.title if number == 0 else f"Table {number + 1}. {grid.title}"
        line = desk.write(left, y, caption, style)
        desk.region("title" if number == 0 else "caption", [line])
        if number == 0:
            desk.say("title", line.words)
        y += style.step * 0.8
        if values.chance(0.35):
            y = write(desk, paragraph(desk, 1, 1), Box(left, y, right, bottom)) + 10
        y = draw_grid(desk, grid, Box(left, y, right, bottom)) + desk.body.step * 1.5
        if values.chance(0.35) and y < bottom - 20 and not any(fact.field == "source_note" for fact in desk.facts):
            note = Pair("source_note", values.company())
            desk.region("footnote", desk.inline(left, y, [note], Style(desk.body.font, 7.5)))
            y += 26
    _foot(desk, (left, right))
    return desk


def draw_grid(desk: Desk, grid: Grid, box: Box) -> float:
    """Draw a table from the top of `box` and remember what it says; return its lower end."""
    values, random = desk.values, desk.random
    right = values.chance(0.7)
    head = [
        Entry(text, align="right" if right and index else "left", bold=True)
        for index, text in enumerate((grid.head, *grid.names))
    ]
    rows = [head]
    for name, texts in zip(grid.rows, grid.texts, strict=True):
        rows.append(
            [Entry(text, align="right" if right and index else "left") for index, text in enumerate((name, *texts))]
        )
    widths = [1.8, *[1.2] * len(grid.names)]
    style = Style(desk.body.font, random.choice((8.0, 8.5, 9.0, 9.5)), leading=random.uniform(1.25, 2.0))
    while len(rows) > 2 and table_height(box.width, rows, widths, style) > box.height:
        rows.pop()
    wide = Box(
        box.left,
        box.top,
        box.right if values.chance(0.7) else box.left + box.width * random.uniform(0.6, 1),
        box.bottom,
    )
    end = draw_table(
        desk.sheet, wide, rows, widths, style=style, rules=random.choice(("grid", "booktabs", "stripes", "none"))
    ).bottom
    region, table = desk.sheet.regions[-1], desk.sheet.tables[-1]
    found = {(cell.row - 1, cell.column): desk.sheet.words_in(region, cell.box) for cell in table.cells if cell.row}
    ask_cells(desk, grid, found)
    return end


def draw_directory(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a list that is no ruled table: a menu, a schedule, a directory of people."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(SIZES[:2]), values)
    margin = random.uniform(40, 80)
    left, right = margin, desk.sheet.box.right - margin
    grid = invented(values, most=random.choice((6, 10, 16)), wide=3, years=False)
    y = random.uniform(50, 90)
    if values.chance(0.4):
        desk.region("page-header", [desk.write(left, y, values.company(), Style(desk.body.font, 9.0))])
        y += 28
    align, x = random.choice((("left", left), ("center", (left + right) / 2)))
    title = desk.write(x, y, grid.title, Style(desk.body.font, random.uniform(14, 26)).bold(), align=align)
    desk.region("title", [title])
    desk.say("title", title.words)
    y = title.box.bottom + random.uniform(14, 30)
    found = dict[tuple[int, int], Sequence[Word]]()
    layout = desk.layout("directory", 6)
    if layout == 5:
        draw_grid(desk, grid, Box(left, y, right, desk.sheet.box.bottom - 70))
    else:
        _entries(desk, grid, Box(left, y, right, desk.sheet.box.bottom - 70), layout, found)
        ask_cells(desk, grid, found)
    _foot(desk, (left, right))
    return desk


def _entries(desk: Desk, grid: Grid, box: Box, layout: int, found: dict[tuple[int, int], Sequence[Word]]) -> None:
    """Write the rows of a grid as entries of a list.

    `layout`: 0 values at the right, dots between; 1 values in columns without rules; 2 a block for each row with
    labels; 3 first value before the name; 4 blocks in two columns.
    """
    style, y, lines = desk.body, box.top + desk.body.size, list[Line]()
    bold, x, width = style.bold(), box.left, box.width
    if layout in {0, 1, 3} and len(grid.names) > 1:
        heads = (grid.names[0], grid.head, *grid.names[1:]) if layout == 3 else (grid.head, *grid.names)
        lines += _row(desk, heads, (x, x + width), y, dots=False, style=bold)
        y += style.step * 1.3
    for row, (name, texts) in enumerate(zip(grid.rows, grid.texts, strict=True)):
        height = style.step * (1 + (len(texts) if layout in {2, 4} else 0.3))
        if y + height > box.bottom:
            if layout != 4 or x > box.left:
                break
            x, y, width = box.center[0] + 8, box.top + style.size, box.width / 2 - 8
        if layout in {2, 4}:
            width = box.width / 2 - 12 if layout == 4 else box.width
            key = desk.write(x, y, name, bold)
            own = [key]
            for column, (col, text) in enumerate(zip(grid.names, texts, strict=True)):
                y += style.step
                label = f"{desk.colon(col)} " if desk.values.chance(0.8) else ""
                line = desk.write(x + 8, y, label + text, style)
                found[row, column + 1] = line.words[len(label.split()) :]
                own.append(line)
            found[row, 0] = key.words
            lines += own
            if layout == 2:
                desk.region("text", own)
            y += style.step * 1.4
            continue
        order = [texts[0], name, *texts[1:]] if layout == 3 else [name, *texts]
        written = _row(desk, order, (x, x + width), y, dots=layout == 0)
        places = [1, 0, *range(2, len(texts) + 1)] if layout == 3 else list(range(len(texts) + 1))
        for place, line in zip(places, written, strict=True):
            found[row, place] = [word for word in line.words if set(word.text) != {"."}]
        lines += written
        y += style.step * 1.2
    if layout != 2:
        desk.region("list-item" if layout == 0 and desk.values.chance(0.3) else "text", lines)


def _row(
    desk: Desk,
    texts: Sequence[str],
    sides: tuple[float, float],
    y: float,
    *,
    dots: bool,
    style: Style | None = None,
) -> list[Line]:
    """Write texts in columns between `sides`; with `dots` the first is followed by dots up to the second."""
    style, (left, right) = style or desk.body, sides
    step = (right - left) / len(texts)
    written = list[Line]()
    for index, text in enumerate(texts):
        room = step - 6
        size = min(style.size, style.size * room / max(style.width(text), 1.0))
        small = Style(style.font, max(size, 4.5), style.color, style.leading)
        shown = text
        if dots and index == 0:
            blank = room - small.width(text) - 6
            if blank > 12:
                shown = f"{text} {'.' * int(blank / small.width('.'))}"
        written.append(desk.write(left + index * step, y, shown, small))
    return written


def _foot(desk: Desk, sides: tuple[float, float]) -> None:
    values, (left, right) = desk.values, sides
    small, y = Style(desk.body.font, 7.5, GREY), desk.sheet.box.bottom - 30
    lines = list[Line]()
    if values.chance(0.35):
        lines += desk.inline(left, y, [Pair("document_date", values.date())], small)
    if values.chance(0.3):
        line = desk.write(right, y, str(desk.random.randint(1, 240)), small, align="right")
        desk.say("page_number", line.words)
        lines.append(line)
    desk.region("page-footer", lines)
