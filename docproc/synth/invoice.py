"""An invoice: letterhead, address, line items, totals, stamp, terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docproc.geometry import Box
from docproc.synth.flow import Flow
from docproc.synth.sheet import GREY, Sheet, Style
from docproc.synth.tables import Entry, draw_table
from docproc.synth.things import around, swollen
from docproc.synth.words import ITEMS, MONTHS, Writer

LEFT, RIGHT = 62.0, 533.0
BODY = Style("helv", 9.5, leading=1.4)
BLUE = (0.11, 0.27, 0.45)
RED = (0.72, 0.12, 0.14)
TAX = 0.2


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the invoice; prices in pence."""

    name: str
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        """Pence for all of them."""
        return self.quantity * self.price


def draw_invoice(document: Any, writer: Writer) -> list[Sheet]:
    """Draw an invoice of one page."""
    sheet, random = Sheet(document), writer.random
    seller = writer.company()
    items = [
        Item(name, random.randint(1, 24), random.randint(90, 9_500))
        for name in random.sample(ITEMS, random.randint(5, 9))
    ]
    _letterhead(sheet, writer, seller)
    month = random.randint(0, 10)
    year = random.randint(2015, 2025)
    _address(sheet, writer, f"{random.randint(1, 28)} {MONTHS[month]} {year}", year)
    bottom = _items(sheet, items)
    bottom = _totals(sheet, items, bottom)
    paid = f"PAID {random.randint(1, 28)} {MONTHS[month + 1].upper()} {year}"
    _stamp(sheet, (random.uniform(200, 240), bottom - 22), paid)
    _terms(sheet, writer, bottom + 34)
    _foot(sheet, writer, seller)
    return [sheet]


def pounds(pence: int) -> str:
    """Return a sum as printed: £1,204.50."""
    return f"£{pence // 100:,}.{pence % 100:02d}"


def _letterhead(sheet: Sheet, writer: Writer, seller: str) -> None:
    sheet.fill(Box(LEFT, 52, LEFT + 34, 86), BLUE)
    sheet.canvas.draw_circle((LEFT + 17, 69), 10, color=(1, 1, 1), fill=None, width=2.4)
    sheet.canvas.draw_line((LEFT + 7, 79), (LEFT + 27, 59), color=(1, 1, 1), width=2.4)
    sheet.region("picture", box=Box(LEFT, 52, LEFT + 34, 86))
    sheet.thing("logo", around(Box(LEFT, 52, LEFT + 34, 86)))
    name = sheet.write(LEFT + 44, 68, seller, Style("hebo", 15.0, BLUE))
    where = f"{writer.street()} · {writer.town()}"
    sheet.region("page-header", [name, sheet.write(LEFT + 44, 82, where, Style("helv", 8.0, GREY))])
    sheet.region("title", [sheet.write(RIGHT, 74, "INVOICE", Style("hebo", 20.0), align="right")])
    sheet.rule((LEFT, 98), (RIGHT, 98), 0.8)


def _address(sheet: Sheet, writer: Writer, date: str, year: int) -> None:
    random = writer.random
    rows = ["Bill to", writer.name(), writer.company(), writer.street(), writer.town()]
    styles = [Style("helv", 8.0, GREY), BODY.bold(), BODY, BODY, BODY]
    steps = zip(rows, styles, strict=True)
    lines = [sheet.write(LEFT, 128 + 14 * index, text, style) for index, (text, style) in enumerate(steps)]
    sheet.region("text", lines)
    facts = {
        "Invoice no.": f"{year}-{random.randint(1, 9_999):04d}",
        "Invoice date": date,
        "Due within": f"{random.choice((10, 14, 30))} days",
        "Customer no.": f"C-{random.randint(10_000, 99_999)}",
    }
    lines = []
    for index, (name, value) in enumerate(facts.items()):
        lines.append(sheet.write(370, 128 + 15 * index, name, BODY))
        lines.append(sheet.write(RIGHT, 128 + 15 * index, value, BODY.bold(), align="right"))
    sheet.region("text", lines)


