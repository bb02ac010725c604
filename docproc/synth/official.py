"""Pages with stamps, signatures, logos, charts: contracts and certificates in twenty languages, pages of charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from docproc.geometry import Box
from docproc.synth.asked import Asked
from docproc.synth.charts import FORMS, draw_chart, invented
from docproc.synth.flow import Flow
from docproc.synth.marks import draw_barcode, draw_logo, draw_photo, draw_signature, draw_stamp
from docproc.synth.pages import head, page_number
from docproc.synth.sheet import GREY, Sheet, Style
from docproc.synth.words import MONTHS, Writer

FACES = (
    Style("tiro", 10.5, leading=1.35),
    Style("helv", 9.5, leading=1.45),
    Style("noto", 9.0, leading=1.5),
    Style("cour", 9.5, leading=1.3),
)
BOLD = {"tiro": "tibo", "helv": "hebo", "noto": "tibo", "cour": "cobo"}
STAMPED = ("PAID", "RECEIVED", "APPROVED", "COPY", "ORIGINAL", "CONFIDENTIAL", "ENTERED", "DRAFT", "URGENT", "FINAL")
ENGLISH_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Tongue:
    """What documents say in a language; see the head of `tongues.txt`."""

    code: str
    contract: str
    certificate: str
    labels: tuple[str, ...]
    headings: tuple[str, ...]
    months: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    towns: tuple[str, ...]
    firms: tuple[str, ...]
    sentences: tuple[str, ...]

    def name(self, random: Random) -> str:
        """Return a person's name."""
        return f"{random.choice(self.first)} {random.choice(self.last)}"

    def company(self, random: Random) -> str:
        """Return a company's name."""
        return f"{random.choice(self.last)} & {random.choice(self.last)} {random.choice(self.firms)}"

    def date(self, random: Random) -> str:
        """Return a date, with the month as a word or as a number."""
        day, year = random.randint(1, 28), random.randint(1998, 2025)
        if random.random() < 0.6:
            return f"{day} {random.choice(self.months)} {year}"
        return f"{day:02d}.{random.randint(1, 12):02d}.{year}"

    def text(self, random: Random, count: int, parties: Sequence[str]) -> str:
        """Return so many sentences, no two of one pattern; their persons are `parties`."""
        made = []
        for pattern in random.sample(self.sentences, min(count, len(self.sentences))):
            money = f"{random.randint(120, 98_000):,}".replace(",", " ") + random.choice((" €", " EUR", ",00 €"))
            values = {"p": random.choice(parties), "t": random.choice(self.towns), "m": money}
            made.append(pattern.format(**values, d=self.date(random), n=random.randint(2, 60)))
        return " ".join(made)


@cache
def tongues() -> Mapping[str, Tongue]:
    """Return all languages by code."""
    text = (files(__package__) / "tongues.txt").read_text("utf-8")
    found = {}
    for block in text.split("\n[")[1:]:
        first, *sentences = [line for line in block.splitlines() if line.strip()]
        code, rest = first.split("] ", 1)
        contract, certificate, labels, headings, *lists = rest.split("; ")
        months, first_names, last_names, towns = (tuple(one.split()) for one in lists[:4])
        firms = tuple(lists[4].replace("sp. z o.o.", "sp._z_o.o.").split())
        found[code] = Tongue(
            code, contract, certificate, tuple(labels.split(" | ")), tuple(headings.split(" | ")), months,
            first_names, last_names, towns, tuple(firm.replace("_", " ") for firm in firms), tuple(sentences),
        )  # fmt: skip
    return found


def _tongue(random: Random) -> Tongue:
    known = tongues()
    return known["en"] if random.random() < ENGLISH_SHARE else known[random.choice(sorted(known))]


