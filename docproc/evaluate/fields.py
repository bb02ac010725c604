"""Fields of labelled sets: extracted by a preset, compared after normalising."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from docproc.document import Document
from docproc.evaluate.answers import anls
from docproc.fields import extract, preset
from docproc.labels import plain
from docproc.values import parse_date, parse_money, parse_time

RECEIPT = {
    "company": "company", "date": "date", "address": "address", "total": "total", "subtotal": "subtotal",
    "tax": "tax", "time": "time",
}  # fmt: skip
INVOICE = {
    "issuer": "seller_name", "amount": "total", "amount_tax": "tax", "amount_untaxed": "subtotal",
    "invoice_number": "invoice_number", "date": "invoice_date", "date_due": "due_date", "currency": "currency",
    "iban": "iban", "bic": "bic", "vat": "seller_tax_id", "partner_name": "seller_name", "telephone": "seller_phone",
    "partner_email": "seller_email", "payment_method": "payment_method", "payment_reference": "payment_reference",
}  # fmt: skip
"""What sets call a field -> what the preset does."""

CENT = 0.005


@dataclass(frozen=True, slots=True)
class FieldResult:
    """A labelled field, what was extracted (None: nothing), whether that is the same, and how like it (ANLS)."""

    name: str
    true: Any
    found: Any
    exact: bool
    anls: float


def compare_fields(fields: Mapping[str, Any], document: Document) -> tuple[FieldResult, ...]:
    """Extract what a set labels of a document; only the fields that a preset has are compared.

    A set with a company and no issuer is one of receipts. Dates are compared as dates, times of day as times
    (9:11 pm is 21:11), amounts as numbers, texts by their letters and digits without case.
    """
    name, table = ("receipt", RECEIPT) if "company" in fields else ("invoice", INVOICE)
    wanted = {field: table[field] for field in fields if field in table}
    if not wanted:
        return ()
    whole = preset(name)
    schema = {**whole, "properties": {one: whole["properties"][one] for one in dict.fromkeys(wanted.values())}}
    values = extract(document.pages, schema).values if document.pages else {}
    return tuple(_compared(field, fields[field], values.get(one)) for field, one in wanted.items())


def field_scores(results: Iterable[FieldResult]) -> dict[str, float]:
    """Return the mean figures of fields; none without any."""
    results = list(results)
    if not results:
        return {}
    return {
        "fields_exact": fmean(one.exact for one in results),
        "fields_anls": fmean(one.anls for one in results),
        "fields_found": fmean(one.found is not None for one in results),
    }


def by_field(results: Iterable[FieldResult]) -> list[list[str]]:
    """Return rows of cells: a heading, then name, number, exact and ANLS of each field."""
    groups: dict[str, list[FieldResult]] = {}
    for one in results:
        groups.setdefault(one.name, []).append(one)
    return [["field", "labelled", "exact", "ANLS"], *(_row(name, some) for name, some in groups.items())]


def _row(name: str, results: Sequence[FieldResult]) -> list[str]:
    scores = field_scores(results)
    return [name, str(len(results)), f"{scores['fields_exact']:.3f}", f"{scores['fields_anls']:.3f}"]


def _compared(name: str, true: Any, found: Any) -> FieldResult:
    if found is None:
        return FieldResult(name, true, found, exact=False, anls=0.0)
    exact = _same(true, found)
    return FieldResult(name, true, found, exact, 1.0 if exact else anls(str(found), [str(true)]))


def _same(true: Any, found: Any) -> bool:
    if isinstance(found, float | int):
        money = parse_money(str(true))
        return money is not None and abs(float(money.amount) - found) < CENT
    if len(str(found)) == 10 and parse_date(str(found)) == found:
        return found in (parse_date(str(true), day_first=True), parse_date(str(true), day_first=False))
    if parse_time(str(found)) == found:
        return bool(parse_time(str(true)) == found)
    return plain(str(true)).replace(" ", "") == plain(str(found)).replace(" ", "")