def _items(sheet: Sheet, items: list[Item]) -> float:
    names = ("Pos.", "Description", "Quantity", "Unit price", "Amount")
    rows = [[Entry(name, align="left" if name in names[:2] else "right", bold=True) for name in names]]
    for number, item in enumerate(items, start=1):
        figures = (str(item.quantity), pounds(item.price), pounds(item.amount))
        rows.append([Entry(str(number)), Entry(item.name), *(Entry(text, align="right") for text in figures)])
    box = Box(LEFT, 222, RIGHT, 700)
    style = Style("helv", 9.5, leading=1.6)
    return draw_table(sheet, box, rows, [0.5, 2.9, 0.9, 1.1, 1.1], style=style, rules="stripes").bottom


def _totals(sheet: Sheet, items: list[Item], top: float) -> float:
    net = sum(item.amount for item in items)
    tax = round(net * TAX)
    rows = (("Subtotal", net, BODY), (f"VAT {TAX:.0%}", tax, BODY), ("Total due", net + tax, BODY.bold()))
    lines = []
    y = top + 26
    for name, value, style in rows:
        lines.append(sheet.write(370, y, name, style))
        lines.append(sheet.write(RIGHT - 4, y, pounds(value), style, align="right"))
        y += 17
    sheet.rule((366, y - 30), (RIGHT, y - 30), 0.8)
    sheet.rule((366, y - 10), (RIGHT, y - 10), 1.2)
    sheet.region("text", lines)
    return y


def _terms(sheet: Sheet, writer: Writer, top: float) -> None:
    flow = Flow([(sheet, Box(LEFT, top, RIGHT, 740))])
    flow.add("section-header", "Terms of payment", BODY.bold(), gap=4)
    text = (
        "Please pay the total without deduction and state the invoice number. Goods remain our property "
        "until they have been paid for in full. Complaints are accepted within eight days of delivery."
    )
    flow.add("text", text, BODY)
    flow.add("text", f"With kind regards, {writer.name()}", BODY.italic())


def _stamp(sheet: Sheet, center: tuple[float, float], text: str) -> None:
    """Stamp `text` in a red frame, tilted by 8 degrees against the clock, over whatever is there."""
    style = Style("hebo", 15.0, RED)
    line = sheet.write(center[0], center[1], text, style, align="center", tilt=-8.0)
    inner = line.polygon
    (ax, ay), (bx, by) = inner[0], inner[3]
    down = ((bx - ax) * 0.35, (by - ay) * 0.35)
    along = ((inner[1][0] - ax) * 0.06, (inner[1][1] - ay) * 0.06)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    frame = [
        (x + h * along[0] + v * down[0], y + h * along[1] + v * down[1])
        for (x, y), (h, v) in zip(inner, signs, strict=True)
    ]
    sheet.canvas.draw_polyline([*frame, frame[0]], color=RED, width=2.2, closePath=True)
    sheet.region("picture", [line], Box.around(frame))
    sheet.thing("stamp", [swollen(tuple(frame), 1.1)], text)  # half of the frame is outside


def _foot(sheet: Sheet, writer: Writer, seller: str) -> None:
    style, random = Style("helv", 7.5, GREY), writer.random
    sheet.rule((LEFT, 780), (RIGHT, 780), 0.4)
    phone = f"{random.randint(100, 999)} {random.randint(1000, 9999)}"
    account = " ".join(str(random.randint(1000, 9999)) for _ in range(4))
    site = seller.split(maxsplit=1)[0].lower()
    rows = (
        f"{seller} · Phone {phone} · office@{site}.example · www.{site}.example",
        f"Bank of {writer.place()} · Account {account} · Managing director {writer.name()}",
    )
    middle = (LEFT + RIGHT) / 2
    lines = [sheet.write(middle, 793 + 11 * index, text, style, align="center") for index, text in enumerate(rows)]
    sheet.region("page-footer", lines)
