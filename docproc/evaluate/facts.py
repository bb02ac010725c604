"""olmOCR-bench's facts: statements about a page's Markdown that a machine can check.

After allenai/olmocr (olmocr/bench): `present`, `absent`, `order`, `table`, `baseline` are checked; `math` is
not rendered here, so it fails unless the formula's LaTeX stands in the Markdown (it counts as unsupported).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from docproc.evaluate.markdown_tables import MarkdownTable, Place, parse_tables

Fact = Mapping[str, Any]

_FANCY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2013\u2014\u2011\u2012\u2212", "-"),
        "\u00b5": "\u03bc",
    }
)
_MARKUP = re.compile(r"<br\s*/?>|</?[bi]>")
_EMPHASIS = re.compile(r"(?<![\\\w])(\*\*|__|\*|_)(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_FOREIGN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f]")
MAX_REPEATS = 30
"""A page whose end repeats the same 1 to 5 letters more often than this has gone wrong."""

LEAST_SIMILARITY = 0.5
"""Cells less alike than this are never taken for the same, whatever `max_diffs` allows."""


def check(fact: Fact, markdown: str) -> str:
    """Return why the fact does not hold for the page's Markdown, or "" when it does."""
    checker = CHECKS.get(fact.get("type", ""))
    return checker(fact, markdown) if checker else f"unsupported: {fact.get('type')}"


def is_supported(fact: Fact) -> bool:
    """Say whether the fact can be checked in full."""
    return fact.get("type") in CHECKS and fact.get("type") != "math"


def plain(markdown: str) -> str:
    """Return Markdown as facts see it: no emphasis or escapes, plain quotes and dashes, single spaces."""
    text = _MARKUP.sub(" ", markdown)
    # Twice, for bold inside italics; the pattern does not cross lines.
    text = _EMPHASIS.sub(r"\2", _EMPHASIS.sub(r"\2", text))
    text = unescape(_ESCAPED.sub(r"\1", text))
    return unicodedata.normalize("NFC", " ".join(text.split())).translate(_FANCY)


def find(needle: str, text: str, max_diffs: int = 0, start: int = 0) -> int:
    """Return where `needle` begins in `text` with at most `max_diffs` edits, at or after `start`; else -1."""
    if max_diffs == 0:
        return text.find(needle, start)
    place = fuzz.partial_ratio_alignment(needle, text[start:])
    if place is None or len(text) - start < len(needle) - max_diffs:
        return -1
    # The alignment counts a changed letter as two edits, so the nearest stretch may begin or end beside it.
    for left in range(max(place.dest_start - max_diffs, 0), place.dest_start + max_diffs + 1):
        for right in range(place.dest_end - max_diffs, place.dest_end + max_diffs + 1):
            window = text[start + left : start + right]
            if Levenshtein.distance(needle, window, score_cutoff=max_diffs) <= max_diffs:
                return start + left
    return -1


def _window(fact: Fact, markdown: str) -> str:
    text = plain(markdown)
    first, last = fact.get("first_n"), fact.get("last_n")
    if not first and not last:
        return text
    return (text[:first] if first else "") + (text[-last:] if last else "")


def _found(fact: Fact, markdown: str) -> bool:
    text, needle = _window(fact, markdown), plain(fact["text"])
    if not fact.get("case_sensitive", True):
        text, needle = text.lower(), needle.lower()
    edits = fact.get("max_diffs", 0)
    # A text shorter than the needle would be looked for in the needle instead.
    if not needle or len(text) < len(needle) - edits:
        return False
    return bool(fuzz.partial_ratio(needle, text) / 100.0 >= 1.0 - edits / len(needle))


def _present(fact: Fact, markdown: str) -> str:
    return "" if _found(fact, markdown) else f"not found: {fact['text']}"


def _absent(fact: Fact, markdown: str) -> str:
    return f"found, though it should not be: {fact['text']}" if _found(fact, markdown) else ""


def _order(fact: Fact, markdown: str) -> str:
    text, edits = plain(markdown), fact.get("max_diffs", 0)
    before = find(plain(fact["before"]), text, edits)
    if before < 0:
        return f"not found: {fact['before']}"
    if find(plain(fact["after"]), text, edits, before + 1) < 0:
        return f"not found after {fact['before']!r}: {fact['after']}"
    return ""


def _table(fact: Fact, markdown: str) -> str:
    places = [
        (table, place)
        for table in parse_tables(markdown)
        for place in table.cells
        if _alike(fact["cell"], table.text(place), fact)
    ]
    if not places:
        return f"no table cell says {fact['cell']!r}"
    if any(_neighbours_agree(fact, table, place) for table, place in places):
        return ""
    wanted = ", ".join(f"{way}: {fact[way]!r}" for way in RELATIONS if fact.get(way))
    return f"the cell {fact['cell']!r} lacks {wanted}"


def _neighbours_agree(fact: Fact, table: MarkdownTable, place: Place) -> bool:
    return all(
        any(_alike(fact[way], table.text(other), fact) for other in relation(table, place))
        for way, relation in RELATIONS.items()
        if fact.get(way)
    )


def _alike(wanted: str, text: str, fact: Fact) -> bool:
    wanted, text = plain(wanted), plain(text)
    least: float = max(LEAST_SIMILARITY, 1.0 - fact.get("max_diffs", 0) / max(len(wanted), 1))
    return float(fuzz.ratio(wanted, text)) / 100.0 >= least


def _baseline(fact: Fact, markdown: str) -> str:
    letters = sum(letter.isalnum() for letter in markdown)
    if fact.get("max_length") is not None:
        return "" if letters <= fact["max_length"] else f"{letters} letters on a page that should be blank"
    if not letters:
        return "no letters at all"
    most = fact.get("max_repeats", MAX_REPEATS)
    if re.search(rf"(.{{1,5}}?)\1{{{most},}}$", markdown.rstrip(), re.DOTALL):
        return "the end of the page repeats itself"
    if fact.get("check_disallowed_characters", True) and (odd := _FOREIGN.search(markdown)):
        return f"a character that cannot be there: {odd.group()}"
    return ""


def _math(fact: Fact, markdown: str) -> str:
    formula = "".join(fact["math"].split())
    return "" if formula in "".join(markdown.split()) else f"unsupported, formula not found: {fact['math']}"


CHECKS: dict[str, Callable[[Fact, str], str]] = {
    "present": _present,
    "absent": _absent,
    "order": _order,
    "table": _table,
    "baseline": _baseline,
    "math": _math,
}

RELATIONS: dict[str, Callable[[MarkdownTable, Place], list[Place]]] = {
    "up": lambda table, place: table.next(place, "up"),
    "down": lambda table, place: table.next(place, "down"),
    "left": lambda table, place: table.next(place, "left"),
    "right": lambda table, place: table.next(place, "right"),
    "top_heading": lambda table, place: table.headings(place, "up"),
    "left_heading": lambda table, place: table.headings(place, "left"),
}
