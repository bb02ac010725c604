"""What a question wants: its words that say something, and the kinds of value that would answer it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from docproc.errors import Usage
from docproc.qa.text import STOP_WORDS, stemmed, tokens

LONGEST = 1_000
"""Characters of a question that are understood; a longer one is no question."""

KINDS = (
    "date", "time", "money", "number", "percent", "email", "url", "phone", "id", "name", "address", "check", "text",
)  # fmt: skip
"""Kinds of value. `text` is anything."""

_DIGIT = re.compile(r"\d")
_CODES = r"(number|no|nr|id|code|reference|ref|registration|serial|account|isbn|iban|sku|zip|vat)"
_WANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\b(ticked|checked|selected|marked|crossed|check ?box)\b", ("check",)),
    (r"\b(what|which|at what) time\b|\btime (of|is|was|does|did)\b|\bhow late\b", ("time",)),
    (r"\bwhen\b", ("date", "time")),
    (r"\b(date|dated|deadline|day|birthday|expir\w+|valid until|due (on|by|date))\b", ("date",)),
    (r"\b(year|month)\b", ("date", "number")),
    (r"\b(percent|percentage|share|rate|proportion)\b|%", ("percent", "number")),
    (r"\be-?mail\b", ("email",)),
    (r"\b(web ?site|web|url|homepage|web address|internet)\b", ("url",)),
    (r"\b(phone|telephone|tel|fax|mobile|cell)\b", ("phone",)),
    (r"\bhow many\b|\bnumber of\b|\bhow (old|long|large|big|high|far|wide|deep|heavy|fast)\b", ("number",)),
    (r"\bhow much\b", ("money", "number", "percent")),
    (r"\b(quantity|qty|count)\b", ("number",)),
    (rf"\b{_CODES}\b", ("id", "number", "phone")),
    (
        r"\b(total|sub ?total|amount|price|cost|costs|sum|balance|fee|salary|paid|pay|change|discount|charge|revenue|"
        r"profit|budget|tax|gst|income|expenses?|spent|worth|owe|due)\b",
        ("money", "number"),
    ),
    (r"\b(address|where|street|located|location)\b", ("address",)),
    (r"\b(who|whom|whose|author|name|names|company|seller|vendor|buyer|customer|person|signed)\b", ("name",)),
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ORDINAL = re.compile(
    rf"\b(?:({'|'.join(_ORDINALS)})|([1-9]\d?)(?:st|nd|rd|th))\b(?! (?:name|floor|class|street|avenue|quarter)\b)|"
    r"\b(?:item|row|line|bullet|point|position|entry|step) (?:no\.? |number )?([1-9]\d?)\b"
)


def plain(text: str) -> str:
    """Return a text with single blanks and without characters that no database keeps: controls, surrogates."""
    kept = "".join(char if unicodedata.category(char) not in ("Cc", "Cs") else " " for char in text)
    return " ".join(kept.split())


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `words` say something, `stems` are their stems, `named` those of names, numbers and years.

    `wants` are kinds of value, best first; none means that anything may answer.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    named: tuple[str, ...]
    wants: tuple[str, ...]
    yes_no: bool
    ordinal: int = 0
    """Which of several is asked for ("the third bullet", "item 3"), from 1; 0: none."""

    @classmethod
    def of(cls, text: str) -> Question:
        """Understand a question. Raises Usage for one that is empty or far too long."""
        text = plain(text)
        if not tokens(text):
            raise Usage(
                "The question is empty.", hint="Ask something, such as: What is the total?", code="bad-question"
            )
        if len(text) > LONGEST:
            raise Usage(
                f"The question has {len(text):,} characters.",
                hint=f"Ask in at most {LONGEST:,} characters, one thing at a time.",
                code="bad-question",
            )
        lower = " ".join(text.casefold().split())
        wants = dict.fromkeys(kind for pattern, kinds in _WANTS if re.search(pattern, lower) for kind in kinds)
        yes_no = re.match(r"(is|are|was|were|does|do|did|has|have|had|can|will)\b", lower) is not None
        said = tuple(dict.fromkeys(word for word in tokens(text) if word not in STOP_WORDS)) or tokens(text)
        named = [
            word
            for piece in text.split()[1:]
            if piece[:1].isupper() or _DIGIT.search(piece)
            for word in tokens(piece)
        ]
        stems, names = (tuple(dict.fromkeys(map(stemmed, words))) for words in (said, named))
        return cls(text, said, stems, names, tuple(wants), yes_no, _ordinal(lower))


def _ordinal(lower: str) -> int:
    """Return which of several a question asks for, 0 for none."""
    found = _ORDINAL.search(lower)
    if not found:
        return 0
    number = found[2] or found[3]
    return int(number) if number else _ORDINALS.index(found[1]) + 1
