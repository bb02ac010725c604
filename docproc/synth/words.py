"""A small writer of plain English: prose with slots, names, sums and dates. All of it is our own text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


def _split(text: str, at: str | None = None) -> list[str]:
    return [part.strip() for part in text.replace("|\n", "|").strip().split(at)]


FIRST = _split(
    """
    Ada Alma Anton Bela Bruno Carla Clara Daria Edgar Elena Emil Erik Felix Flora Greta Hugo Ida Ines
    Irma Jonas Judit Karl Lena Leo Lidia Maren Mateo Mila Nadia Nils Nora Oskar Paula Petra Quentin
    Rosa Ruben Sofia Stefan Tilda Tomas Ulla Vera Viktor Wanda Xenia Yara Zeno
    """
)
LAST = _split(
    """
    Abendroth Almeida Barlow Bergmann Castell Corvin Dahlgren Delacroix Eastwood Falk Fontana Grimsby
    Hallam Holmqvist Iversen Jansen Kestrel Kovacs Lindqvist Marlowe Mertens Novak Okafor Ostrander
    Pellegrin Quist Ravenna Sandoval Steiner Thornbury Underhill Valente Whitlock Wexford Yardley
    Zielinski
    """
)
PLACES = _split(
    """
    Aldenmoor Brackwater Cairnholm Dunmarsh Elverton Fairhaven Gullsund Harrowgate Inverlund
    Kestermouth Larkfield Millbrook Northwick Oakhollow Penrith Queensferry Ravensby Saltmere Thornwick
    Umberleigh Westerby
    """
)
TRADES = _split(
    """
    Bakery Bindery Boatyard Carpentry Ceramics Chandlery Dairy Foundry Glassworks Instruments Joinery
    Lighting Logistics Nurseries Optics Papers Printing Roofing Stationers Textiles Timber Tools
    Turbines Weaving
    """
)
MONTHS = _split(
    """
    January February March April May June July August September October November December
    """
)
THINGS = _split(
    """
    annual budget|archive room|boiler house|cargo ledger|cooling pump|drainage plan|east wing|
    ferry timetable|field survey|freight contract|garden wall|harbour crane|heating system|
    insurance claim|inventory list|lighting scheme|loading dock|maintenance log|market hall|new pier|
    night shift|north bridge|old mill|paper store|pilot study|pricing model|public library|
    quality check|rail depot|reading room|repair shop|river gauge|roof survey|school kitchen|
    signal box|spare parts|storm drain|test bench|ticket office|timber yard|tool register|town archive|
    training course|water meter|weather station|wind turbine
    """,
    "|",
)
VERBS = _split(
    """
    approved checked counted delayed described examined extended inspected measured moved opened
    painted planned postponed recorded renewed repaired replaced reviewed tested
    """
)
ADJECTIVES = _split(
    """
    careful cautious clear complete early final gradual large late modest narrow open partial plain
    quiet rapid regular small steady thorough unusual useful
    """
)
SENTENCES = (
    "The {thing} was {verb} in {month}, and the {adj} result surprised nobody who had seen the {thing}.",
    "{name} of {place} wrote that the {thing} should be {verb} before the end of {month}.",
    "Of the {number} entries in the ledger, {small} concern the {thing}.",
    "A {adj} account of the {thing} was sent to {place} on {date}.",
    "It took {small} weeks until the {thing} had been {verb}.",
    "Nobody expected the {thing} to cost more than {money}, yet the bill came to {money}.",
    "We asked for a {adj} answer and received {small} of them.",
    "In {place} the {thing} is {verb} once a year; in {place} it is {verb} every {small} weeks.",
    "The share rose from {percent} to {percent} within {small} months.",
    "“That is the {adj} way to do it,” said {name}, who had {verb} the {thing} herself.",
    "Where the {thing} ends, the {thing} begins: both were {verb} by the same team.",
    "After {adj} work on the {thing}, the committee turned to the {thing}.",
    "The figures for {month} (see page {small}) show a {adj} rise of {percent}.",
    "Rain fell for {small} days, so the {thing} had to be {verb} later than planned.",
    "Every part has a number, and every number is kept with the {thing}.",
    "Between {place} and {place} lie {number} metres of track, {small} bridges and one {thing}.",
    "If the {thing} fails, the {thing} takes over without delay.",
    "{name} and {name} compared both lists and found {small} differences.",
    "Since {year} the {thing} has been {verb} {small} times.",
    "There is no need to replace the {thing}; it can be {verb} for less than {money}.",
    "Visitors are asked to leave the {thing} as they find it.",
    "The {adj} part of the plan, the {thing}, was {verb} first.",
    "Most readings stay below {number}; the highest, {number}, was taken near {place}.",
    "What began as a {adj} idea has become the {thing} that {place} relies on.",
    "Please return the form by {date}, together with the receipt for the {thing}.",
    "On {date} the {thing} was handed over to {name}, {small} days early.",
    "The keys of the {thing} hang behind the door, next to those of the {thing}.",
    "A second look at the {thing} confirmed the {adj} trend of the years before {year}.",
)  # fmt: skip
HEADINGS = _split(
    """
    Background|Method|Results|Discussion|Costs and time|Next steps|What was measured|Open questions|
    The site|Materials|Terms of delivery|Summary of findings|Risks|How to read the tables|Safety|
    Outlook
    """,
    "|",
)
ITEMS = _split(
    """
    Ball bearing 6204|Brass hinge, 80 mm|Cable tie, 200 mm|Ceiling lamp, white|Copper pipe 15 mm|
    Delivery and handling|Door handle, steel|Felt pads, set of 16|Filter cartridge F7|Gasket, rubber|
    Hand plane No. 4|Hourly work, joiner|Hose clamp 25-40|LED tube 120 cm|Linseed oil, 1 litre|
    Masking tape, blue|Oak board 2 m|Paint, matt grey|Plywood sheet 9 mm|Pump service kit|
    Safety gloves, L|Sanding disc P120|Screws 4 x 40, box|Shelf bracket|Timber screw 6 x 80|
    Valve, 1/2 inch|Wood glue, 750 g
    """,
    "|",
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes text from one random stream: the same seed gives the same words."""

    random: Random

    def sentence(self) -> str:
        """Return one sentence."""
        return self._sentence(self.random.choice(SENTENCES))

    def paragraph(self, sentences: int) -> str:
        """Return a paragraph of so many sentences, no two of one pattern."""
        return " ".join(map(self._sentence, self.random.sample(SENTENCES, sentences)))

    def heading(self, words: int = 0) -> str:
        """Return a section heading; with `words`, a longer one about two things."""
        if not words:
            return self.random.choice(HEADINGS)
        thing, other = self.random.sample(THINGS, 2)
        return f"The {thing} and the {other} of {self.place()}"

    def name(self) -> str:
        """Return a person's name."""
        return f"{self.random.choice(FIRST)} {self.random.choice(LAST)}"

    def place(self) -> str:
        """Return a town that does not exist."""
        return self.random.choice(PLACES)

    def company(self) -> str:
        """Return a company's name."""
        return f"{self.random.choice(LAST)} {self.random.choice(TRADES)} Ltd"

    def street(self) -> str:
        """Return a street and number."""
        return f"{self.random.randint(1, 190)} {self.random.choice(LAST)} Street"

    def town(self) -> str:
        """Return a post code and town."""
        return f"{self.random.randint(10000, 98999)} {self.place()}"

    def date(self, year: int | None = None) -> str:
        """Return a date, as 3 May 2021, of any year or a given one."""
        year = year or self.random.randint(1996, 2025)
        return f"{self.random.randint(1, 28)} {self.random.choice(MONTHS)} {year}"

    def money(self) -> str:
        """Return a sum in pounds, as £1,204.50."""
        return f"£{self.random.randint(20, 9_999):,}.{self.random.randint(0, 99):02d}"

    def _sentence(self, pattern: str) -> str:
        parts = pattern.split("{")
        text = parts[0] + "".join(self._fill(*part.split("}", 1)) for part in parts[1:])
        return re.sub(r"\b([Aa]) (?=early|open|unusual)", r"\1n ", text)

    def _fill(self, slot: str, rest: str) -> str:
        choice, number = self.random.choice, self.random.randint
        made: dict[str, Callable[[], str]] = {
            "thing": lambda: choice(THINGS),
            "verb": lambda: choice(VERBS),
            "adj": lambda: choice(ADJECTIVES),
            "month": lambda: choice(MONTHS),
            "name": self.name,
            "place": self.place,
            "date": self.date,
            "money": self.money,
            "number": lambda: f"{number(120, 9_800):,}",
            "small": lambda: str(number(2, 19)),
            "year": lambda: str(number(1950, 2024)),
            "percent": lambda: f"{number(1, 96)}.{number(0, 9)} %",
        }
        return made[slot]() + rest
