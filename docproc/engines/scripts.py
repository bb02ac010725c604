"""Which letters a language is written in: a hint from `--languages` narrows what a recogniser may answer."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from docproc.errors import Usage

_LATIN = (  # noqa: SIM905  (a list of fifty strings is no easier to read)
    "af az bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it ku la lb lt lv mi ms mt nl no oc pl pt qu rm ro "
    "sk sl sq sv sw tl tr uz vi"
).split()

SCRIPTS: dict[str, tuple[str, ...]] = {
    "GREEK": ("el",),
    "CYRILLIC": ("be", "bg", "kk", "mk", "mn", "ru", "sr", "uk"),
    "ARABIC": ("ar", "fa", "ur"),
    "HEBREW": ("he",),
    "THAI": ("th",),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "CJK": ("ja", "zh"),
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "HANGUL": ("ko",),
    "LATIN": tuple(_LATIN),
}
"""Script, as Unicode names its letters -> the ISO 639-1 codes of languages written in it."""


def scripts_of(languages: Iterable[str]) -> frozenset[str]:
    """Return the scripts of `languages` (ISO 639-1); Latin is always in, as it is in every document.

    Raises Usage for a code that is not known.
    """
    codes = {code for known in SCRIPTS.values() for code in known}
    for code in languages:
        if code not in codes:
            raise Usage(f"There is no language {code!r}.", hint=f"Codes: {', '.join(sorted(codes))}.")
    return frozenset({"LATIN"} | {name for name, known in SCRIPTS.items() if set(known) & set(languages)})


def is_written_in(text: str, scripts: frozenset[str]) -> bool:
    """Say whether every letter of `text` belongs to one of `scripts`; digits and signs belong to all."""
    return all(
        not character.isalpha() or unicodedata.name(character, "").split(" ")[0].split("-")[0] in scripts
        for character in text
    )
