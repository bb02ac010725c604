"""Total, tax and what is without tax: the three that fit together best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product

from docproc.fields.paper import Candidate, Paper, Place, words_in
from docproc.labels import plain
from docproc.values import parse_money

CENT, STEP = Decimal("0.03"), Decimal("0.05")
"""Sums may miss by so much through rounding, or by the rounding that is told: to multiples of the second."""
FITS = 1.0

_FINAL = frozenset((
    "grand", "due", "payable", "pay", "rounded", "rounding", "after", "incl", "inclusive", "including", "inc",
    "ttc", "final", "zahlen", "zahlbetrag", "pagar", "betalen", "payer", "endbetrag", "brutto", "inclusief",
    "adj", "invoice", "factura", "fattura", "bill",
))  # fmt: skip
_NOT_FINAL = frozenset((
    "excl", "excluding", "exclusive", "ex", "exclusief", "before", "sub", "subtotal", "qty", "quantity",
    "item", "items", "discount", "saving", "savings", "saved", "points", "ht", "netto", "untaxed", "hors",
    "taxable", "supplies", "sr", "zr", "srs", "count", "disc", "summary", "weight", "hours",
))  # fmt: skip
_TAXES = frozenset((
    "gst", "vat", "tax", "sst", "btw", "mwst", "tva", "iva",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Amount:
    text: str
    places: tuple[Place, ...]
    value: Decimal
    score: float
    label: str = ""


def amounts(paper: Paper) -> dict[str, Candidate]:
    """Return the candidates for total, subtotal and tax.

    Each label says what an amount is; of several, those win with which subtotal + tax = total, what was paid less the
    change is the total, and, of the rest, the last and largest total.
    """
    totals = [_weighed(one, paper) for one in _of(paper, "total", 0.25)]
    subtotals, taxes = _of(paper, "subtotal", 0.6), _of(paper, "tax", 0.4)
    totals = [one for one in (*totals, *_implied(paper, subtotals, taxes)) if one.score > 0]
    steps = _steps(paper)
    best = max(
        product([*totals, None], [*subtotals, None], [*taxes, None]),
        key=lambda three: _together(three[0], three[1], three[2], steps),
        default=(None, None, None),
    )
    checks = _fits(*best, steps)
    names = ("total", "subtotal", "tax")
    return {name: _candidate(one, checked=checks) for name, one in zip(names, best, strict=True) if one is not None}


def _of(paper: Paper, field: str, least: float) -> list[_Amount]:
    """Return the amounts whose labels name a field; at most twelve, the best named first."""
    found = []
    for entry in paper.entries:
        score = entry.score(field)
        money = parse_money(entry.pair.value, paper.known) if score >= least else None
        if money is not None and "%" not in entry.pair.value:
            sure = entry.pair.confidence if entry.pair.confidence is not None else 0.5
            places = paper.places(entry.page, entry.pair.value_word_ids)
            weight = score * (0.5 + sure / 2)
            found.append(_Amount(entry.pair.value, places, money.amount, weight, entry.pair.key))
    return sorted(found, key=lambda one: -one.score)[:12]


def _weighed(one: _Amount, paper: Paper) -> _Amount:
    """Return an amount labelled as a total with how surely it is the one to pay."""
    words = set(plain(one.label.replace("(", " ").replace(")", " ")).split())
    score = one.score
    score += 0.2 if words & _FINAL else 0.0
    included = any(word.startswith(("inc", "ind", "ttc", "tout")) for word in words)
    score -= 0.8 if words & _NOT_FINAL or (words & _TAXES and not included) else 0.0
    same = sum(abs(other.value - one.value) < CENT for other in _of(paper, "total", 0.25))
    score += 0.3 if _rounded(one.value, paper) else 0.0
    score += min(0.1 * (same - 1), 0.2)
    score += 0.5 if _handed_over(one.value, paper) else 0.0
    if one.value <= 0:
        score -= 0.6
    return replace(one, score=score)


def _rounded(total: Decimal, paper: Paper) -> bool:
    """Whether this is another total plus the rounding that is told."""
    steps = _steps(paper)
    if total % STEP:
        return False
    others = [one.value for one in _of(paper, "total", 0.25)]
    return any(
        abs(abs(total - other) - abs(step)) < Decimal("0.001") for step in steps for other in others if other % STEP
    )


def _steps(paper: Paper) -> list[Decimal]:
    """Return the roundings that are told, other than none."""
    return [one.value for one in _of(paper, "rounding", 0.6) if 0 < abs(one.value) < 1]


def _implied(paper: Paper, subtotals: Sequence[_Amount], taxes: Sequence[_Amount]) -> Iterator[_Amount]:
    """Yield amounts without a label that was read which must be the total: paid less change, subtotal and tax."""
    paid, change = _of(paper, "cash", 0.4), _of(paper, "change", 0.6)
    sums = {one.value - other.value: 0.75 for one in paid for other in change}
    sums |= {one.value + other.value: 0.65 for one in subtotals for other in taxes if other.value and one.score > 0.6}
    seen: set[Decimal] = set()
    for page, line, value in paper.values:
        money = parse_money(value.text, paper.known) if value.kind == "money" else None
        if money is not None and money.amount in sums and money.amount > 0 and money.amount not in seen:
            seen.add(money.amount)
            places = words_in(page, line, value.start, value.end)
            yield _Amount(value.text, places, money.amount, sums[money.amount])


def _handed_over(total: Decimal, paper: Paper) -> bool:
    """Whether what was paid less the change is the total."""
    paid = [one.value for one in _of(paper, "cash", 0.4)]
    change = [one.value for one in _of(paper, "change", 0.6)]
    return any(abs(given - back - total) < CENT for given in paid for back in change)


def _fits(
    total: _Amount | None, subtotal: _Amount | None, tax: _Amount | None, steps: Sequence[Decimal] = ()
) -> bool:
    if total is None or subtotal is None or tax is None or tax.value == 0:
        return False
    miss = abs(subtotal.value + tax.value - total.value)
    return miss <= CENT or any(abs(miss - abs(step)) <= CENT for step in steps)


def _together(
    total: _Amount | None, subtotal: _Amount | None, tax: _Amount | None, steps: Sequence[Decimal]
) -> float:
    score = 2 * total.score + min(float(total.value), 1e7) * 1e-9 if total else 0.0
    score += 0.5 * (subtotal.score if subtotal else 0.0) + 0.5 * (tax.score if tax else 0.0)
    if _fits(total, subtotal, tax, steps):
        return score + FITS
    if total and subtotal and subtotal.value > total.value + CENT:
        score -= 0.3
    if total and tax and abs(tax.value) > abs(total.value):
        score -= 0.5
    return score


def _candidate(one: _Amount, *, checked: bool) -> Candidate:
    sure = min(0.45 + 0.35 * min(one.score, 1.0) + (0.18 if checked else 0.0), 0.98)
    return Candidate(one.text, one.places, round(sure, 2), one.value)
