"""Forms: labels with what is filled in, beside, above or below; check boxes; boxes left empty."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from docproc.document import Line
from docproc.geometry import Box
from docproc.synth.questions.data import Field, Split, fields, words
from docproc.synth.questions.desk import Desk, Pair, line_of
from docproc.synth.questions.values import Values, make
from docproc.synth.sheet import GREY, Style

GROUPS = (
    "person",
    "contact",
    "medical",
    "job",
    "shipping",
    "lab",
    "school",
    "project",
    "finance",
    "travel",
    "market",
)
EMPTY = 0.14
"""The share of labels with nothing filled in."""
MARKS = (
    *(("☒", "☐"), ("☑", "☐"), ("[x]", "[ ]"), ("[X]", "[]"), ("(X)", "( )"), ("(x)", "()")),
    *(("X", ""), ("x", "_"), ("●", "○"), ("✓", ""), ("[✓]", "[ ]"), ("O", ""), ("", "")),
)
"""How a ticked box is written, and one that is not; the last is drawn and has no words."""


def draw_form(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a form of one page."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(((595.0, 842.0), (612.0, 792.0), (595.0, 842.0))), values)
    margin = random.uniform(36, 72)
    left, right = margin, desk.sheet.box.right - margin
    y = _head(desk, (left, right))
    chosen = list[Field]()
    groups = random.sample(GROUPS, random.randint(1, 3))
    own = random.randrange(8)
    headed = values.chance(0.6)
    desk.loud = values.chance(0.25)
    for number in range(random.randint(1, 5)):
        if y > desk.sheet.box.bottom - 190:
            break
        if headed:
            heading = values.word("form.section")
            bold = desk.body.bold()
            desk.region("section-header", [desk.write(left, y + 4, heading.upper() if own % 2 else heading, bold)])
            y += bold.step * 1.2
        if number and values.chance(0.35):
            y = _choices(desk, Box(left, y, right, y + 100))
            continue
        taken = _taken(desk, groups[number % len(groups)], chosen)
        if not taken:
            break
        y = _section(
            desk, taken, Box(left, y, right, desk.sheet.box.bottom - 90), own if values.chance(0.6) else None
        )
        y += desk.body.step * random.uniform(0.6, 1.8)
    if y < desk.sheet.box.bottom - 150 and values.chance(0.55):
        y = _choices(desk, Box(left, y, right, y + 100))
    if values.chance(0.4):
        _signature(desk, (left, right), y + 24)
    return desk


def _taken(desk: Desk, group: str, chosen: list[Field]) -> list[Field]:
    """Choose fields of a group such that none could be taken for another that is on the page."""
    known = [field for field in fields().values() if group in field.groups]
    desk.random.shuffle(known)
    taken = list[Field]()
    for field in known:
        names = {other.name for other in chosen}
        clash = field.near & names or any(field.name in other.near for other in chosen)
        if field.name not in names and not clash:
            taken.append(field)
            chosen.append(field)
        if len(taken) == desk.random.randint(3, 9):
            break
    return taken


def _head(desk: Desk, sides: tuple[float, float]) -> float:
    values, random, (left, right) = desk.values, desk.random, sides
    y = random.uniform(40, 70)
    if values.chance(0.5):
        desk.region(
            "page-header", [desk.write(left, y, values.company(), Style(desk.body.font, random.uniform(9, 13)))]
        )
        y += 22
    style = Style(desk.body.font, random.uniform(12, 18)).bold()
    title = values.word("form.title")
    align, x = random.choice((("left", left), ("center", (left + right) / 2)))
    desk.region("title", [desk.write(x, y, title, style, align=align)])
    if values.chance(0.3):
        text = f"Form {values.digits('??-###')} (rev. {random.randint(1, 12)}/{random.randint(80, 99)})"
        line = desk.write(right, y - 14, text, Style(desk.body.font, 6.5), align="right")
        desk.region("page-header", [line])
    y += 20
    if values.chance(0.4):
        desk.region("text", [desk.write(left, y, values.word("form.note"), Style(desk.body.font, 8.0))])
        y += 16
    return y + 6


def _section(desk: Desk, taken: Sequence[Field], box: Box, how: int | None) -> float:
    """Write the fields of a section in one of the ways of forms; return the lower end."""
    values, random = desk.values, desk.random
    texts = ["" if values.chance(EMPTY) else make(values, field.make) for field in taken]
    if desk.loud:
        texts = [text.upper() if isinstance(text, str) else [line.upper() for line in text] for text in texts]
    pairs = [Pair(field.name, text) for field, text in zip(taken, texts, strict=True)]
    layout = desk.layout("form section", 8) if how is None else how
    if layout in {0, 1}:
        return _grid(desk, pairs, box)
    if layout in {2, 3}:
        return _rows(desk, pairs, box)
    middle = box.center[0]
    ways = random.choice((0, 1, 5, 3, 4, 2) if layout != 7 else (1, 0))
    half = (len(pairs) + 1) // 2
    parts = [(pairs, Box(box.left, box.top, box.right - random.choice((0, 60, 160)), box.bottom))]
    if layout in {4, 5} and len(pairs) > 3:
        sides = Box(box.left, box.top, middle - 12, box.bottom), Box(middle + 6, box.top, box.right, box.bottom)
        parts = [(pairs[:half], sides[0]), (pairs[half:], sides[1])]
    ends, lines = list[float](), list[Line]()
    for part, place in parts:
        end, written = desk.column(part, place, ways)
        ends.append(end)
        lines += written
        if layout == 4:
            desk.region("text", lines)
            lines = []
    desk.region("text", lines)
    return max(ends)


def _grid(desk: Desk, pairs: Sequence[Pair], box: Box) -> float:
    """Write pairs into ruled boxes, the label small in a corner or beside the value; return the lower end."""
    values, random = desk.values, desk.random
    y, lines, rest = box.top, list[Line](), list(pairs)
    small = Style(desk.body.font, random.choice((6.0, 6.5, 7.0)), GREY if values.chance(0.4) else desk.body.color)
    beside, height = values.chance(0.35), random.uniform(24, 34)
    while rest and y < box.bottom - height:
        row, rest = rest[: (count := random.randint(1, 4))], rest[count:]
        weights = [random.uniform(0.8, 1.8) + (1.2 if len(" ".join(pair.lines)) > 24 else 0) for pair in row]
        x = box.left
        for pair, weight in zip(row, weights, strict=True):
            place = Box(x, y, x + (box.right - box.left) * weight / sum(weights), y + height)
            lines += _boxed(desk, pair, place, small, beside=beside)
            x = place.right
        y += height
    desk.region(random.choice(("text", "text", "table")), lines)
    return y


def _boxed(desk: Desk, pair: Pair, place: Box, small: Style, *, beside: bool) -> list[Line]:
    desk.sheet.frame(place)
    label, text = desk.label(pair.field), " ".join(pair.lines)
    if beside:
        label = desk.colon(label)
        key = desk.write(place.left + 3, place.center[1] + 3, label, small)
        x, y = key.box.right + 4, place.center[1] + 3
    else:
        key = desk.write(place.left + 3, place.top + small.size + 1, label, small)
        x, y = place.left + 5, place.bottom - 5
    value = list[Line]()
    if text:
        room = max(place.right - x - 3, 8.0)
        size = min(desk.body.size, desk.body.size * room / desk.body.width(text))
        value = [desk.write(x, y, text, Style(desk.body.font, size))]
    desk.join([key], value, place=place)
    desk.known(pair, label, value)
    return [key, *value]


def _rows(desk: Desk, pairs: Sequence[Pair], box: Box) -> float:
    """Write pairs beside one another on ruled lines, label before or below the value; return the lower end."""
    values, random = desk.values, desk.random
    style, rest, lines, y = desk.body, list(pairs), list[Line](), box.top + desk.body.size
    under = values.chance(0.25)
    small = Style(style.font, max(6.0, style.size * 0.75))
    dotted = not under and values.chance(0.3)
    while rest and y < box.bottom:
        row, rest = rest[: (count := random.choice((1, 2, 2, 3)))], rest[count:]
        width = box.width / len(row)
        for index, pair in enumerate(row):
            left, right = box.left + index * width, box.left + (index + 1) * width - 8
            label, text = desk.colon(desk.label(pair.field)), " ".join(pair.lines)
            start = left + 2 if under else min(left + style.width(label) + 6, right - 12)
            key_style = small if under else _shrunk(style, label, start - left - 2)
            key = desk.write(left, y + style.size if under else y, label.rstrip(":") if under else label, key_style)
            value = [desk.write(start, y, text, _shrunk(style, text, right - start))] if text else []
            if not value and dotted and right - start > 30:
                blank = desk.write(start, y, "_" * int((right - start) / style.width("_")), style)
                lines.append(blank)
            else:
                desk.sheet.rule((start, y + 2), (right, y + 2), 0.5)
            desk.join([key], value, place=Box(start, y - style.size, max(right, start + 1), y + 2))
            desk.known(pair, label, value)
            lines += [*value, key] if under else [key, *value]
        y += style.step * (2.2 if under else 1.4)
    desk.region("text", lines)
    return y


def _shrunk(style: Style, text: str, room: float) -> Style:
    width = style.width(text)
    return (
        style
        if width <= room
        else Style(style.font, max(style.size * max(room, 1.0) / width, 4.0), style.color, style.leading)
    )


def _choices(desk: Desk, box: Box) -> float:
    """Write groups of check boxes; return the lower end."""
    values, random = desk.values, desk.random
    y, lines, names = box.top + desk.body.size, list[Line](), set[str]()
    marks = MARKS[desk.layout("form marks", len(MARKS))]
    before, across = values.chance(0.8), values.chance(0.75)
    for spec in random.sample(words("choices"), random.randint(1, 4)):
        group, options = spec.split(": ")
        if y > desk.sheet.box.bottom - 70 or group in desk.groups:
            continue
        names.add(group)
        desk.groups.add(group)
        y, written = _group(desk, group, options.split(", "), Box(box.left, y, box.right, y), marks, (before, across))
        lines += written
    other = values.word("choices").split(": ")[0]
    if names and other not in desk.groups:
        desk.lack("choice", words("ask.choice"), {"group": other}, "check")
    desk.region("text", lines)
    return y


def _group(
    desk: Desk, group: str, listed: Sequence[str], box: Box, marks: tuple[str, str], how: tuple[bool, bool]
) -> tuple[float, list[Line]]:
    """Write one group of check boxes from the baseline at the top of `box`; return the next baseline and the lines.

    `how`: whether the mark stands before its option, and whether the options stand beside one another.
    """
    values, random, style, y = desk.values, desk.random, desk.body, box.top
    many = group in {"Attachments", "Symptoms", "Services", "Test panel", "For your"}
    ticked = set(random.sample(listed, random.choice((0, 1, 2) if many else (0, 1, 1, 1, 1, 1))))
    key = desk.write(box.left, y, desk.colon(group), style.bold() if values.chance(0.4) else style)
    lines, x, said = [key], key.box.right + 12, list[Line]()
    if not how[1]:
        x, y = box.left + 14, y + style.step
    for option in listed:
        if how[1] and x + style.width(option) + 40 > box.right:
            x, y = box.left + 14, y + style.step
        if y > desk.sheet.box.bottom - 24:
            break
        line, own, place = _option(desk, (x, y), option, marks[0 if option in ticked else 1], before=how[0])
        if not marks[0] and option in ticked:
            _cross(desk, place)
        lines.append(line)
        said += [own] if option in ticked else []
        desk.join([own], [], place=place, checked=option in ticked)
        # A drawn box has no words to stand on: it is among the pairs, and nothing is asked about it.
        if option not in {"Yes", "No"} and marks[0] and (option in ticked or values.chance(0.5)):
            answer = "yes" if option in ticked else "no"
            desk.say(
                "ticked", own.words, asks=words("ask.ticked"), slots={"option": option}, kind="check", answer=answer
            )
        x = max(line.box.right, place.right) + random.uniform(12, 20) if how[1] else x
        y += 0 if how[1] else style.step
    slots = {"group": group.lower() if values.chance(0.5) else group}
    if marks[0] and len(said) == 1:
        desk.say("choice", said[0].words, asks=words("ask.choice"), slots=slots, kind="check")
    elif marks[0] and not said:
        desk.lack("choice", words("ask.choice"), slots, "check")
    return y + style.step * (1.3 if how[1] else 0.6), lines


def _cross(desk: Desk, box: Box) -> None:
    desk.sheet.rule((box.left, box.top), (box.right, box.bottom), 0.9)
    desk.sheet.rule((box.left, box.bottom), (box.right, box.top), 0.9)


def _option(
    desk: Desk, start: tuple[float, float], option: str, mark: str, *, before: bool
) -> tuple[Line, Line, Box]:
    """Write one option with its mark; return the line, the option's own words, and the box."""
    style, (x, y) = desk.body, start
    size = style.size * 0.8
    if not mark:
        left = x if before else x + style.width(option) + 4
        place = Box(left, y - size, left + size, y)
        desk.sheet.frame(place)
        line = desk.write(place.right + 4 if before else x, y, option, style)
        return line, line, place
    count = len(option.split())
    line = desk.write(x, y, f"{mark} {option}" if before else f"{option} {mark}", style)
    own = line_of(line, len(line.words) - count) if before else line_of(line, 0, count)
    rest = line.words[: len(line.words) - count] if before else line.words[count:]
    return line, own, Box.union(word.box for word in rest)


def _signature(desk: Desk, sides: tuple[float, float], y: float) -> None:
    values, (left, right) = desk.values, sides
    said = {fact.field for fact in desk.facts}
    pairs = [Pair("signer", values.person() if values.chance(0.6) else "", "Signature")]
    if not said & {"date", "date_requested", "start_date"}:
        pairs.append(Pair("letter_date", values.date(mixed=True) if values.chance(0.7) else "", "Date"))
    bottom = min(y, desk.sheet.box.bottom - 40)
    lines = desk.inline(left, bottom, pairs, desk.body, gap="            ")
    desk.sheet.rule((left, bottom + 3), (right, bottom + 3), 0.5)
    desk.region("text", lines)
