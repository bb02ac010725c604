"""Typed values in a text: dates, times, money, numbers, percents, addresses and references, found and normalised.

`find_values` finds them in a line; `parse_date`, `parse_money`, `parse_number`, `parse_percent` read a text that is
one. What can be read in two ways (3/4/2024; 1.234) is decided by `Conventions`, which `conventions` learns from the
whole document. Letters that a reader of pixels takes for digits (O, l, I) and spaces inside numbers are tolerated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from docproc.values import marks
from docproc.values.amounts import FoundNumber, Money, mended, numbers
from docproc.values.conventions import UNKNOWN, Conventions, conventions
from docproc.values.dates import dates, times

__all__ = [
    "UNKNOWN", "Conventions", "Kind", "Money", "Value", "conventions", "find_values", "parse_date", "parse_money",
    "parse_number", "parse_percent", "parse_time",
]  # fmt: skip

Kind = Literal["date", "time", "money", "number", "percent", "email", "url", "phone", "iban", "vat", "code"]


_LOST_POINT = re.compile(r"^(\D{0,4}\d{1,5}) (\d{2})$")
"""An amount whose point was not read: 20 00."""


@dataclass(frozen=True, slots=True)
class Value:
    """A typed part of a text, from `start` to `end`: `text` as written, `normal` as a program wants it.

    `normal` is 2024-04-03 (2024-04 without a day), 14:30, "1234.56 EUR" (no code where none is written), 1234.56,
    19 for 19 %, a small-letter address, +4930123456, an IBAN without spaces. `sure`: it can be read in one way only.
    """

    kind: Kind
    start: int
    end: int
    text: str
    normal: str
    sure: bool = True


def find_values(text: str, known: Conventions = UNKNOWN) -> list[Value]:
    """Return the values of a line from left to right; they do not overlap, the more specific kind wins.

    An amount with a currency or with cents is "money"; a word with digits that is nothing else a "code".
    """
    found: list[Value] = []
    for value in _candidates(text, known):
        if all(value.end <= other.start or other.end <= value.start for other in found):
            found.append(value)
    return sorted(found, key=lambda value: value.start)


def parse_date(text: str, day_first: bool | None = None) -> str | None:
    """Return the first date of a text as 2024-04-03, or 2024-04 where no day is given; None when there is none."""
    found = min(dates(mended(text), day_first), key=lambda one: (len(one.iso) < 10, one.start), default=None)
    return found.iso if found else None


def parse_time(text: str) -> str | None:
    """Return the first time of day of a text as 14:30 or 14:30:59, None when there is none."""
    return next((normal for _, _, normal in times(text)), None)


def parse_money(text: str, known: Conventions = UNKNOWN) -> Money | None:
    """Return the amount of a text: one beside a currency, else one with cents, else any number; None without.

    A lone "20 00" is 20.00, whose point was not read.
    """
    plain = _LOST_POINT.sub(r"\1.\2", mended(text))
    found = [one for one in numbers(plain, known) if not one.percent]
    best = max(found, key=lambda one: (one.marked, one.cents), default=None)
    return best.value if best else None


def parse_number(text: str, known: Conventions = UNKNOWN) -> Decimal | None:
    """Return the first number of a text, None when there is none."""
    return next((one.value.amount for one in numbers(mended(text), known)), None)


def parse_percent(text: str, known: Conventions = UNKNOWN) -> Decimal | None:
    """Return the first percent of a text (19 for 19 %), None when there is none."""
    return next((one.value.amount for one in numbers(mended(text), known) if one.percent), None)


def _candidates(text: str, known: Conventions) -> Iterator[Value]:
    """Yield everything that may be a value, the most specific kinds first."""
    if not any(char.isdigit() for char in text) and "." not in text:
        return
    plain = mended(text)
    finders = (("email", marks.emails), ("url", marks.urls), ("iban", marks.ibans), ("vat", marks.vats))
    for kind, find in finders:
        for start, end, normal in find(text):
            yield Value(kind, start, end, text[start:end], normal)  # type: ignore[arg-type]  # its keys are kinds
    for one in dates(plain, known.day_first):
        yield Value("date", one.start, one.end, text[one.start : one.end], one.iso, one.sure)
    for start, end, normal in times(plain):
        yield Value("time", start, end, text[start:end], normal)
    for start, end, normal in marks.phones(plain):
        yield Value("phone", start, end, text[start:end], normal)
    whole = {(start, end) for start, end, found in marks.codes(plain) if not found.isdigit()}
    for number in numbers(plain, known):
        if not any(a <= number.start and number.end <= b and (b - a) > number.end - number.start for a, b in whole):
            yield Value(_kind(number), number.start, number.end, text[number.start : number.end], _normal(number))
    for start, end, normal in marks.codes(text):
        yield Value("code", start, end, text[start:end], normal)


def _kind(number: FoundNumber) -> Kind:
    if number.percent:
        return "percent"
    return "money" if number.marked or number.cents else "number"


def _normal(number: FoundNumber) -> str:
    return str(number.value) if _kind(number) == "money" else f"{number.value.amount:f}"
