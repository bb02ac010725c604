"""Text that a model wrote, as one finding."""

from __future__ import annotations

import unicodedata

from docproc.findings import Finding
from docproc.tasks.asking import Parsed, Seen
from docproc.tasks.grammar import SPECIAL
from docproc.tasks.locations import mean_score


def text_finding(seen: Seen, *, lines: bool = False) -> Parsed:
    """Return what was written, as a finding of the box asked about, or of the whole page; nothing when it is blank.

    `lines` keeps line breaks.
    """
    text = plain(seen.generation.text)
    text = text if lines else " ".join(text.split())
    if not text:
        return Parsed()
    confidence = mean_score(seen.generation.scores)
    ask = seen.ask
    finding = Finding(
        task=ask.task, prompt=seen.prompt, page=seen.number, box=ask.box, text=text, confidence=confidence
    )  # fmt: skip
    return Parsed([finding])


def plain(text: str) -> str:
    """Return text in NFC without special tokens; control characters but the line break become spaces."""
    text = unicodedata.normalize("NFC", SPECIAL.sub("", text))
    kept = (char if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs") else " " for char in text)
    return "".join(kept).strip()
