"""How a document writes its numbers and dates: what its unambiguous values say about the ambiguous ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Separator = Literal[".", ","]

_NUMERIC_DATE = re.compile(r"(?<![\d.,/-])(\d{1,2})([./-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\d/-])")
_DECIMALS = re.compile(r"\d([.,])\d{2}(?![\d.,])")
_DOLLARS = re.compile(r"\b(USD|AUD|CAD|NZD|SGD|HKD|TWD|MXN)\b")
_AMERICAN = re.compile(r"\b[A-Z]{2}[ ,.]{1,2}\d{5}(?:-\d{4})?\b|\bU\.?S\.?A\b|\bUnited States\b|\bUS\$|\bZIP\b")


@dataclass(frozen=True, slots=True)
class Conventions:
    """What is known of how a document writes; None and "" mean that nothing is.

    `day_first`: 3/4/2024 is the third of April. `decimal`: the sign before cents. `dollar`: the ISO 4217 code
    that a bare $ stands for.
    """

    day_first: bool | None = None
    decimal: Separator | None = None
    dollar: str = ""


UNKNOWN = Conventions()


def conventions(texts: Iterable[str]) -> Conventions:
    """Return what the lines of a document tell: dates that can be read in one way only, cents, addresses."""
    days, points, dollars = Counter[bool](), Counter[str](), Counter[str]()
    american = False
    for text in texts:
        for first, _, second in _NUMERIC_DATE.findall(text):
            if (int(first) > 12) != (int(second) > 12):
                days[int(first) > 12] += 1
        points.update(_DECIMALS.findall(text))
        dollars.update(_DOLLARS.findall(text))
        american = american or bool(_AMERICAN.search(text))
    day_first = days.most_common(1)[0][0] if days else (False if american else None)
    if days[True] == days[False] and days:
        day_first = not american
    decimal: Separator | None = None
    if points["."] != points[","]:
        decimal = "." if points["."] > points[","] else ","
    return Conventions(day_first, decimal, dollars.most_common(1)[0][0] if dollars else "")
