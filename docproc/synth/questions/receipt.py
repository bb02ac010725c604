"""Till receipts of Asia, Europe and America: narrow, crowded, with totals among sums that are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from docproc.document import Line
from docproc.synth.questions.data import Split
from docproc.synth.questions.desk import Desk, Pair, line_of, words_of
from docproc.synth.sheet import Align, Style


class Till:
    """A desk whose paper is written from the top down; `y` is the next baseline."""

    def __init__(self, desk: Desk, margin: float) -> None:
        self.desk = desk
        self.left, self.right = margin, desk.sheet.box.right - margin
        self.y = desk.random.uniform(14, 40)
        self.body = desk.body
        self.lines = list[Line]()

    def at(self, share: float) -> float:
        """Return the x of a share of the printed width."""
        return self.left + share * (self.right - self.left)

    def text(self, text: str, align: Align = "center", style: Style | None = None) -> list[Line]:
        """Write one text, in as many lines as it needs."""
        style = style or self.body
        x = self.at({"left": 0.0, "center": 0.5, "right": 1.0}[align])
        written = []
        for words in style.wrap(text, self.right - self.left):
            written.append(self.desk.write(x, self.y, " ".join(words), style, align=align))
            self.y += style.step
        self.lines += written
        return written

    def row(self, *texts: tuple[str, float], style: Style | None = None) -> list[Line]:
        """Write texts on one line; the first starts at its place (a share of the width), the others end there."""
        style = style or self.body
        written = [
            self.desk.write(self.at(place), self.y, text, style, align="right" if index else "left")
            for index, (text, place) in enumerate(texts)
        ]
        self.y += style.step
        self.lines += written
        return written

    def pairs(self, pairs: Sequence[Pair], style: Style | None = None, align: Align = "left") -> None:
        """Write labels with their values beside one another."""
        x = self.at({"left": 0.0, "center": 0.5, "right": 1.0}[align])
        self.lines += self.desk.inline(x, self.y, pairs, style or self.body, align)
        self.y += self.body.step

    def part(self) -> None:
        """End a region here."""
        self.desk.region("text", self.lines)
        self.lines = []


def draw_receipt(document: Any | None, random: Random, split: Split) -> Desk:
    """Draw a till receipt."""
    desk = Desk(document, random, split, random.uniform(190, 320), 1400.0)
    desk.body = Style(
        random.choice(("cour", "cour", "helv", "helv", "tiro")),
        random.choice((7.0, 8.0, 8.5, 9.0)),
        leading=random.uniform(1.15, 1.6),
    )
    till = Till(desk, random.uniform(8, 26))
    _head(till)
    if desk.layout("receipt order", 5) == 4:
        _sums(till, _items(till))
        _meta(till)
    else:
        _meta(till)
        _sums(till, _items(till))
    _end(till)
    desk.sheet.cut(till.y + random.uniform(5, 40))
    return desk


def _head(till: Till) -> None:
    desk, values, random = till.desk, till.desk.values, till.desk.random
    align: Align = random.choice(("center", "center", "center", "left"))
    if values.chance(0.12):
        till.text(values.word("receipt.title"), align)
    if values.chance(0.08):
        till.text(values.digits(values.one(("#####", "##:##"))), "right")
    name = values.shop()
    big = Style(desk.body.font, desk.body.size * random.choice((1.0, 1.2, 1.5)), leading=desk.body.leading)
    desk.say(
        "company",
        words_of(
            till.text(name.upper() if values.chance(0.6) else name, align, big.bold() if values.chance(0.7) else big)
        ),
    )
    if values.chance(0.35):
        number = values.digits(random.choice(("######-?", "###### - ?", "20####0#####", "###/####")))
        if values.chance(0.5):
            till.pairs([Pair("company_number", number)], align=align)
        else:
            desk.say("company_number", words_of(till.text(number, align)))
    if values.chance(0.25):
        till.text(
            f"({values.syllables().upper()} {values.word('trade').upper()})"
            if values.chance(0.5)
            else f"Branch: {values.town()}",
            align,
        )
    if values.chance(0.2):
        till.part()
    where = values.address()
    where = [", ".join(part.rstrip(",") for part in where)] if values.chance(0.3) else where
    if values.chance(0.93):
        desk.say("address", [word for part in where for word in words_of(till.text(part, align))])
    _contacts(till, align)
    if values.chance(0.5):
        till.text(random.choice(("-" * 24, "=" * 22, "* " * 12, "_" * 24)))
    if values.chance(0.5):
        till.text(values.word("receipt.title"), random.choice(("center", "left")), desk.body.bold())
    till.part()


def _contacts(till: Till, align: Align) -> None:
    values = till.desk.values
    shares = {"phone": 0.6, "fax": 0.25, "gst_id": 0.45, "website": 0.1, "email": 0.1}
    made = {"website": "www." + values.site(), "email": values.email(), "gst_id": values.digits(values.locale.tax)}
    pairs = [Pair(name, made.get(name) or values.phone()) for name, share in shares.items() if values.chance(share)]
    if len(pairs) > 1 and values.chance(0.25):
        till.pairs(pairs[:2], align=align)
        pairs = pairs[2:]
    for pair in pairs:
        till.pairs([pair], align=align)


def _meta(till: Till) -> None:
    desk, values = till.desk, till.desk.values
    who = values.one((values.word("first"), values.word("first").upper(), values.person(), values.digits("0##")))
    made = {
        "receipt_number": (values.code(), 0.75),
        "cashier": (who, 0.5),
        "table_number": (values.digits(values.one(("##", "?#", "#"))), 0.2),
        "pax": (str(desk.random.randint(1, 12)), 0.12),
        "till": (values.digits(values.one(("0#", "POS#", "#"))), 0.2),
    }
    pairs = [Pair(name, value) for name, (value, share) in made.items() if values.chance(share)]
    before = values.chance(0.6)
    if before:
        _dated(till)
    if len(pairs) > 1 and values.chance(0.3):
        till.pairs(pairs[:2])
        pairs = pairs[2:]
    for pair in pairs:
        till.pairs([pair])
    if not before:
        _dated(till)
    if values.chance(0.5):
        till.part()


def _dated(till: Till) -> None:
    desk, values = till.desk, till.desk.values
    day, clock = values.date(values.day(2008)), values.clock()
    layout = desk.layout("receipt date", 8)
    if layout in {0, 3, 4}:
        pairs = [Pair("date", day), Pair("time", clock)]
        for row in ([pairs], [pairs[:1], pairs[1:]], [pairs[:1]])[(0, 3, 4).index(layout)]:
            till.pairs(row)
        return
    if layout == 1:
        lines = till.row((day, 0.0), (clock, 1.0))
    elif layout == 5:
        label = f"{desk.colon(desk.label('date'))} "
        line = till.text(f"{label}{day} {clock}", "left")[0]
        lines = [line_of(line, len(label.split()))]
    elif layout == 6:
        lines = till.text(f"{day} {clock} {values.digits('####')}")
    else:
        lines = till.text(f"{day} {clock}" if layout == 2 else day, "left" if layout == 2 else "right")
    words, count = words_of(lines), len(day.split())
    desk.say("date", words[:count])
    if layout != 7:
        desk.say("time", words[count : count + len(clock.split())])


def _items(till: Till) -> int:
    """Write the items; return what they come to, in cents."""
    desk, values, random = till.desk, till.desk.values, till.desk.random
    kind = random.choice(("food", "food", "goods"))
    names = dict.fromkeys(values.word(kind) for _ in range(random.randint(1, random.choice((3, 8, 16)))))
    upper, how, total = values.chance(0.5), desk.layout("receipt items", 6), 0
    if values.chance(0.5):
        heads = (
            ("Item", "Amount"),
            ("Qty Description", "Amount"),
            ("Description", "Total"),
            ("ITEM", "RM"),
            ("Description", "Amt"),
            ("Qty Item", "Price"),
        )
        till.row((heads[how][0], 0.0), (heads[how][1], 1.0))
        if values.chance(0.5):
            till.text("-" * 28)
    mark = random.choice(("", "", "", " SR", " T", " A", "*"))
    for plain in names:
        name = plain.upper() if upper else plain
        quantity, price = random.choice((1, 1, 1, 2, 3, 6)), random.randint(50, 6000) // 5 * 5
        total += quantity * price
        each, amount = values.money(price, bare=True), values.money(quantity * price, bare=True) + mark
        counted = True
        if how in {0, 3}:
            if how == 3:
                till.text(values.digits("#############"), "left")
            lines, counted = till.row((name, 0.0), (amount, 1.0)), False
        elif how in {1, 5}:
            lines = till.row((f"{quantity} {name}", 0.0), (amount, 1.0))
        elif how == 2:
            till.text(name, "left")
            lines = till.row((f"{quantity} x {each}", 0.05), (amount, 1.0))
        else:
            till.text(f"{values.digits('####')} {name}", "left")
            lines = till.row((str(quantity), 0.2), (each, 0.6), (amount, 1.0))
        desk.say("item_price", lines[-1].words[:1], slots={"item": plain})
        if counted:
            desk.say("sold_quantity", lines[0].words[:1], slots={"item": plain})
    other = values.word(kind)
    if not any(other.casefold() in name.casefold() or name.casefold() in other.casefold() for name in names):
        desk.lack("item_price", slots={"item": other})
    if values.chance(0.6):
        till.text(random.choice(("-" * 28, "=" * 26)))
    if values.chance(0.5):
        till.part()
    return total


def _sums(till: Till, net: int) -> None:
    desk, values, random = till.desk, till.desk.values, till.desk.random
    rows = list[tuple[str, int]]()
    total = net
    if values.chance(0.55):
        rows.append(("subtotal", net))
    for name, share, rate in (
        ("discount", 0.12, -0.1),
        ("tip", 0.15, 0.1),
        ("tax", 0.5, random.choice((0.06, 0.07, 0.1, 0.19, 0.2, 0.0825))),
    ):
        if values.chance(share):
            rows.append((name, round(net * rate)))
            total += round(net * rate)
    if values.chance(0.3):
        rounded = round(total / 5) * 5
        rows.append(("rounding", rounded - total))
        total = rounded
    rows.append(("total", total))
    if values.chance(0.55):
        given = (
            -(-total // 1000) * 1000 if values.chance(0.5) else total + random.choice((0, 0, 100, 500, 1000, 5000))
        )
        rows.append(("cash", given))
        if given > total or values.chance(0.5):
            rows.append(("change", given - total))
    elif values.chance(0.6):
        rows.append(("card", total))
    if values.chance(0.2):
        till.pairs([Pair("item_count", str(random.randint(1, 30)))])
    bare, start = values.chance(0.6), random.choice((0.0, 0.0, 0.0, 0.3))
    close = desk.layout("receipt sums", 4) == 3
    strong = desk.body.bold() if values.chance(0.5) else desk.body
    large = Style(strong.font, strong.size * random.choice((1.0, 1.0, 1.3)), leading=strong.leading)
    for name, cents in rows:
        style, pair = large if name == "total" else desk.body, Pair(name, values.money(cents, bare=bare))
        if close:
            till.pairs([pair], style, "right")
            till.y += style.step - desk.body.step
            continue
        label, text = desk.colon(desk.label(name)), str(pair.value)
        share = style.width(f"{label} {text}") / (till.right - till.left)
        style = style if share <= 1 else replace(style, size=style.size / share)
        lines = till.row((label, max(min(start, 1 - share), 0.0)), (text, 1.0), style=style)
        desk.join(lines[:1], lines[1:])
        desk.known(pair, label, lines[1:])
    if rows[-1][0] == "card":
        _card(till)
    till.part()


def _card(till: Till) -> None:
    values = till.desk.values
    made = (
        ("card_number", values.digits(values.one(("XXXX XXXX XXXX ####", "************####", "**** ####")))),
        ("approval", values.digits("######")),
    )
    for name, text in made:
        if values.chance(0.6):
            till.pairs([Pair(name, text)])


def _end(till: Till) -> None:
    desk, values, random = till.desk, till.desk.values, till.desk.random
    if values.chance(0.3):
        rate = random.choice((6, 7, 10, 19, 20))
        till.row(("GST Summary", 0.0), ("Amount", 0.7), ("Tax", 1.0))
        till.row(
            (f"SR @ {rate}%", 0.0),
            (values.number(random.randint(100, 9000)), 0.7),
            (values.number(random.randint(10, 900)), 1.0),
        )
    for _ in range(random.randint(0, 3)):
        till.text(values.word("thanks"))
    if values.chance(0.1):
        till.pairs(
            [Pair("cashier", values.person())]
            if all(fact.field != "cashier" for fact in desk.facts)
            else [Pair("website", values.site())]
        )
    till.part()
