"""What business documents call things: the labels of fields in several languages, and which field a label names.

Wordings are common ones of invoices, receipts, letters and forms, written down by us; small letters, no accents.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz, process

CLOSE = 86.0
"""Likeness (0-100) of letters from which a label of at least `LONG` letters is taken for a misread known one."""
LONG = 6


@dataclass(frozen=True, slots=True)
class Named:
    """The field that a label names; `score` 1 when it is a known wording, less when it only contains one."""

    field: str
    score: float


@cache
def kinds() -> Mapping[str, str]:
    """Return what kind of value each field has: date, money, number, percent, code, name, address, phone, text..."""
    return {field: entry["kind"] for field, entry in _entries().items()}


@cache
def wordings(field: str) -> tuple[str, ...]:
    """Return the known wordings of a field's label, plain as `plain` makes them; none for an unknown field."""
    return tuple(dict.fromkeys(map(plain, _entries().get(field, {"labels": ()})["labels"])))


@cache
def asked_for(most: int = 12) -> Mapping[str, tuple[str, ...]]:
    """Return how each field is asked for and labelled, for those who compare meanings: its first wordings."""
    return {field: (*entry.get("asked", ()), *entry["labels"][:most]) for field, entry in _entries().items()}


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Return small letters without accents, signs and what stands in brackets; # stays, a single space between."""
    folded = unicodedata.normalize("NFKD", re.sub(r"\([^()]*\)", " ", text).casefold())
    return " ".join(re.findall(r"[^\W_]+|#", "".join(char for char in folded if not unicodedata.combining(char))))


@lru_cache(maxsize=8192)
def named(label: str) -> tuple[Named, ...]:
    """Return the fields that a label names, the best first; empty when it names none that is known.

    A known wording counts 1; one that was misread by a letter or two, .9; a label that begins or ends with a known
    wording counts by the share of it that is known.
    """
    text = plain(label)
    bare = " ".join(word for word in text.split() if not any(map(str.isdigit, word)))
    for wanted in (text, bare):
        if wanted in _fields():
            return tuple(Named(field, 1.0) for field in _fields()[wanted])
    if len(bare) >= LONG:
        found = process.extractOne(bare, _long_wordings(), scorer=fuzz.ratio, score_cutoff=CLOSE)
        if found and found[0][0] == bare[0]:
            return tuple(Named(field, 0.9) for field in _fields()[found[0]])
    return _partly(bare.split())


def is_label(label: str) -> bool:
    """Say whether a text is a known label, or one that was misread by a letter or two."""
    found = named(label)
    return bool(found) and found[0].score >= 0.9


def _partly(words: list[str]) -> tuple[Named, ...]:
    """Return the fields of the longest known wordings that the words begin or end with."""
    best: dict[str, float] = {}
    for size in range(len(words) - 1, 0, -1):
        for part in (words[:size], words[-size:]):
            wanted = " ".join(part)
            share = len(wanted) / max(len(" ".join(words)), 1)
            for field in _fields().get(wanted, ()) if len(wanted) > 2 else ():
                best.setdefault(field, round(0.8 * share, 3))
    return tuple(Named(field, score) for field, score in sorted(best.items(), key=lambda one: -one[1]))


@cache
def _entries() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(files("docproc.labels").joinpath("labels.json").read_text("utf-8"))
    return found


@cache
def _fields() -> dict[str, tuple[str, ...]]:
    """Return wording -> fields, in the order of the file."""
    found: dict[str, tuple[str, ...]] = {}
    for field in _entries():
        for wording in wordings(field):
            found[wording] = (*found.get(wording, ()), field)
    return found


@cache
def _long_wordings() -> tuple[str, ...]:
    return tuple(wording for wording in _fields() if len(wording) >= LONG)
