"""Questions about a drawn page, with their truth: what reading comprehension is trained and measured on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one page.

    `answers` are wordings that are right, the first as printed; none: the page does not say. `word_ids` are the
    words of the page that the first answer rests on, in reading order. `kind` groups questions in reports
    ("date", "money", "name", "address", "number", "text", "table", "check", "sentence"). `field` is the name that
    the value has in a schema ("invoice_number"), empty where it has none.
    """

    question: str
    answers: tuple[str, ...]
    word_ids: tuple[str, ...]
    kind: str
    field: str = ""
