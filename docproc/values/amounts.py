"""Numbers, percents and amounts of money, whatever separates their thousands and cents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from babel.core import get_global
from babel.numbers import get_territory_currencies

from docproc.values.conventions import UNKNOWN, Conventions, Separator

SYMBOLS = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "฿": "THB", "₫": "VND",
    "₱": "PHP", "₪": "ILS", "₴": "UAH", "₦": "NGN", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "RM": "MYR", "Rp": "IDR",
    "Rs.": "INR", "Rs": "INR", "R$": "BRL", "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD",
    "S$": "SGD", "HK$": "HKD", "NZ$": "NZD", "NT$": "TWD", "MX$": "MXN", "CN¥": "CNY", "Fr.": "CHF", "$": "USD",
    "kr.": "", "kr": "", "Euro": "EUR", "euro": "EUR", "EURO": "EUR",
}  # fmt: skip
"""What stands beside an amount, and its ISO 4217 code; "" where several countries write the same."""

NOT_CODES = frozenset(("ALL", "TOP", "TRY", "CUP", "PEN", "SOS", "MOP", "GEL", "LAK", "BAM", "MAD", "COP"))
"""Codes that are words too: they count only right beside an amount with cents."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; `currency` is its ISO 4217 code, "" where none stands beside it."""

    amount: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}".strip()


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """A number in a text from `start` to `end`: a percent, money, or neither. `cents`: it has two decimals."""

    start: int
    end: int
    value: Money
    percent: bool = False
    marked: bool = False
    cents: bool = False


_DIGITS = (
    r"(?:\d{1,3}(?:[.,' ]\d{3})+(?!\d)(?:\s?[.,]\s?\d{1,2}(?!\d))?"  # 1.234,56  1 234 .50
    r"|\d{1,3}(?:,\d{2})+,\d{3}(?:\.\d{1,2})?"  # 1,23,456.00 as in India
    r"|\d+(?:\s?[.,]\d+|[.,]\s\d{2}(?!\d))?)"
)
_PLAIN = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-"})
_PLAIN |= str.maketrans({"\u2019": "'", "\u00b4": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " "})
_SLIPS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "|": "1"})
_SLIPPED = re.compile(r"(?<![^\W\d_])(?=[^\s]*\d)[\dOolI|]+(?:[.,/\-:][\dOolI|]+)+(?![^\W\d_])")


_GLUED = re.compile(r"(?![^\W\d_])")
_TAX_CODE = re.compile(r"[A-Z]{1,2}(?!\w)")
"""Receipts print the code of the tax right behind an amount: 15.90SR."""


def mended(text: str) -> str:
    """Return the text with plain dashes, apostrophes and spaces, and digits for letters read in numbers and dates.

    Every character stays in its place.
    """

    def mend(match: re.Match[str]) -> str:
        token = match[0]
        digits = sum(char.isdigit() for char in token)
        letters = sum(char.isalpha() or char == "|" for char in token)
        return token.translate(_SLIPS) if digits >= letters else token

    return _SLIPPED.sub(mend, text.translate(_PLAIN))


@cache
def currency_codes() -> frozenset[str]:
    """Return the ISO 4217 codes of currencies in use."""
    territories = get_global("territory_currencies")
    return frozenset(code for territory in territories for code in get_territory_currencies(territory))


@cache
def _pattern() -> re.Pattern[str]:
    marks = sorted([*SYMBOLS, *(code for code in currency_codes())], key=len, reverse=True)
    mark = "|".join(map(re.escape, marks))
    return re.compile(
        rf"(?<![\w.,/])(?<!\d[-:])(?P<open>\()?(?P<minus>[-+]\s?)?(?:(?P<before>{mark})\s?:?\s?)?"
        rf"(?P<minus2>-\s?)?(?P<number>{_DIGITS})(?P<dash>[.,]-{{1,2}})?"
        rf"(?P<percent>\s?[%٪])?(?:\s?(?P<after>{mark})(?![^\W\d_]))?"
        rf"(?P<close>\))?(?P<back>\s?(?:CR|DR)\b|-(?![\w-]))?"
    )


def numbers(text: str, known: Conventions = UNKNOWN) -> Iterator[FoundNumber]:
    """Yield the numbers of a text with what stands beside them, from left to right."""
    place = 0
    while match := _pattern().search(text, place):
        start, end = match.span()
        place = end
        percent, digits = bool(match["percent"]), match["number"]
        before, after = match["before"] or "", match["after"] or ""
        cents = bool(re.search(r"[.,]\s?\d{2}$", digits)) or bool(match["dash"])
        if (
            not (after or match["back"] or percent)
            and _GLUED.match(text, end) is None
            and not (cents and _TAX_CODE.match(text, end))
        ):
            continue  # 4GB, 12th: a part of a word
        if any(mark in NOT_CODES for mark in (before, after)) and not cents:
            before = after = ""
        marked = bool(before or after)
        if not marked and re.search(r"[.,]\s\d{2}$", digits):
            # "1, 25" is two numbers unless a currency says otherwise
            digits = re.split(r"[.,]\s", digits)[0]
            place = end = match.start("number") + len(digits)
            cents = False
        amount = to_decimal(digits, known.decimal, money=marked or cents)
        if amount is None:
            continue
        trimmed = end == match.start("number") + len(digits)
        if not trimmed and not match["open"] and match["close"]:
            end -= len(match["close"]) + len(match["back"] or "")
        start += 1 if match["open"] and not match["close"] else 0
        if _negative(match, trimmed=trimmed):
            amount = -amount
        code = _code(before or after, known)
        yield FoundNumber(start, end, Money(amount, code), percent and not trimmed, marked, cents)


def to_decimal(digits: str, decimal: Separator | None = None, *, money: bool = False) -> Decimal | None:
    """Return the value of digits with separators; `decimal` decides 1.234, which is else a thousand.

    For `money`, which has no three decimals, 1.234 is a thousand whatever `decimal` says.
    """
    bare = re.sub(r"[\s']", "", digits)
    marks = [char for char in bare if char in ".,"]
    point = ""
    if len(set(marks)) == 2:
        point = marks[-1] if marks.count(marks[-1]) == 1 else ""
    elif len(marks) == 1:
        whole, _, rest = bare.partition(marks[0])
        thousands = len(rest) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"
        if not thousands or (decimal == marks[0] and not money):
            point = marks[0]
    plain = "".join("." if char == point else char for char in bare if char.isdigit() or char == point)
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def _negative(match: re.Match[str], *, trimmed: bool) -> bool:
    signs = (match["minus"] or "") + (match["minus2"] or "")
    if "-" in signs:
        return True
    if trimmed:
        return False
    back = (match["back"] or "").strip()
    brackets = bool(match["open"] and match["close"]) and ("." in match["number"] or "," in match["number"])
    return back in ("CR", "-") or brackets


def _code(mark: str, known: Conventions) -> str:
    if mark == "$":
        return known.dollar or "USD"
    return SYMBOLS.get(mark, mark)
