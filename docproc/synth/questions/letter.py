"""Letters, memos and fax covers: who writes to whom, when and what about."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from docproc.document import Line
from docproc.geometry import Box
from docproc.synth.questions.data import Split, words
from docproc.synth.questions.desk import Desk, Pair, words_of
from docproc.synth.questions.prose import paragraph, write
from docproc.synth.questions.values import Values
from docproc.synth.sheet import Align, Style


def draw_letter(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a letter of one page."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(((595.0, 842.0), (612.0, 792.0))), values)
    margin = random.uniform(56, 84)
    left, right = margin, desk.sheet.box.right - margin
    layout = desk.layout("letter", 7)
    firm, person = values.company(), values.name()
    y = _letterhead(desk, firm, (left, right), layout)
    reader = values.name()
    dated = values.chance(0.95)
    if layout in {0, 3, 6} and dated:
        y = _date(desk, (left, right), y, layout)
    if values.chance(0.92):
        y = _recipient(desk, reader, (left, right), y, at_right=layout == 5)
    if layout in {1, 2, 4, 5} and dated:
        y = _date(desk, (left, right), y, layout)
    y = _references(desk, left, y)
    y = _body(desk, reader, (left, right), y)
    _close(desk, person, (left, right), y, layout)
    return desk


def _letterhead(desk: Desk, firm: str, sides: tuple[float, float], layout: int) -> float:
    values, random, (left, right) = desk.values, desk.random, sides
    ends: tuple[tuple[float, Align], ...] = ((left, "left"), (right, "right"), ((left + right) / 2, "center"))
    x, align = ends[layout % 3]
    y = random.uniform(44, 66)
    if values.chance(0.12):
        return y + 30
    name = desk.write(x, y, firm, Style(desk.body.font, random.uniform(11, 18)).bold(), align=align)
    small = Style(desk.body.font, desk.body.size * 0.85, leading=1.3)
    y += 16
    address = values.address()
    rows = [", ".join(part.rstrip(",") for part in address)] if values.chance(0.5) else address
    where = list[Line]()
    for text in rows:
        where.append(desk.write(x, y, text, small, align=align))
        y += small.step
    desk.say("company_from", name.words)
    desk.say("sender_address", words_of(where))
    lines = [name, *where]
    made = {
        "phone": values.phone(),
        "fax": values.phone(),
        "email": values.email(),
        "website": "www." + values.site(),
    }
    for contact in random.sample(tuple(made), random.choice((0, 0, 1, 2, 3))):
        lines += desk.inline(x, y, [Pair(contact, made[contact])], small, align)
        y += small.step
    desk.region(random.choice(("page-header", "text")), lines)
    if values.chance(0.3):
        desk.sheet.rule((left, y), (right, y), 0.7)
    return y + random.uniform(16, 34)


def _date(desk: Desk, sides: tuple[float, float], y: float, layout: int) -> float:
    values, (left, right) = desk.values, sides
    day = values.date()
    ends: tuple[tuple[float, Align], ...] = ((left, "left"), (right, "right"))
    x, align = ends[layout in {3, 4}]
    if values.chance(0.25):
        desk.region("text", desk.inline(x, y, [Pair("letter_date", day)], desk.body, align))
    else:
        place = f"{values.town()}, " if values.chance(0.2) else ""
        line = desk.write(x, y, place + day, desk.body, align=align)
        desk.say("letter_date", line.words[len(place.split()) :])
        desk.region("text", [line])
    return y + desk.body.step * desk.random.uniform(1.4, 2.4)


def _recipient(desk: Desk, reader: str, sides: tuple[float, float], y: float, *, at_right: bool) -> float:
    values, (left, right) = desk.values, sides
    x = right - 190 if at_right else left
    who = [reader]
    if values.chance(0.4):
        who.append(values.word("person.role").capitalize())
    if values.chance(0.5):
        who.append(values.company())
    lines = [desk.write(x, y + index * desk.body.step, text) for index, text in enumerate((*who, *values.address()))]
    desk.say("recipient", lines[0].words)
    desk.say("recipient_address", words_of(lines[len(who) :]))
    desk.region("text", lines)
    return lines[-1].box.bottom + desk.body.step * desk.random.uniform(1.2, 2.0)


def _references(desk: Desk, left: float, y: float) -> float:
    values, lines = desk.values, list[Line]()
    if values.chance(0.35):
        lines += desk.inline(left, y, [Pair("reference", values.code())], desk.body)
        y += desk.body.step
    if values.chance(0.75):
        subject = values.word("subject")
        if values.chance(0.6):
            lines += desk.inline(left, y, [Pair("subject", subject)], desk.body.bold())
        else:
            line = desk.write(left, y, subject, desk.body.bold())
            desk.say("subject", line.words)
            lines.append(line)
        y += desk.body.step * 1.5
    desk.region("text", lines)
    return y


def _body(desk: Desk, reader: str, sides: tuple[float, float], y: float) -> float:
    values, random, (left, right) = desk.values, desk.random, sides
    if values.chance(0.85):
        greeting = values.word("greeting").format(
            reader.rsplit(maxsplit=1)[-1] if values.chance(0.7) else "Sir or Madam"
        )
        desk.region("text", [desk.write(left, y, greeting)])
        y += desk.body.step * 1.4
    bottom = desk.sheet.box.bottom - 150
    justify = values.chance(0.3)
    for _ in range(random.randint(2, 5)):
        if y > bottom - 3 * desk.body.step:
            break
        prose = paragraph(desk, random.randint(0, 3), random.randint(1, 2))
        y = write(desk, prose, Box(left, y - desk.body.size, right, bottom), justify=justify) + desk.body.step * 1.5
    return y


def _close(desk: Desk, person: str, sides: tuple[float, float], y: float, layout: int) -> None:
    values, random, (left, right) = desk.values, desk.random, sides
    x = (left + right) / 2 if layout in {2, 6} else left
    lines = [desk.write(x, y, values.word("closing"))]
    y += desk.body.step * random.choice((1.2, 2.6, 3.6))
    name = desk.write(x, y, person)
    desk.say("signer", name.words)
    desk.say("sender", name.words)
    lines.append(name)
    if values.chance(0.6):
        role = desk.write(x, y + desk.body.step, values.word("person.role").capitalize())
        desk.say("signer_role", role.words)
        lines.append(role)
        y += desk.body.step
    desk.region("text", lines)
    if values.chance(0.25):
        desk.region("text", desk.inline(left, y + desk.body.step * 2, [Pair("cc", _people(values))], desk.body))


def _people(values: Values) -> str:
    return ", ".join(values.person() for _ in range(values.random.choice((1, 1, 2, 3))))


def draw_memo(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a memo or the cover of a fax."""
    values = Values(random)
    desk = Desk(document, random, split, *random.choice(((595.0, 842.0), (612.0, 792.0))), values)
    margin = random.uniform(50, 80)
    left, right = margin, desk.sheet.box.right - margin
    y = random.uniform(48, 80)
    title = values.word("memo.title")
    fax = title.upper().startswith(("FAX", "TELEFAX", "FACS"))
    if values.chance(0.4):
        line = desk.write(left, y, values.company(), Style(desk.body.font, 12.0).bold())
        desk.region("page-header", [line])
        if fax:
            desk.say("company_from", line.words)
        y += 26
    align, x = random.choice((("left", left), ("center", (left + right) / 2)))
    desk.region("title", [desk.write(x, y, title, Style(desk.body.font, random.uniform(12, 22)).bold(), align=align)])
    y += random.uniform(18, 34)
    y = _heads(desk, _memo_pairs(desk, fax=fax), Box(left, y, right, y + 220))
    if values.chance(0.5):
        desk.sheet.rule((left, y), (right, y), 0.8)
    y += 12
    if fax and values.chance(0.5):
        y = _urgency(desk, left, y)
    bottom = desk.sheet.box.bottom - 60
    for _ in range(random.randint(0 if fax else 1, 4)):
        if y > bottom - 3 * desk.body.step:
            break
        prose = paragraph(desk, random.randint(0, 3), random.randint(0, 2) + 1)
        y = write(desk, prose, Box(left, y, right, bottom)) + desk.body.step
    return desk


