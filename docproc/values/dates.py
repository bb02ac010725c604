"""Dates and times as people write them, in about twenty languages."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from babel import Locale

LANGUAGES = (
    "en", "de", "fr", "nl", "es", "it", "pt", "sv", "da", "nb", "fi", "pl", "cs", "hu", "ro", "tr", "id", "ms",
)  # fmt: skip
"""Where two languages disagree on an abbreviation ("mar" is March, but Tuesday's too), the earlier is believed."""

OLDEST, LATEST = 1900, 2100
AHEAD = 15
"""A two-digit year is at most so many years ahead of today, else of the last century: a card's expiry is ahead."""


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date in a text from `start` to `end`. `iso` is 2024-04-03, or 2024-04 without a day.

    `sure`: it cannot be read in another way (day and month the other way round).
    """

    start: int
    end: int
    iso: str
    sure: bool


_D = r"(?P<d>\d{1,2})"
_Y = r"(?P<y>(?:19|20)\d{2}|'?\d{2})"
_YYYY = r"(?P<y>(?:19|20)\d{2})"
_GAP = r"[\s.,\-/]{0,3}"


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return the patterns, the most explicit first."""
    names = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    month = rf"(?P<m>{names})(?![a-z])\.?"
    sep = r"\s?(?P<s>[./\-])\s?"
    tail = r"(?![\d/])(?![-.]\d)"
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"(?<!\d){_YYYY}\s?[年년.]\s?(?P<mm>\d{{1,2}})\s?[月월.]\s?{_D}(?:\s?[日일])?(?!\d)",
            rf"(?<![\d/.\-]){_YYYY}{sep}(?P<mm>\d{{1,2}})\s?(?P=s)\s?{_D}(?!\d)(?![/\-]\d)",
            rf"(?<!\d){_D}(?:st|nd|rd|th|er|º|°|ª|\.)?(?:\s+(?:of|de|del|di|d'))?{_GAP}{month}"
            rf"(?:\s+(?:of|de|del))?{_GAP}{_Y}(?!\d)(?!:\d)",
            rf"(?<![a-z]){month}{_GAP}{_D}(?:st|nd|rd|th)?[\s.,]{{1,3}}{_Y}(?!\d)(?!:\d)",
            rf"(?<![a-z]){month}\-{_D}\-{_Y}(?!\d)",
            rf"(?<!\d){_YYYY}{_GAP}{month}{_GAP}{_D}(?!\d)",
            rf"(?<![\d/.\-])(?P<a>\d{{1,2}}){sep}(?P<b>\d{{1,2}})\s?(?P=s)\s?{_YYYY}(?!\d)",
            rf"(?<![\d/.,\-])(?P<a>\d{{1,2}})(?P<s>[./\-])(?P<b>\d{{1,2}})(?P=s)(?P<y>\d{{2}}){tail}",
            rf"(?<![a-z0-9])(?P<month_only>){month}\s?(?:de\s)?[,/\-']?\s?{_YYYY}(?!\d)",
        )
    )


def dates(text: str, day_first: bool | None = None) -> Iterator[FoundDate]:
    """Yield the dates of a text, in no order; `day_first` decides what can be read in two ways.

    None takes the day to be first but before a / in a text that says nothing else: the answer is then not
    `sure`.
    """
    folded = _folded(text)
    taken: list[tuple[int, int]] = []
    for pattern in _patterns():
        for match in pattern.finditer(folded):
            start, end = match.span()
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            found = _read(match, day_first)
            if found:
                taken.append((start, end))
                yield FoundDate(start, end, *found)


def _read(match: re.Match[str], day_first: bool | None) -> tuple[str, bool] | None:
    part = match.groupdict()
    year = _year(part["y"])
    if part.get("month_only") is not None:
        return f"{year:04d}-{_months()[part['m']]:02d}", True
    if part.get("a") is None:
        month = int(part["mm"]) if part.get("mm") else _months()[part["m"]]
        return _iso(year, month, int(part["d"]), sure=True)
    a, b = int(part["a"]), int(part["b"])
    first = day_first is not False
    if (a > 12) != (b > 12) or a == b:
        first = b <= 12
        return _iso(year, b if first else a, a if first else b, sure=True) or _year_first(part)
    day, month = (a, b) if first else (b, a)
    return _iso(year, month, day, sure=day_first is not None or part["s"] == ".") or _year_first(part)


def _year_first(part: dict[str, str]) -> tuple[str, bool] | None:
    """Read 18/03/24 as a year, a month and a day, where it can be nothing else."""
    if len(part["y"]) != 2 or len(part["a"]) != 2:
        return None
    return _iso(_year(part["a"]), int(part["b"]), int(part["y"]), sure=True)


def _iso(year: int, month: int, day: int, *, sure: bool) -> tuple[str, bool] | None:
    try:
        found = datetime.date(year, month, day)
    except ValueError:
        return None
    return (found.isoformat(), sure) if OLDEST <= year <= LATEST else None


def _year(digits: str) -> int:
    year = int(digits.strip("'"))
    if year > 99:
        return year
    century = datetime.datetime.now(tz=datetime.UTC).year
    return 2000 + year if 2000 + year <= century + AHEAD else 1900 + year


@cache
def _months() -> dict[str, int]:
    """Return the number of every name and abbreviation of a month, small letters without accents."""
    names: dict[str, int] = {"sept": 9, "febr": 2}
    for language in LANGUAGES:
        months = Locale.parse(language).months
        for context in months.values():
            for width in ("wide", "abbreviated"):
                for number, name in context[width].items():
                    word = _folded(name).strip(". ")
                    if len(word) > 2 and word.isalpha():
                        names.setdefault(word, number)
    return names


def _folded(text: str) -> str:
    """Return small letters without accents, each in its place."""
    return "".join(_fold(char) for char in text)


@cache
def _fold(char: str) -> str:
    low = unicodedata.normalize("NFD", char)[0].lower()
    return low if len(low) == 1 else char


_TIME = re.compile(
    r"(?<![\d:.,])(?P<h>[01]?\d|2[0-3])(?:(?P<s>:|(?<=\d)h)(?P<m>[0-5]\d)(?::(?P<sec>[0-5]\d))?(?!\d)(?!:\d)"
    r"\s?(?P<half>[ap]\.?m\b\.?)?|(?:\.(?P<m2>[0-5]\d))?\s?(?P<half2>[ap]\.?m\b\.?|uhr\b))",
    re.IGNORECASE,
)


def times(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the times of day of a text: start, end, and hours:minutes[:seconds] on a 24-hour clock."""
    for match in _TIME.finditer(text):
        hour, minute = int(match["h"]), int(match["m"] or match["m2"] or 0)
        half = (match["half"] or match["half2"] or "")[:1].lower()
        if half in ("a", "p"):
            if not 1 <= hour <= 12 and half == "a":
                continue
            hour = hour % 12 + (12 if half == "p" else 0) if hour <= 12 else hour
        second = f":{match['sec']}" if match["sec"] else ""
        yield match.start(), match.end(), f"{hour:02d}:{minute:02d}{second}"
