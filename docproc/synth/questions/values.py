"""Values as documents print them: names, places, dates, sums and numbers of many countries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from docproc.synth.questions.data import lines, words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Locale:
    """How a country writes. `money` are patterns with {} for the number; `point` and `group` part its digits."""

    language: str
    towns: str
    money: tuple[str, ...]
    point: str
    group: str
    day_first: bool
    suffixes: tuple[str, ...]
    postcode: str
    tax: str

    @classmethod
    def parsed(cls, line: str) -> Locale:
        """Return the locale of a line of `data/locales.txt`."""
        language, towns, money, point, group, first, suffixes, postcode, tax = line.split("; ")
        parts = (
            tuple(money.split(" | ")),
            point,
            group.replace("_", " "),
            first == "day",
            tuple(suffixes.split(" | ")),
        )
        return cls(language, towns, *parts, postcode, tax)


LOCALES = tuple(map(Locale.parsed, lines("locales.txt")))
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ENDINGS = {1: "st", 21: "st", 31: "st", 2: "nd", 22: "nd", 3: "rd", 23: "rd"}
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


class Values:
    """Draws values from one random stream, as one country writes them; `numeric` picks the date's pattern once."""

    def __init__(self, random: Random, locale: Locale | None = None) -> None:
        self.random = random
        self.locale = locale or random.choice(LOCALES)
        self._money = random.choice(self.locale.money)
        self._date = random.randrange(14)
        self._group = self.locale.group if random.random() < 0.8 else ""

    def one(self, options: Sequence[T]) -> T:
        """Return one of `options`."""
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        """Return True in that share of calls."""
        return self.random.random() < share

    def word(self, name: str) -> str:
        """Return one word of a list in `data/words.txt`."""
        return self.random.choice(words(name))

    def digits(self, pattern: str) -> str:
        """Return `pattern` with every # made a digit and every ? a letter."""
        pick = self.random.choice
        return "".join(pick("0123456789") if c == "#" else pick(LETTERS) if c == "?" else c for c in pattern)

    def syllables(self) -> str:
        """Return a word that does not exist."""
        parts = (
            self.one(words("onset")) + self.one(words("vowel")) + (self.one(words("coda")))
            for _ in range(self.random.choice((2, 2, 3)))
        )
        return "".join(parts).capitalize()

    def last(self) -> str:
        """Return a family name, one in seven of them invented."""
        return self.syllables() if self.chance(0.15) else self.word("last")

    def name(self) -> str:
        """Return a person's name in one of the ways it is written."""
        first, last = self.word("first"), self.last()
        initial = self.one(LETTERS)
        patterns = ("{f} {l}",) * 6 + (
            "{f} {i}. {l}",
            "{i}. {l}",
            "{t} {f} {l}",
            "{t} {l}",
            "{l}, {f}",
            "{i}.{j}. {l}",
        )
        return self.one(patterns).format(
            f=first, l=last, i=initial, j=self.one(LETTERS), t=self.one(("Mr.", "Ms.", "Mrs.", "Dr.", "Prof."))
        )

    def person(self) -> str:
        """Return a first and a last name."""
        return f"{self.word('first')} {self.last()}"

    def company(self) -> str:
        """Return a company's name."""
        last, trade = self.last(), self.word("trade")
        suffix = self.one(self.locale.suffixes)
        made = self.word("pattern.company").format(
            a=self.syllables() if self.chance(0.3) else last, b=self.last(), t=trade, s=suffix,
            town=self.town(), x=self.syllables(),
            y=self.one(("tech", "soft", "mart", "co", "line", "pharm", "net", "")),
        )  # fmt: skip
        return made.upper() if self.chance(0.15) else made

    def shop(self) -> str:
        """Return a shop's name, often a company's."""
        made = self.word("shop") if self.chance(0.45) else self.company()
        if self.chance(0.25):
            made = f"{made} {self.one(self.locale.suffixes)}" if " " in made else made
        return made

    def town(self) -> str:
        """Return a town, one in ten invented."""
        return self.syllables() if self.chance(0.1) else self.word(f"town.{self.locale.towns}")

    def address(self) -> list[str]:
        """Return the lines of an address: street, perhaps more, post code and town."""
        towns = self.locale.towns
        street, number = self.word(f"street.{towns}"), str(self.random.randint(1, 280))
        code = self.digits(self.locale.postcode)
        if towns == "asia":
            number = self.one(("NO. {}", "No {}", "LOT {}", "{},", "No. {}A,", "{}&{}A,", "G-{},")).format(
                number, number
            )
            head = [f"{number} {street},"]
            if self.chance(0.6):
                head.append(f"{self.word('area.asia')},")
            tail = f"{code} {self.town()}"
            if self.chance(0.6):
                tail += f", {self.word('state.asia')}"
            lines = [*head, tail + self.one(("", "."))]
            return [line.upper() for line in lines] if self.chance(0.5) else lines
        first = f"{street} {number}" if self.locale.language in {"de", "nl", "es"} else f"{number} {street}"
        last = f"{code} {self.town()}"
        if self.locale.language == "en":
            last = (
                f"{self.town()}, {self.word('state.en')} {code}"
                if not self.locale.day_first
                else f"{self.town()} {code}"
            )
        lines = [first, last]
        if self.chance(0.2):
            lines.insert(
                1,
                self.one(("Suite {}", "Unit {}", "Floor {}", "P.O. Box {}", "Apt {}")).format(
                    self.random.randint(1, 900)
                ),
            )
        if self.chance(0.2):
            lines.append(self.word("country"))
        return lines

    def street(self) -> str:
        """Return a street with its number."""
        return f"{self.random.randint(1, 280)} {self.word(f'street.{self.locale.towns}')}"

    def day(self, start: int = 1988, end: int = 2026) -> date:
        """Return a day of the years from `start` up to `end`."""
        return date(start, 1, 1) + timedelta(days=self.random.randrange((end - start) * 365))

    def date(self, day: date | None = None, *, mixed: bool = False) -> str:
        """Return a date in this document's pattern; `mixed` takes another pattern each time."""
        day = day or self.day()
        pattern = self.random.randrange(14) if mixed else self._date
        month = MONTHS[self.locale.language].split()[day.month - 1]
        short, two = month[:3], day.year % 100
        d, m, y = day.day, day.month, day.year
        first, second = (d, m) if self.locale.day_first else (m, d)
        return (
            lambda: f"{first:02d}/{second:02d}/{y}",
            lambda: f"{d:02d}.{m:02d}.{y}" if self.locale.day_first else f"{m}/{d}/{y}",
            lambda: f"{d} {month} {y}",
            lambda: f"{month} {d}, {y}" if self.locale.language == "en" else f"{d}. {month} {y}",
            lambda: f"{y}-{m:02d}-{d:02d}",
            lambda: f"{d:02d}-{short}-{two:02d}",
            lambda: f"{d:02d} {short.upper()} {y}",
            lambda: f"{first}/{second}/{two:02d}",
            lambda: f"{first:02d}-{second:02d}-{y}",
            lambda: f"{short} {d}, {y}",
            lambda: f"{d}{ENDINGS.get(d, 'th')} {month} {y}",
            lambda: f"{DAYS[day.weekday()]} {d:02d} {short} {y}",
            lambda: f"{first:02d}.{second:02d}.{two:02d}",
            lambda: f"{d:02d}-{short}-{y}",
        )[pattern]()  # fmt: skip

    def clock(self) -> str:
        """Return a time of day."""
        hour, minute, second = self.random.randint(7, 22), self.random.randint(0, 59), self.random.randint(0, 59)
        half = f"{(hour - 1) % 12 + 1}:{minute:02d}"
        am = "AM" if hour < 12 else "PM"
        return self.one(
            (
                f"{hour:02d}:{minute:02d}",
                f"{hour:02d}:{minute:02d}:{second:02d}",
                f"{half} {am}",
                f"{half}{am.lower()}",
            )
        )

    def number(self, cents: int) -> str:
        """Return a sum without its currency, with two decimals."""
        whole, rest = divmod(abs(cents), 100)
        grouped = f"{whole:,}".replace(",", self._group)
        return f"{'-' if cents < 0 else ''}{grouped}{self.locale.point}{rest:02d}"

    def money(self, cents: int, *, bare: bool = False) -> str:
        """Return a sum as this document prints sums; `bare`: without the currency."""
        return self.number(cents) if bare else self._money.format(self.number(cents))

    def phone(self) -> str:
        """Return a telephone number."""
        return self.digits(self.word("pattern.phone"))

    def code(self) -> str:
        """Return a number as documents carry: with letters, dashes, a year."""
        year = self.random.randint(1990, 2025)
        return self.digits(self.word("pattern.code").replace("{year}", str(year)))

    def email(self, name: str = "") -> str:
        """Return an e-mail address, at a domain reserved for examples in half of them."""
        who = (name or self.one(("info", "office", "sales", "contact", "service"))).lower()
        who = "".join(
            c for c in who.replace(" ", self.one((".", "_", ""))) if c.isascii() and (c.isalnum() or c in "._")
        )
        return f"{who}@{self.site()}"

    def site(self) -> str:
        """Return a domain."""
        return f"{self.syllables().lower()}.{self.one(('com', 'example', 'org', 'co.uk', 'de', 'net', 'com.my'))}"

    def iban(self) -> str:
        """Return something that looks like an IBAN."""
        return self.digits(
            self.one(
                (
                    "DE## #### #### #### #### ##",
                    "FR## #### #### #### #### #### ###",
                    "NL##????##########",
                    "GB##????##############",
                    "ES## #### #### #### ####",
                )
            )
        )


def make(values: Values, spec: str) -> str | list[str]:
    """Return a value as the head of `data/forms.txt` says."""
    how, _, rest = spec.partition(" ")
    if how == "words":
        return values.word(rest)
    if how == "one":
        return values.one(rest.split("|" if "|" in rest else "/"))
    if how == "digits":
        return values.digits(values.one(rest.split("/")))
    if how == "count":
        low, high = map(int, rest.split())
        number = values.random.randint(low, high)
        return f"{number:,}" if number > 999 and values.chance(0.7) else str(number)
    if how == "money":
        return values.money(values.random.randint(int(rest) // 50, int(rest) * 10))
    if how == "note":
        return [f"{values.word('filler')}." for _ in range(values.one((1, 1, 2)))]
    if how == "address":
        lines = values.address()
        return lines if values.chance(0.3) else ", ".join(line.rstrip(",.") for line in lines)
    return str(getattr(values, how)())
