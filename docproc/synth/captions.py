"""What a drawn page is, in one English sentence: its kind, its language, its main fields, what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from docproc.document import Page
from docproc.synth.things import Thing

NOUNS = {
    "bill": "an invoice",
    "invoice": "an invoice",
    "receipt": "a receipt",
    "form": "a form",
    "letter": "a letter",
    "memo": "a memo",
    "article": "a page of a report",
    "report": "a page of a report",
    "example-report": "a page of a report",
    "slides": "a slide",
    "figures": "tables of figures",
    "table": "tables of figures",
    "directory": "a list",
    "list": "a list",
    "columns": "a page in columns",
    "small-print": "conditions in small print",
    "poster": "a poster",
    "poster-a0": "a poster",
    "charts": "a page of charts",
    "certificate": "a certificate",
    "contract": "a contract",
}
"""What a kind of document is called; a page of anything else is a printed page."""
MAIN = (
    ("from", ("seller", "company", "company_from", "sender", "party_one")),
    ("to", ("buyer", "recipient", "holder", "party_two")),
    ("of", ("full_name", "last_name")),
    ("number", ("invoice_number", "receipt_number", "contract_number")),
    ("dated", ("invoice_date", "letter_date", "date", "document_date", "contract_date")),
    ("total", ("total", "balance")),
    ("about", ("subject",)),
    ("headed", ("title",)),
)
"""What is told, in this order: the word before it, and the fields it is taken from, the first that there is. A title
is told where there is nothing else."""
LONGEST = 60
"""Characters of a value; longer ones, such as a sentence for a subject, are not told."""
LANGUAGES = {
    "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "fi": "Finnish",
    "fr": "French", "hr": "Croatian", "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "tr": "Turkish",
    "uk": "Ukrainian",
}  # fmt: skip


def caption(
    kind: str, page: Page, fields: Mapping[str, str], things: Sequence[Thing] = (), language: str = "en"
) -> str:
    """Return the sentence, as "An invoice from Falk Tools Ltd, dated 3 May 2021, total £12.00, with a stamp."."""
    told = [NOUNS.get(kind, "a printed page") + (f" in {LANGUAGES[language]}" if language != "en" else "")]
    fields = fields or _title(page)
    for word, names in MAIN:
        value = next((fields[name] for name in names if fields.get(name)), "")
        if value and len(value) <= LONGEST and not (word == "headed" and told[1:]):
            told.append(f'headed "{value}"' if word == "headed" else f"{word} {value}")
    if seen := list(dict.fromkeys(thing.label for thing in things)):
        named = [f"a {label}" for label in seen]
        told.append("with " + " and ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named))
    first, *rest = told
    # who it is from and to belongs to what it is: "a letter from A to B, dated C"
    while rest and rest[0].split()[0] in {"from", "to", "of", "headed"}:
        first += " " + rest.pop(0)
    text = ", ".join([first, *rest]) + "."
    return text[0].upper() + text[1:]


def _title(page: Page) -> Mapping[str, str]:
    """Return the page's title, or its first heading, as a field."""
    headings = [one for label in ("title", "section-header") for one in page.regions if one.label == label]
    if not headings:
        return {}
    return {"title": " ".join(page.lines_by_id[name].text for name in headings[0].line_ids)}
