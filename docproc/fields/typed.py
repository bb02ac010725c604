"""Text as the type that a schema asks for; what does not fit is nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import jsonschema
from rapidfuzz import fuzz, process

from docproc.fields.paper import Candidate, Paper
from docproc.fields.schema import Hint
from docproc.labels import kinds, plain
from docproc.values import find_values, parse_date, parse_money, parse_number, parse_time

_YES = frozenset(("yes", "y", "true", "x", "ja", "oui", "si", "sim", "ya", "checked"))
_NO = frozenset(("no", "n", "false", "nein", "non", "nee", "nao", "tidak", "none"))
_FORMATS = jsonschema.FormatChecker(("date", "email"))
"""A time on paper has no seconds and no zone, as the format `time` asks for."""
_ALONE = {"iban": "iban", "email": "email", "website": "url"}
"""Roles whose text is one value, written as programs want it."""


def typed(candidate: Candidate, hint: Hint, paper: Paper) -> Any:
    """Return the value of a candidate as its schema wants it, None when it is nothing of the kind."""
    value = _converted(candidate, hint, paper)
    if value is None:
        return None
    if hint.choices:
        value = _chosen(value, hint)
    bare = {key: rule for key, rule in hint.schema.items() if key not in ("title", "description", "default", "$defs")}
    valid = jsonschema.Draft202012Validator(bare, format_checker=_FORMATS).is_valid(value)
    return value if valid else None


def fits(candidate: Candidate, hint: Hint, paper: Paper) -> bool:
    """Whether a candidate is something of the type that is asked for."""
    return typed(candidate, hint, paper) is not None


def _converted(candidate: Candidate, hint: Hint, paper: Paper) -> Any:
    text = candidate.text
    match hint.kind:
        case "date":
            return _date(candidate, paper)
        case "time":
            return parse_time(text)
        case "money" | "percent":
            money = candidate.value if isinstance(candidate.value, Decimal) else None
            found = parse_money(text, paper.known)
            amount = money if money is not None else (found.amount if found else parse_number(text, paper.known))
            return None if amount is None else float(amount)
        case "integer":
            number = parse_number(text, paper.known)
            return int(number) if number is not None and number == number.to_integral_value() else None
        case "boolean":
            word = plain(text)
            return True if word in _YES else False if word in _NO else None
        case "email" | "url":
            return next((one.normal for one in find_values(text) if one.kind == hint.kind), None)
        case _:
            return _text(candidate, hint)


def _text(candidate: Candidate, hint: Hint) -> str | None:
    """Return the text; of a role that is an id, the part that is one."""
    role = hint.roles[0] if hint.roles else ""
    if role == "currency":
        return candidate.value if isinstance(candidate.value, str) else candidate.text
    kind = kinds().get(role, "")
    text = candidate.text.strip(" :;,")
    if role in _ALONE:
        found = next((one.normal for one in find_values(text) if one.kind == _ALONE[role]), None)
        return found or (text if role == "iban" and any(map(str.isdigit, text)) else None)
    if kind in ("code", "phone") and not any(map(str.isdigit, text)) and role not in ("bic", "reference"):
        return None
    if kind == "code":
        text = re.sub(r"^[#:\s(\[]+|[\s)\]]+$", "", text)
    return text or None


def _date(candidate: Candidate, paper: Paper) -> str | None:
    if isinstance(candidate.value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", candidate.value):
        return candidate.value
    found = parse_date(candidate.text, paper.known.day_first)
    return found if found and len(found) == 10 else None


def _chosen(value: Any, hint: Hint) -> Any:
    """Return the choice that a value means, the value itself when it is none."""
    if value in hint.choices:
        return value
    texts = {plain(str(choice)): choice for choice in hint.choices if isinstance(choice, str)}
    found = process.extractOne(plain(str(value)), list(texts), scorer=fuzz.ratio, score_cutoff=88)
    return texts[found[0]] if found else value