def _memo_pairs(desk: Desk, *, fax: bool) -> list[Pair]:
    values, random = desk.values, desk.random
    made = {
        "recipient": _people(values) if values.chance(0.25) else values.name(),
        "sender": values.name(),
        "letter_date": values.date(),
        "subject": values.word("subject"),
        "cc": _people(values),
        "reference": values.code(),
        "fax_to": values.phone(),
        "phone": values.phone(),
        "pages": str(random.randint(1, 40)),
        "company_from": values.company(),
    }
    if any(fact.field == "company_from" for fact in desk.facts):
        del made["company_from"]
    shares = {"cc": 0.3, "reference": 0.2} | dict.fromkeys(
        ("fax_to", "phone", "pages", "company_from"), 0.7 if fax else 0.0
    )
    names = [name for name in made if values.chance(shares.get(name, 0.95))]
    if values.chance(0.4):
        random.shuffle(names)
    return [Pair(name, made[name] if values.chance(0.95) else "") for name in names or ["subject"]]


def _heads(desk: Desk, pairs: Sequence[Pair], box: Box) -> float:
    """Write the head of a memo in one of its ways; return the lower end."""
    layout = desk.layout("memo", 6)
    if layout in {3, 4} and len(pairs) > 3:
        half, middle = (len(pairs) + 1) // 2, box.center[0]
        how = (1, 0)[layout - 3]
        low, first = desk.column(pairs[:half], Box(box.left, box.top, middle - 10, box.bottom), how)
        end, second = desk.column(pairs[half:], Box(middle + 4, box.top, box.right, box.bottom), how)
        desk.region("text", first + second)
        return max(low, end)
    how = {0: 1, 1: 0, 2: 1, 3: 1, 4: 0, 5: 5}[layout]
    end, lines = desk.column(pairs, box, how)
    desk.region("text", lines)
    return end


def _urgency(desk: Desk, left: float, y: float) -> float:
    marks = desk.random.choice((("[x]", "[ ]"), ("☒", "☐"), ("(X)", "( )"), ("X", "_")))
    options = desk.random.sample(words("memo.urgency"), 3)
    ticked, lines, x = desk.random.choice(options), list[Line](), left
    for option in options:
        line = desk.write(x, y + desk.body.size, f"{marks[option != ticked]} {option}")
        own = line.words[-len(option.split()) :]
        if option == ticked or desk.values.chance(0.5):
            answer = "yes" if option == ticked else "no"
            desk.say("ticked", own, kind="check", asks=words("ask.ticked"), slots={"option": option}, answer=answer)
        lines.append(line)
        x = line.box.right + 18
    desk.region("text", lines)
    return y + 2 * desk.body.step


__all__ = ["draw_letter", "draw_memo"]
