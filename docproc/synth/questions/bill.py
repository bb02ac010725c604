"""Invoices of many countries and layouts: who, whom, which, what for, how much, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from docproc.document import Line
from docproc.geometry import Box
from docproc.synth.questions.data import Split
from docproc.synth.questions.desk import Desk, Pair, words_of
from docproc.synth.sheet import GREY, Align, Style
from docproc.synth.tables import Entry, draw_table


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill, in cents."""

    name: str
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        """Cents for all of them."""
        return self.quantity * self.price


def draw_bill(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw an invoice of one page."""
    desk = Desk(document, random, split, *random.choice(((595.0, 842.0), (612.0, 792.0))))
    values = desk.values
    margin = random.uniform(36, 70)
    left, right = margin, desk.sheet.box.right - margin
    seller, address = values.company(), values.address()
    y = _head(desk, seller, address, (left, right))
    y = _middle(desk, (left, right), y, seller)
    items = _invented(desk)
    y = _items(desk, items, Box(left, y + 12, right, 640))
    y = _totals(desk, items, (left, right), y + 14)
    _foot(desk, (left, right), max(y + 20, desk.sheet.box.bottom - random.uniform(60, 120)), seller)
    return desk


def _invented(desk: Desk) -> list[Item]:
    values, random = desk.values, desk.random
    names = dict.fromkeys(
        values.word("services" if values.chance(0.35) else "goods") for _ in range(random.randint(1, 9))
    )
    return [
        Item(name, random.choice((1, 1, 2, 3, 4, 5, 8, 10, 12, 24, 50)), random.randint(90, 60_000)) for name in names
    ]


def _head(desk: Desk, seller: str, address: Sequence[str], sides: tuple[float, float]) -> float:
    """Write the seller and the title; return the lower end."""
    values, random, (left, right) = desk.values, desk.random, sides
    big = Style(desk.body.font, random.uniform(13, 22)).bold()
    title = values.word(f"bill.title.{values.locale.language}")
    layout = desk.layout("bill head", 6)
    ends: dict[int, tuple[float, Align]] = {
        0: (left, "left"),
        1: (left, "left"),
        2: (right, "right"),
        3: ((left + right) / 2, "center"),
        4: (left, "left"),
        5: (right, "right"),
    }
    x, align = ends[layout]
    top = random.uniform(50, 80)
    small = Style(desk.body.font, desk.body.size * random.choice((0.8, 0.9, 1.0)), leading=1.3)
    heading = list[Line]()
    if layout in {1, 4}:
        heading = [
            desk.write(left if layout == 4 else right, top, title, big, align="left" if layout == 4 else "right")
        ]
        desk.region("title", heading)
        top += 30 if layout == 4 else 0
    name = desk.write(
        x,
        top,
        seller,
        Style(desk.body.font, random.uniform(10, 15)).bold() if values.chance(0.8) else small,
        align=align,
    )
    lines, y = [name], top + 15
    if values.chance(0.3):
        where = [desk.write(x, y, ", ".join(part.rstrip(",") for part in address), small, align=align)]
        y += small.step
    else:
        where = [
            desk.write(x, y + index * small.step, line, small, align=align) for index, line in enumerate(address)
        ]
        y += len(address) * small.step
    desk.say("seller", name.words)
    desk.say("seller_address", words_of(where))
    lines += where
    for contact in random.sample(("phone", "fax", "email", "website", "vat_id"), random.randint(0, 3)):
        lines += desk.inline(x, y, [Pair(contact, _contact(desk, contact))], small, align)
        y += small.step
    desk.region("page-header" if values.chance(0.5) else "text", lines)
    if not heading:
        other = {
            0: (right, "right", top),
            2: (left, "left", top),
            3: ((left + right) / 2, "center", y + 22),
            5: (left, "left", y + 22),
        }[layout]
        line = desk.write(other[0], other[2], title, big, align=other[1])
        desk.region("title", [line])
        y = max(y, line.box.bottom + 6)
    if values.chance(0.4):
        desk.sheet.rule((left, y + 4), (right, y + 4), random.uniform(0.4, 1.5))
    return y + random.uniform(14, 34)


def _contact(desk: Desk, name: str) -> str:
    values = desk.values
    if name in {"phone", "fax"}:
        return values.phone()
    if name == "bank":
        return f"{values.town()} Bank"
    if name == "website":
        return "www." + values.site()
    made = {"vat_id": values.locale.tax, "bic": "????DE##"}
    return values.digits(made[name]) if name in made else values.email() if name == "email" else values.iban()


def _middle(desk: Desk, sides: tuple[float, float], y: float, seller: str) -> float:
    """Write whom the bill is for and its numbers and dates; return the lower end."""
    values, random, (left, right) = desk.values, desk.random, sides
    issued = values.day(1994)
    days = random.choice((7, 10, 14, 15, 30, 45, 60))
    made = {
        "invoice_number": values.code(),
        "invoice_date": values.date(issued),
        "due_date": values.date(issued + timedelta(days=days)),
        "order_number": values.code(),
        "customer_number": values.code(),
        "order_date": values.date(issued - timedelta(days=random.randint(3, 40))),
        "delivery_date": values.date(issued - timedelta(days=random.randint(0, 9))),
        "service_period": f"{values.date(issued - timedelta(days=31))} - {values.date(issued)}",
        "terms": values.word("terms"),
        "vat_id": values.digits(values.locale.tax),
        "seller": seller,
    }  # fmt: skip
    said = {fact.field for fact in desk.facts}
    chosen = [
        name for name in made if name not in said and values.chance(0.85 if name.startswith("invoice") else 0.3)
    ]
    if values.chance(0.3):
        random.shuffle(chosen)
    pairs = [Pair(name, made[name] if values.chance(0.97) else "") for name in chosen or ["invoice_number"]]
    middle = (left + right) / 2
    layout = desk.layout("bill middle", 7)
    if layout == 6:
        bottom = _strip(desk, pairs, sides, y)
        return max(_parties(desk, Box(left, bottom + 10, right, bottom + 200)), bottom)
    how = random.choice((0, 1, 2, 5) if layout != 3 else (3,))
    if layout in {0, 1, 3}:
        low = _parties(desk, Box(left, y, middle - 10, y + 200), one=layout != 1)
        bottom, lines = desk.column(pairs, Box(middle + random.uniform(10, 60), y, right, y + 300), how)
        desk.region("text", lines)
        return max(low, bottom)
    if layout in {2, 4}:
        bottom, lines = desk.column(pairs, Box(left, y, middle - 20, y + 300), how)
        desk.region("text", lines)
        return max(bottom, _parties(desk, Box(middle + 10, y, right, y + 200), one=layout == 2))
    low = _parties(desk, Box(left, y, right, y + 200))
    lines, y = [], low + desk.body.step
    for index in range(0, len(pairs), 3):
        lines += desk.inline(left, y, pairs[index : index + 3], desk.body, gap="        ")
        y += desk.body.step
    desk.region("text", lines)
    return y


def _strip(desk: Desk, pairs: Sequence[Pair], sides: tuple[float, float], y: float) -> float:
    """Write pairs as one row of boxes, the label above; return its lower end."""
    left, right = sides
    pairs = pairs[:5]
    width = (right - left) / len(pairs)
    small = Style(desk.body.font, 7.0, GREY)
    lines = list[Line]()
    for index, pair in enumerate(pairs):
        place = Box(left + index * width, y, left + (index + 1) * width, y + 32)
        desk.sheet.frame(place)
        key = desk.write(place.left + 4, y + 10, desk.label(pair.field), small)
        text = " ".join(pair.lines)
        size = min(desk.body.size, desk.body.size * (width - 6) / max(desk.body.width(text), 1))
        value = [desk.write(place.left + 4, y + 24, text, Style(desk.body.font, size))] if text else []
        desk.join([key], value, place=place)
        desk.known(pair, key.text, value)
        lines += [key, *value]
    desk.region("table" if desk.values.chance(0.3) else "text", lines)
    return y + 32


def _parties(desk: Desk, box: Box, *, one: bool = False) -> float:
    """Write the customer's address, perhaps another to deliver to; return the lower end."""
    values = desk.values
    both = not one and values.chance(0.6)
    width, bottom = box.width / (2 if both else 1), box.top
    for index, name in enumerate(("buyer", "ship_to") if both else ("buyer",)):
        who = values.company() if values.chance(0.6) else values.name()
        where = values.address()
        x, y, lines = box.left + index * width, box.top + desk.body.size, list[Line]()
        key = list[Line]()
        if values.chance(0.85):
            key = [
                desk.write(x, y, desk.colon(desk.label(name)), desk.body.bold() if values.chance(0.6) else desk.body)
            ]
            y += desk.body.step
        first = desk.write(x, y, who, desk.body)
        lines = [desk.write(x, y + (row + 1) * desk.body.step, text, desk.body) for row, text in enumerate(where)]
        desk.say(name, first.words)
        desk.say("buyer_address" if name == "buyer" else "ship_address", words_of(lines))
        desk.join(key, [first, *lines])
        desk.region("text", [*key, first, *lines])
        bottom = max(bottom, lines[-1].box.bottom + 8)
    return bottom


def _items(desk: Desk, items: Sequence[Item], box: Box) -> float:
    """Write the items as a table; return its lower end."""
    values, random = desk.values, desk.random
    order = random.choice(
        (
            ("name", "quantity", "unit_price", "amount"),
            ("quantity", "name", "unit_price", "amount"),
            ("name", "unit_price", "quantity", "amount"),
            ("name", "quantity", "amount"),
            ("name", "amount"),
        )
    )
    heads = {column: values.word(f"{column}.{values.locale.language}") for column in order}
    numbered, bare = values.chance(0.3), values.chance(0.6)
    rows = [[Entry(heads[column], align="left" if column == "name" else "right", bold=True) for column in order]]
    for item in items:
        text = {
            "name": item.name,
            "quantity": str(item.quantity),
            "unit_price": values.money(item.price, bare=bare),
            "amount": values.money(item.amount, bare=bare),
        }
        rows.append([Entry(text[column], align="left" if column == "name" else "right") for column in order])
    if numbered:
        rows = [[Entry("#" if index == 0 else str(index)), *row] for index, row in enumerate(rows)]
    widths = [0.4] * numbered + [3.0 if column == "name" else 1.0 for column in order]
    bottom = draw_table(
        desk.sheet,
        box,
        rows,
        widths,
        style=Style(desk.body.font, min(desk.body.size, 9.5), leading=random.uniform(1.3, 2.0)),
        rules=random.choice(("grid", "booktabs", "stripes", "none")),
    ).bottom
    cells = {(cell.row, cell.column): cell for cell in desk.sheet.tables[-1].cells}
    written = desk.sheet.regions[-1]
    for index, item in enumerate(items, start=1):
        for column in order:
            cell = cells[index, order.index(column) + numbered]
            found = desk.sheet.words_in(written, cell.box)
            if column != "name":
                desk.say(f"item_{column}", found, slots={"item": item.name})
            if numbered and column != "quantity":
                desk.say(f"line_{column}", found, slots={"n": str(index)})
    other = values.word("goods")
    if all(other.casefold() not in item.name.casefold() for item in items):
        for column in order[1:]:
            if column != "name":
                desk.lack(f"item_{column}", slots={"item": other})
    if numbered:
        desk.lack("line_amount", slots={"n": str(len(items) + random.randint(1, 4))})
    return bottom


def _totals(desk: Desk, items: Sequence[Item], sides: tuple[float, float], y: float) -> float:
    values, random, (left, right) = desk.values, desk.random, sides
    net = sum(item.amount for item in items)
    rows = list[tuple[str, int]]()
    if values.chance(0.8):
        rows.append(("subtotal", net))
    if values.chance(0.15):
        off = round(net * random.choice((0.05, 0.1)))
        rows.append(("discount", -off))
        net -= off
    if values.chance(0.25):
        sent = random.randint(300, 9000)
        rows.append(("shipping", sent))
        net += sent
    tax = round(net * random.choice((0.06, 0.0825, 0.1, 0.19, 0.2, 0.21)))
    if values.chance(0.8):
        rows.append(("tax", tax))
        net += tax
    rows.append(("total", net))
    if values.chance(0.25):
        paid = round(net * random.choice((0.1, 0.25, 0.5, 1.0)))
        rows += [("paid", paid), ("balance", net - paid)]
    elif values.chance(0.15):
        rows[-1] = ("balance", net)
    bare = values.chance(0.25)
    pairs = [Pair(name, values.money(sum_, bare=bare)) for name, sum_ in rows]
    wide = random.uniform(150, 230)
    if desk.layout("bill totals", 4) == 3:
        lines = desk.inline(left, y + desk.body.step, pairs[-3:], desk.body.bold(), gap="      ")
        desk.region("text", lines)
        return y + 2 * desk.body.step
    bottom, lines = desk.column(pairs, Box(right - wide, y, right, y + 300), random.choice((2, 2, 2, 1, 0)))
    desk.region("table" if values.chance(0.15) else "text", lines)
    return bottom


def _foot(desk: Desk, sides: tuple[float, float], y: float, seller: str) -> None:
    values, random, left = desk.values, desk.random, sides[0]
    said = {fact.field for fact in desk.facts}
    names = [
        name
        for name in ("bank", "iban", "bic", "terms", "email", "phone", "website")
        if name not in said and values.chance(0.3)
    ]
    small = Style(desk.body.font, max(desk.body.size * 0.8, 6.5), GREY if values.chance(0.5) else desk.body.color)
    pairs = [
        Pair(name, _contact(desk, name) if name != "terms" else f"{random.choice((7, 14, 30))} days")
        for name in names
    ]
    y = min(y, desk.sheet.box.bottom - 24 - len(pairs) * small.step)
    lines = list[Line]()
    if values.chance(0.5):
        lines.append(desk.write(left, y, f"{values.word('filler')}.", small))
        y += small.step
    for pair in pairs:
        lines += desk.inline(left, y, [pair], small)
        y += small.step
    if values.chance(0.3):
        lines.append(desk.write(left, y, f"{seller} · {values.town()}", small))
    desk.region("page-footer" if values.chance(0.5) else "text", lines)
