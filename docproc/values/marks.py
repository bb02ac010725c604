"""What is written to be copied: addresses of mail and web, telephone numbers, bank and tax numbers, references."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import iban
from stdnum.eu import vat

EMAIL = re.compile(r"[\w.+'-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")
URL = re.compile(
    r"(?<![\w@.])(?:https?://[^\s<>\"]+|www\.[^\s<>\"]+"
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|info|biz|shop|io|eu|de|at|ch|fr|nl|be|uk|es|it|pt|pl|se|no|dk|my|in)"
    r"(?:/[^\s<>\"]*)?)(?![\w@])",
    re.IGNORECASE,
)
PHONE = re.compile(r"(?<![\w/.-])(?:\+|00)?\(?\d{1,5}\)?(?:[\s().\-/]{1,3}\d{2,8}){1,6}(?![\w])")
BARE_PHONE = re.compile(r"\+?\d[\d\s().\-/]{5,20}\d")
_CALL = re.compile(
    r"(?:\b(?:t[eé]l(?:[eé]phone|efono|efon|efoon|efone)?|phone|ph|fax|mob(?:ile|il|iel)?|cell|handy|contact no|"
    r"hotline|whatsapp|call)\b|☎|📞)[^\d+(]{0,12}$",
    re.IGNORECASE,
)
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,3})?(?![A-Z0-9])")
VAT = re.compile(r"(?<![A-Z0-9])(?:[A-Z]{2})[\s.-]?[A-Z]?\d[\dA-Z. -]{5,15}[\dA-Z](?![A-Z0-9])")
CODE = re.compile(r"(?<![\w])(?=[^\s]*\d)[A-Za-z0-9#][A-Za-z0-9]*(?:[/_.#\-+:][A-Za-z0-9]+)*(?![\w])")

Found = tuple[int, int, str]


def emails(text: str) -> Iterator[Found]:
    """Yield start, end and address of each e-mail address."""
    for match in EMAIL.finditer(text):
        yield match.start(), match.end(), re.sub(r"\s", "", match[0]).lower()


def urls(text: str) -> Iterator[Found]:
    """Yield start, end and address of each web address, without the full stop of its sentence."""
    for match in URL.finditer(text):
        address = match[0].rstrip(".,;:)]")
        yield match.start(), match.start() + len(address), address


def phones(text: str) -> Iterator[Found]:
    """Yield start, end and digits (with a leading + where one is) of telephone numbers.

    Digits alone are a telephone number only after a word for it; with a + or in groups they speak for themselves.
    """
    for match in (PHONE if "+" in text or "(" in text or "-" in text or " " in text else BARE_PHONE).finditer(text):
        digits = re.sub(r"\D", "", match[0])
        called = bool(_CALL.search(text[: match.start()]))
        grouped = match[0].startswith("+") or re.match(r"\(0?\d{2,4}\)", match[0]) is not None
        if 7 <= len(digits) <= 15 and (called or (grouped and len(digits) >= 8)):
            yield match.start(), match.end(), ("+" if match[0].startswith("+") else "") + digits


def ibans(text: str) -> Iterator[Found]:
    """Yield start, end and bare form of each IBAN whose check digits are right."""
    for match in IBAN.finditer(text):
        words = match[0].split(" ")
        for count in range(len(words), 0, -1):  # the next word may look like its last group
            bare = "".join(words[:count])
            if 15 <= len(bare) <= 34 and iban.is_valid(bare, check_country=False):
                yield match.start(), match.start() + len(" ".join(words[:count])), bare
                break


def vats(text: str) -> Iterator[Found]:
    """Yield start, end and bare form of each VAT number of the European Union whose check digits are right."""
    for match in VAT.finditer(text):
        words = match[0].split(" ")
        for count in range(len(words), 0, -1):
            bare = re.sub(r"[\s.-]", "", "".join(words[:count]))
            if vat.is_valid(bare):
                yield match.start(), match.start() + len(" ".join(words[:count])), bare
                break


def codes(text: str) -> Iterator[Found]:
    """Yield start, end and text of each word with digits that is longer than two letters: a reference."""
    for match in CODE.finditer(text):
        if len(match[0]) > 2:
            yield match.start(), match.end(), match[0]
