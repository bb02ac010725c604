"""Random text of every kind that stands in documents; the same random stream gives the same text."""

from __future__ import annotations

import re
from functools import lru_cache
from pydoc_data.topics import topics
from random import Random

from docproc.synth.words import Writer

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
SIGNS = ".,:;-/()&%'\"!?+*=#@€£$§[]<>_|\\~^`{}–—’“”„•°"  # noqa: RUF001
ACCENTED = "äöüßÄÖÜéèêëáàâçñóòôíìîïúùûåøæœÉÀÇÑÅØ"
SYLLABLES = (  # noqa: SIM905
    "ba be bo ca co da de di do en er es fa ge ha he in ka la le li lo ma me mi mo na ne no on or pa pe ra "
    "re ri ro sa se si so sta ste ta te ti to tra tur un va ve vi vo wa we za"
).split()
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LABELS = (
    "Total", "Subtotal", "VAT", "Date", "Invoice no.", "Order", "Customer", "Amount due", "Tel.", "Fax", "Page",
    "Qty", "Price", "Ref.", "Account", "IBAN",
)  # fmt: skip
WORD = re.compile(r"[(\"']?[A-Za-z0-9][A-Za-z0-9'-]{0,14}[).,;:!?\"']{0,2}")
"""Words as prose has them; the help texts also have programs."""
HELD_OUT = 0.1
"""Share of the prose, at its end, that no training example is taken from."""


@lru_cache(maxsize=2)
def prose(*, test: bool = False) -> tuple[str, ...]:
    """Return English words in order, with their punctuation: the help texts that come with Python."""
    text = "\n".join(topics[key] for key in sorted(topics))
    words = [word for word in text.split() if WORD.fullmatch(word)]
    cut = int(len(words) * (1 - HELD_OUT))
    return tuple(words[cut:] if test else words[:cut])


def text(random: Random, most: int, *, test: bool = False) -> str:
    """Return one line of `most` characters or some fewer, of random kind, without spaces at its ends."""
    kind = random.random()
    if most <= 3:
        pool = random.choice((LETTERS, DIGITS, LETTERS + DIGITS + SIGNS))
        found = "".join(random.choice(pool) for _ in range(random.randint(1, most)))
    elif kind < 0.42:
        found = _prose(random, most, test=test)
    elif kind < 0.54:
        found = Writer(random).sentence()
    elif kind < 0.82:
        found = _fields(random, most)
    elif kind < 0.95:
        found = " ".join(_made_up(random) for _ in range(max(most // 6, 1)))
    else:
        found = _scrambled(random, most)
    if random.random() < 0.1:
        found = found.upper().replace("ß", "SS")
    return _fitted(random, found, most)


def _fitted(random: Random, found: str, most: int) -> str:
    """Return part of `found`: whole words where a cut at a space leaves enough."""
    if len(found) > most:
        start = random.randint(0, len(found) - most)
        start = found.rfind(" ", 0, start) + 1 if random.random() < 0.9 else start
        part = found[start : start + most]
        if len(found) > start + most and found[start + most] != " " and random.random() < 0.9:
            part = part[: part.rfind(" ")] if part.rfind(" ") > most // 2 else part
        found = part
    return " ".join(found.split()) or random.choice(LETTERS)


def _prose(random: Random, most: int, *, test: bool) -> str:
    words = prose(test=test)
    start = random.randrange(len(words) - most)
    return " ".join(words[start : start + most // 2])


def _fields(random: Random, most: int) -> str:
    parts: list[str] = []
    while sum(map(len, parts)) < most:
        if random.random() < 0.25:
            parts.append(random.choice(LABELS) + random.choice((":", "", " :")))
        parts.append(field(random))
    return " ".join(parts)


def field(random: Random) -> str:
    """Return a date, sum, number, code, name, address, telephone number or e-mail address."""
    return random.choice(FIELDS)(random)


def _date(random: Random) -> str:
    day, month, year = random.randint(1, 31), random.randint(1, 12), random.randint(1950, 2035)
    name = MONTHS[month - 1]
    return random.choice((
        f"{day:02}.{month:02}.{year}", f"{year}-{month:02}-{day:02}", f"{day}/{month}/{year % 100:02}",
        f"{day} {name} {year}", f"{name} {day}, {year}",
    ))  # fmt: skip


def _time(random: Random) -> str:
    shown = f"{random.randint(0, 23)}:{random.randint(0, 59):02}"
    return shown + random.choice(("", f":{random.randint(0, 59):02}", " AM", " PM"))


def _sum(random: Random) -> str:
    shown = f"{random.randint(1, 99_999_999) / random.choice((100, 1000, 10_000, 100_000)):,.2f}"
    swapped = shown.replace(",", "_").replace(".", ",").replace("_", ".")
    shown = random.choice((shown, swapped, shown.replace(",", "")))
    before = random.choice(("", "", "$", "€", "£", "RM ", "EUR ", "USD "))
    return before + shown + random.choice(("", "", "", " €", " EUR", "%", "-"))


def _code(random: Random) -> str:
    letters = "".join(random.choice(LETTERS[26:] + DIGITS * 2) for _ in range(random.randint(2, 9)))
    return letters + random.choice(("", "-", "/")) + str(random.randint(1, 9999))


def _who(random: Random) -> str:
    writer = Writer(random)
    return random.choice((writer.name, writer.name, writer.street, writer.town, writer.company))()


def _telephone(random: Random) -> str:
    area = f"{random.choice(('+', '0', '(0'))}{random.randint(1, 99)}{random.choice((' ', '-', ') ', '/'))}"
    return f"{area}{random.randint(100, 9999)}{random.choice((' ', '-', ''))}{random.randint(10, 99_999)}"


def _address(random: Random) -> str:
    one, two = (_made_up(random).lower() for _ in range(2))
    end = random.choice(("com", "org", "de", "net", "fr", "co.uk"))
    if random.random() < 0.5:
        return f"{one}@{two}.{end}"
    start = random.choice(("www.", "http://", "https://", ""))
    return f"{start}{one}.{end}/{random.randint(1, 99)}"


def _count(random: Random) -> str:
    price = f"{random.randint(1, 999)}.{random.randint(0, 99):02}"
    return f"{random.randint(1, 99)}{random.choice((' x ', 'x', ' ', ' @ '))}{price}"


def _number(random: Random) -> str:
    return str(random.randint(0, 10 ** random.randint(1, 9)))


FIELDS = (_date, _time, _sum, _sum, _number, _code, _who, _who, _telephone, _address, _count)


def _made_up(random: Random) -> str:
    word = "".join(random.choice(SYLLABLES) for _ in range(random.randint(1, 4)))
    if random.random() < 0.25:
        at = random.randrange(len(word))
        word = word[:at] + random.choice(ACCENTED) + word[at + 1 :]
    word = random.choice((word, word, word.capitalize()))
    return word + (random.choice(",.;:!?") if random.random() < 0.12 else "")


def _scrambled(random: Random, most: int) -> str:
    pool = random.choice((LETTERS, DIGITS + LETTERS[26:], LETTERS + DIGITS, LETTERS + DIGITS + SIGNS + ACCENTED))
    return "".join(" " if random.random() < 0.13 else random.choice(pool) for _ in range(most))