def draw_contract(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a contract of one page: title, number, parties, clauses, then signatures and stamps."""
    sheet, random = Sheet(document), writer.random
    tongue = _tongue(random)
    sheet.language, (number, date, signature, between) = tongue.code, tongue.labels
    body = random.choice(FACES)
    bold = Style(BOLD[body.font], body.size, leading=body.leading)
    one, two, when = tongue.company(random), tongue.name(random), tongue.date(random)
    code = f"{random.choice('ABCKV')}-{random.randint(1990, 2025)}/{random.randint(1, 999):03d}"
    sheet.fields = {
        "title": tongue.contract, "party_one": one, "party_two": two, "contract_date": when, "contract_number": code,
    }  # fmt: skip
    left = random.uniform(56, 80)
    box = Box(left, random.uniform(60, 90), sheet.box.right - left, 620)
    if random.random() < 0.7:
        side = random.uniform(34, 54)
        draw_logo(sheet, Box(left, box.top - 20, left + side, box.top - 20 + side), _initials(one, random), random)
        box = Box(box.left, box.top + side, box.right, box.bottom)
    flow = Flow([(sheet, box)])
    flow.add("title", tongue.contract, Style(BOLD[body.font], random.uniform(17, 24)), gap=8)
    _facts(sheet, flow, ((number, code, "contract_number"), (date, when, "contract_date")), body)
    _facts(sheet, flow, ((between, f"{one} · {two}", ""),), body)
    for index, heading in enumerate(random.sample(tongue.headings, random.randint(2, 4)), start=1):
        flow.add("section-header", f"§ {index} {heading}", bold, gap=4)
        text = tongue.text(random, random.randint(2, 6), (one, two, tongue.name(random)))
        flow.add("text", text, body, gap=8, justify=random.random() < 0.4 and body.font != "cour")
    place = flow.reserve(1)
    _signed(sheet, (place[1].top if place else box.bottom) + 20, (left, box.right), (one, two), signature, random)
    if random.random() < 0.3:
        draw_barcode(sheet, Box(box.right - 110, 34, box.right, 66), random)
    return [sheet]


def draw_certificate(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a certificate, upright or across: frame, logo, title, name, a few lines, signature, seal."""
    random = writer.random
    size = random.choice(((595.0, 842.0), (842.0, 595.0)))
    sheet = Sheet(document, *size)
    tongue = _tongue(random)
    name, when = tongue.name(random), tongue.date(random)
    sheet.language = tongue.code
    sheet.fields = {"title": tongue.certificate, "holder": name, "date": when}
    middle, whole = size[0] / 2, sheet.box
    if random.random() < 0.7:
        for by, pen in ((24, 2.0), (30, 0.6)):
            sheet.frame(whole.grown(-by), pen)
    y = 70.0
    if random.random() < 0.8:
        draw_logo(sheet, Box(middle - 28, y, middle + 28, y + 56), "", random)
        y += 84
    face = random.choice(("tibo", "hebo"))
    y += 24
    sheet.region("title", [sheet.write(middle, y, tongue.certificate, Style(face, 30.0), align="center")])
    y += 52
    line = sheet.write(middle, y, name, Style("tibi", 21.0), align="center")
    sheet.region("text", [line])
    sheet.asked.append(Asked("Whose certificate is it?", (name,), tuple(word.id for word in line.words), "name"))
    style = Style("tiro", 11.0, leading=1.5)
    flow = Flow([(sheet, Box(size[0] * 0.18, y + 24, size[0] * 0.82, y + 200))])
    flow.add("text", tongue.text(random, random.randint(1, 4), (name,)), style)
    foot = size[1] - 90
    dated = sheet.write(size[0] * 0.14, foot, f"{tongue.labels[1]}: {when}", Style("tiro", 10.0))
    sheet.region("text", [dated])
    ids = tuple(word.id for word in dated.words[-len(when.split()) :])
    sheet.asked.append(Asked("When was the certificate issued?", (when,), ids, "date"))
    _sign(sheet, Box(size[0] * 0.58, foot - 62, size[0] * 0.86, foot - 4), tongue.labels[2], random)
    if random.random() < 0.75:
        draw_stamp(sheet, (middle, foot - 20), (_seal(tongue, random), when), random)
    return [sheet]


def draw_charts(document: Any, writer: Writer) -> list[Sheet]:
    """Draw a page of text with two or three charts or photographs, each with its caption."""
    sheet, random = Sheet(document), writer.random
    head(sheet, "Figures of the year", writer.date())
    body = random.choice(FACES[:3])
    flow = Flow([(sheet, Box(70, 74, 525, 786))])
    title = writer.heading(1)
    sheet.fields = {"title": title}
    flow.add("title", title, Style("hebo", 15.0), gap=8)
    for number in range(1, random.randint(2, 3) + 1):
        flow.add("text", writer.paragraph(random.randint(1, 3)), body, gap=8)
        place = flow.reserve(random.uniform(120, 175), gap=4)
        if place is None:
            break
        wide = random.uniform(0.55, 1.0) * place[1].width
        box = replace(place[1], right=place[1].left + wide)
        thing = writer.heading()
        if random.random() < 0.2:
            draw_photo(sheet, box, random)
        else:
            months = [month[:3] for month in MONTHS]
            start = random.randint(0, 5)
            categories = random.choice((months[start : start + random.randint(4, 7)], _places(writer, 5)))
            names = random.sample(("North", "South", "East", "West", "Plan", "Actual"), random.choice((1, 1, 2, 3)))
            draw_chart(sheet, box, invented(random.choice(FORMS), thing, categories, names, random), random)
        flow.add("caption", f"Figure {number}. {thing}, {writer.place()}", Style("heit", 8.0), gap=10)
    page_number(sheet, random.randint(2, 80))
    return [sheet]


def _facts(sheet: Sheet, flow: Flow, facts: tuple[tuple[str, str, str], ...], body: Style) -> None:
    """Write labels with values in one line each, and ask for those that are fields."""
    for label, value, field in facts:
        before = len(sheet.lines)
        flow.add("text", f"{label}: {value}", body, gap=3)
        words = [word for line in sheet.lines[before:] for word in line.words][len(label.split()) :]
        if field and len(words) == len(value.split()):
            what = "number of the contract" if field == "contract_number" else "date of the contract"
            kind = "number" if field == "contract_number" else "date"
            ids = tuple(word.id for word in words)
            sheet.asked.append(Asked(f"What is the {what}?", (value,), ids, kind, field))


def _signed(
    sheet: Sheet, top: float, sides: tuple[float, float], parties: tuple[str, str], label: str, random: Random
) -> None:
    """Write the places for two signatures, sign one or both, and stamp at times."""
    middle = (sides[0] + sides[1]) / 2
    bottom = min(top + random.uniform(60, 90), 790.0)
    small = Style("helv", 8.0, GREY)
    for index, (left, right) in enumerate(((sides[0], middle - 15), (middle + 15, sides[1]))):
        sheet.rule((left, bottom), (right, bottom), 0.5)
        text = random.choice((label, f"{label}, {parties[index]}"))
        sheet.region("text", [sheet.write(left, bottom + 11, text, small)])
        if random.random() < 0.8:
            wide = random.uniform(0.45, 0.8) * (right - left)
            start = left + random.uniform(0, right - left - wide)
            draw_signature(sheet, Box(start, bottom - random.uniform(26, 44), start + wide, bottom + 3), random)
    if random.random() < 0.7:
        first = random.choice(STAMPED)
        lines = random.choice(((first,), (first, f"{random.randint(1, 28)} {random.choice(MONTHS)[:3]} 2024")))
        draw_stamp(
            sheet, (random.uniform(sides[0] + 80, sides[1] - 80), bottom - random.uniform(10, 40)), lines, random
        )


def _sign(sheet: Sheet, box: Box, label: str, random: Random) -> None:
    draw_signature(sheet, box, random)
    sheet.rule((box.left, box.bottom), (box.right, box.bottom), 0.5)
    sheet.region("text", [sheet.write(box.left, box.bottom + 12, label, Style("helv", 8.0, GREY))])


def _seal(tongue: Tongue, random: Random) -> str:
    return random.choice(tongue.towns).upper()


def _initials(name: str, random: Random) -> str:
    return "".join(part[0] for part in name.split() if part[0].isalpha())[: random.choice((0, 1, 2))]


def _places(writer: Writer, count: int) -> list[str]:
    return sorted({writer.place() for _ in range(3 * count)})[:count]
