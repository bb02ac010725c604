"""Articles, reports and slides: text that says something, headings, captions, bullets, charts with their values."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.synth.flow import Flow
from docproc.synth.questions.data import Split, words
from docproc.synth.questions.desk import Desk, Pair, words_of
from docproc.synth.questions.grid import Grid, ask_cells, invented
from docproc.synth.questions.listing import draw_grid
from docproc.synth.questions.prose import Prose, paragraph, remember, sentence
from docproc.synth.questions.values import Values
from docproc.synth.sheet import GREY, Align, Style
from docproc.synth.things import around

WIDE = ((720.0, 540.0), (960.0, 540.0), (720.0, 405.0))


def draw_article(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a page of a report: title, authors, sections in one to three columns, a figure, a table."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(((595.0, 842.0), (612.0, 792.0))), values)
    desk.body = Style(
        random.choice(("tiro", "tiro", "helv")),
        random.choice((8.5, 9.0, 9.5, 10.0)),
        leading=random.uniform(1.15, 1.4),
    )
    margin = random.uniform(44, 76)
    left, right = margin, desk.sheet.box.right - margin
    y = _title(desk, (left, right))
    count = (1, 1, 2, 2, 3)[desk.layout("article", 5)]
    gutter = 18.0
    width = (right - left - gutter * (count - 1)) / count
    bottom = desk.sheet.box.bottom - 64
    boxes = [Box(left + i * (width + gutter), y, left + i * (width + gutter) + width, bottom) for i in range(count)]
    flow = Flow([(desk.sheet, box) for box in boxes])
    figure = 0
    for heading in random.sample(words("chapter"), 5):
        if flow.full:
            break
        flow.add("section-header", heading, Style(desk.body.font, desk.body.size * 1.15).bold(), gap=4)
        for _ in range(random.randint(1, 3)):
            _flowing(desk, flow, paragraph(desk, random.randint(0, 3), random.randint(0, 2) + 1))
        draw = random.random()
        if draw < 0.25:
            figure += 1
            _figure(desk, flow, figure)
        elif draw < 0.45:
            _bullets(desk, flow, heading)
        elif draw < 0.6 and (place := flow.reserve(random.uniform(90, 170), gap=12)):
            draw_grid(desk, invented(values, most=5, wide=2), place[1])
    _foot(desk, (left, right))
    return desk


def _title(desk: Desk, sides: tuple[float, float]) -> float:
    values, random, (left, right) = desk.values, desk.random, sides
    y = random.uniform(52, 80)
    subject = random.choice(
        (
            values.word("subject"),
            f"The {values.word('thing')} of {values.town()}",
            f"{values.word('measure').capitalize()} in {values.word('country')}",
            f"{values.word('project')}: {values.word('chapter').lower()}",
        )
    )
    style = Style(desk.body.font, random.uniform(14, 24), leading=1.15).bold()
    lines, _ = desk.sheet.paragraph(Box(left, y, right, y + 120), subject, style)
    desk.region("title", lines)
    desk.say("title", words_of(lines))
    y = lines[-1].box.bottom + 16
    if values.chance(0.6):
        name, by = values.person(), random.choice(("", "", "By ", "by "))
        line = desk.write(left, y, by + name, desk.body.italic() if desk.body.font != "cour" else desk.body)
        desk.say("author", line.words[len(by.split()) :])
        desk.region("text", [line])
        y += 16
    if values.chance(0.4):
        day = desk.write(left, y, values.date(), Style(desk.body.font, 8.0, GREY))
        desk.say("document_date", day.words)
        desk.region("text", [day])
        y += 16
    return y + 4


def _flowing(desk: Desk, flow: Flow, prose: Prose) -> None:
    """Let a text flow through the columns, and remember what of it found room."""
    if not prose.text or flow.full:
        return
    before = len(desk.sheet.lines)
    flow.add("text", prose.text, desk.body, justify=desk.values.chance(0.4))
    remember(desk, prose, words_of(desk.sheet.lines[before:]))


def _figure(desk: Desk, flow: Flow, number: int) -> None:
    values = desk.values
    place = flow.reserve(desk.random.uniform(90, 150), gap=5)
    if place is None:
        return
    box = place[1]
    if values.chance(0.6):
        _chart(desk, box)
    else:
        tone = desk.random.uniform(0.75, 0.92)
        desk.sheet.fill(box, (tone, tone, tone))
        desk.sheet.region("picture", box=box)
    figure = f"Figure {number}"
    text = values.word("pattern.caption").format(values.word("thing"), values.town(), values.date())
    before = len(desk.sheet.lines)
    flow.add("caption", f"{figure}. {text}", Style(desk.body.font, 8.0), gap=10)
    written = words_of(desk.sheet.lines[before:])
    if len(written) == 2 + len(text.split()):
        desk.say("figure_caption", written[2:], slots={"figure": figure})
    desk.lack("figure_caption", slots={"figure": f"Figure {number + desk.random.randint(2, 5)}"})


def _chart(desk: Desk, box: Box) -> None:
    """Draw bars with their values on top and their names below, or a legend with shares."""
    values, random = desk.values, desk.random
    grid = invented(values, most=6, years=True)
    column = random.randrange(len(grid.names))
    if not desk.groups.isdisjoint(grid.rows):
        desk.sheet.region("picture", box=box)
        return
    desk.groups |= set(grid.rows)
    one = Grid(
        grid.title,
        grid.head,
        grid.rows,
        (grid.names[column],),
        tuple((texts[column],) for texts in grid.texts),
        ((),),
        grid.measure,
        grid.others,
    )
    small = Style("helv", random.choice((6.0, 7.0, 8.0)))
    caption = desk.write(box.left + 4, box.top + 10, f"{grid.title} ({grid.names[column]})", small.bold())
    lines, found = [caption], dict[tuple[int, int], Sequence[Word]]()
    step = (box.width - 8) / len(one.rows)
    legend = desk.layout("chart", 4) in {2, 3}
    for row, (name, texts) in enumerate(zip(one.rows, one.texts, strict=True)):
        tone = 0.2 + 0.6 * row / len(one.rows)
        if legend:
            y = box.top + 26 + row * min(small.step * 1.5, (box.height - 30) / len(one.rows))
            desk.sheet.fill(Box(box.left + 6, y - 6, box.left + 12, y), (tone, 0.4, 0.6))
            key = desk.write(box.left + 16, y, name, small)
            value = desk.write(box.center[0], y, texts[0], small)
        else:
            x, tall = box.left + 4 + (row + 0.5) * step, random.uniform(0.2, 0.75) * (box.height - 40)
            desk.sheet.fill(
                Box(x - step * 0.3, box.bottom - 14 - tall, x + step * 0.3, box.bottom - 14), (tone, 0.4, 0.6)
            )
            value = desk.write(x, box.bottom - 17 - tall, texts[0], small, align="center")
            fit = min(small.size, small.size * (step - 2) / small.width(name))
            key = desk.write(x, box.bottom - 4, name, Style("helv", max(fit, 3.5)), align="center")
        found[row, 0], found[row, 1] = key.words, value.words
        lines += [key, value] if legend else [value, key]
    desk.sheet.region("picture", lines, box)
    if not legend:
        desk.sheet.thing("bar chart", around(box), grid.title)
    ask_cells(desk, one, found)


def _bullets(desk: Desk, flow: Flow, heading: str, style: Style | None = None, most: int = 5) -> None:
    """Write a list below a heading: points, or sentences that say something."""
    values, random = desk.values, desk.random
    mark = random.choice(("•", "-", "*", "•"))
    points = random.sample(words("slide.point"), random.randint(2, most))
    points = [point for point in points if point not in desk.groups]
    desk.groups |= set(points)
    count = 0
    for nth, point in zip(words("nth"), points, strict=False):
        prose = Prose(mark)
        telling = values.chance(0.45)
        if telling:
            sentence(desk, prose)
        if not prose.told:
            prose.add(point)
        before = len(desk.sheet.lines)
        flow.add("list-item", prose.text, style or desk.body, gap=2.5, indent=8.0)
        written = words_of(desk.sheet.lines[before:])
        if not written:
            break
        count += 1
        if len(written) == len(prose.text.split()):
            remember(desk, prose, written)
            if len(points) > 1:
                desk.say("list_item", written[1:], slots={"nth": nth, "heading": heading})
    if 0 < count < len(words("nth")):
        desk.lack("list_item", slots={"nth": words("nth")[count], "heading": heading})


def draw_slides(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a slide: title, bullets, a chart or a table beside or below them."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(WIDE), values)
    desk.body = Style(random.choice(("helv", "helv", "tiro")), random.choice((11.0, 13.0, 15.0, 17.0)), leading=1.3)
    whole = desk.sheet.box
    left, right = random.uniform(28, 60), whole.right - random.uniform(28, 60)
    y = random.uniform(44, 66)
    heading = random.choice((values.word("chapter"), values.word("subject"), values.word("project")))
    align: Align = random.choice(("left", "left", "center"))
    title = desk.write(
        left if align == "left" else whole.center[0],
        y,
        heading,
        Style(desk.body.font, random.uniform(20, 34)).bold(),
        align=align,
    )
    desk.region("title", [title])
    desk.say("title", title.words)
    y += 24
    bottom = whole.bottom - 50
    layout = desk.layout("slide", 7)
    if layout == 6:
        _opening(desk, Box(left, y + 30, right, bottom))
        return desk
    middle = whole.center[0]
    first, second = Box(left, y, right, bottom), None
    if layout in {0, 1, 4}:
        first, second = Box(left, y, middle - 10, bottom), Box(middle + 10, y, right, bottom)
    elif layout in {2, 5}:
        first, second = Box(left, y, right, y + (bottom - y) * 0.5), Box(left, y + (bottom - y) * 0.55, right, bottom)
    _bullets(desk, Flow([(desk.sheet, first)]), heading)
    if second:
        if layout in {0, 2}:
            _chart(desk, second)
        elif layout == 4:
            _bullets(desk, Flow([(desk.sheet, second)]), values.word("chapter"))
        else:
            draw_grid(desk, invented(values, most=5, wide=2), second)
    _foot(desk, (left, right))
    return desk


def _opening(desk: Desk, box: Box) -> None:
    """Write what the first slide of a talk says."""
    values, y, lines = desk.values, box.top, list[Line]()
    made = (("author", values.person()), ("document_date", values.date()))
    for name, text in made:
        if values.chance(0.85):
            line = desk.write(box.left, y, text)
            desk.say(name, line.words)
            lines.append(line)
            y += desk.body.step
    lines.append(desk.write(box.left, y, f"{values.company()}, {values.town()}"))
    desk.region("text", lines)


def _foot(desk: Desk, sides: tuple[float, float]) -> None:
    values, (left, right) = desk.values, sides
    small, y, lines = Style(desk.body.font, 7.5, GREY), desk.sheet.box.bottom - 22, list[Line]()
    if values.chance(0.4):
        lines.append(desk.write(left, y, values.company(), small))
    if values.chance(0.3) and all(fact.field != "document_date" for fact in desk.facts):
        lines += desk.inline((left + right) / 2, y, [Pair("document_date", values.date())], small, "center")
    if values.chance(0.5):
        line = desk.write(right, y, str(desk.random.randint(1, 240)), small, align="right")
        desk.say("page_number", line.words)
        lines.append(line)
    desk.region("page-footer", lines)
