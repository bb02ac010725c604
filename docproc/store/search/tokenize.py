"""Text to tokens: the one way for pages, for queries and for finding the words of a hit again.

A token is lower case without accents and holds letters, digits and marks only, so that no database splits it
again. What has signs inside (INV-2024/001) becomes several tokens and is looked for as a phrase; groups of
thousands are joined (1,234.50 and 1.234,50 both become 1234 50). Scripts that are written without spaces
become pairs of characters, each run followed by its last character alone, so that every character begins some
token. A word divided at the end of a line is one token that came from two words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from typing import NamedTuple

LONGEST = 64
"""Characters kept of a token."""
GAP = "\u00b6"
"""A token that nobody can search for; no phrase reaches across it."""
LABEL = "\u00a7"
"""What the tokens of labels begin with: a sign, so that no word of a page or of a query does."""

_HYPHENS = "-\u2010\u00ad\u00ac"
_UNSPACED = (
    ("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1100", "\u11ff"), ("\u1780", "\u17ff"), ("\u3005", "\u3007"),
    ("\u3040", "\u30ff"), ("\u3130", "\u318f"), ("\u31f0", "\u31ff"), ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"),
    ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"),
)  # fmt: skip
"""Thai, Lao, Burmese, Khmer, Han, kana; and Hangul, whose words are spaced but carry their particles."""
_HANGUL = (("\u1100", "\u11ff"), ("\u3130", "\u318f"), ("\uac00", "\ud7af"))
_ACCENTS = (
    ("\u0300", "\u036f"), ("\u0591", "\u05bd"), ("\u05bf", "\u05c7"), ("\u0610", "\u061a"), ("\u0640", "\u0640"),
    ("\u064b", "\u065f"), ("\u0670", "\u0670"), ("\u06d6", "\u06ed"),
)  # fmt: skip
"""Marks that readers leave out: Latin, Greek and Cyrillic accents, Hebrew and Arabic points."""
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_THOUSANDS = re.compile(r"(?<!\d)(?<!\d[.,'\u2019])\d{1,3}([.,'\u2019])\d{3}(?:\1\d{3})*(?!\d)")

Part = tuple[str, int]
"""A piece of text, and the index of the word that it came from."""


class Token(NamedTuple):
    """What is looked for, and the indexes of the words that it came from (two, when divided at a line end)."""

    text: str
    words: tuple[int, ...]


def tokenize(lines: Sequence[Sequence[str]]) -> list[Token]:
    """Return the tokens of lines of words; `Token.words` counts words from 0 over all lines.

    A word divided by a hyphen is given once more in its two halves at the end, between neighbours and behind
    a GAP: "well-" / "known" is found as wellknown and as well-known.
    """
    tokens: list[Token] = []
    halves: list[Token] = []
    stream = _Stream(tokens)
    divided: list[Part] = []
    index = 0
    for line, following in pairwise([*lines, ()]):
        start = following[0] if following else ""
        for place, word in enumerate(line, start=1):
            goes_on = place == len(line) and _divided(word, start)
            if goes_on or divided:
                divided.append((word, index))
            else:
                stream.add(word, index)
            if divided and not goes_on:
                before = len(tokens)
                stream.add_divided(divided)
                halves += [Token(GAP, ()), *tokens[max(0, before - 2) : before], *_halves(divided)]
                divided = []
            index += 1
    stream.end()
    return tokens + halves


def labelled(token: str) -> str:
    """Return the token that finds pages on which a value is labelled with `token`."""
    return LABEL + token


def fold(text: str) -> str:
    """Return `text` as it is compared: compatibility forms, case and accents folded, digits ASCII."""
    if text.isascii():
        folded = text.lower()
    else:
        plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
        kept = "".join(map(_kept, plain))
        folded = unicodedata.normalize("NFC", kept).translate(_LETTERS)
    return _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found[0]), folded)


def unspaced(character: str) -> bool:
    """Say whether the character belongs to a script that is searched by pairs of characters."""
    return _kind(character) == "unspaced"


class _Stream:
    """Turns words into tokens; runs of unspaced characters go on over the end of a word."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._run: list[Part] = []

    def add(self, word: str, index: int) -> None:
        """Add a word."""
        pieces = _pieces(word)
        if not self._run and len(pieces) == 1 and pieces[0][0] == "word":  # nearly always
            self._tokens.append(Token(pieces[0][1][:LONGEST], (index,)))
            return
        if self._run and not (pieces and pieces[0][0] == "unspaced" and not _inside(pieces[0][1][0], _HANGUL)):
            self.end()
        for kind, piece in pieces:
            self._take(kind, piece, (index,) * len(piece) if kind == "unspaced" else (index,))

    def add_divided(self, unit: Sequence[Part]) -> None:
        """Add a word that was divided at line ends, without the hyphens."""
        self.end()
        last = len(unit) - 1
        parts = [(fold(text if at == last else text[:-1]), index) for at, (text, index) in enumerate(unit)]
        owners = [index for text, index in parts for _ in text]
        start = 0
        for kind, piece in _kinds("".join(text for text, _ in parts)):
            self._take(kind, piece, owners[start : start + len(piece)])
            start += len(piece)

    def end(self) -> None:
        """End the run of unspaced characters: its pairs, then its last character alone."""
        run, self._run = self._run, []
        for index, (character, owner) in enumerate(run):
            following = run[index + 1 : index + 2]
            text = character + "".join(text for text, _ in following)
            self._tokens.append(Token(text, tuple(dict.fromkeys([owner, *(one for _, one in following)]))))

    def _take(self, kind: str, piece: str, owners: Sequence[int]) -> None:
        if kind == "unspaced":
            self._run += zip(piece, owners, strict=True)
            return
        if self._run:
            self.end()
        if kind == "word":
            self._tokens.append(Token(piece[:LONGEST], tuple(dict.fromkeys(owners))))


@lru_cache(maxsize=65536)
def _pieces(word: str) -> tuple[tuple[str, str], ...]:
    return _kinds(fold(word))


def _kinds(text: str) -> tuple[tuple[str, str], ...]:
    """Return the pieces of folded text, each with its kind: word, unspaced, or "" for signs."""
    return tuple((kind, "".join(piece)) for kind, piece in groupby(text, _kind))


def _halves(unit: Sequence[Part]) -> list[Token]:
    tokens: list[Token] = []
    stream = _Stream(tokens)
    for word, index in unit:
        stream.add(word, index)
    stream.end()
    return tokens


def _divided(end: str, start: str) -> bool:
    """Say whether a line that ends in `end` and one that begins with `start` share a word."""
    if len(end) < 2 or not start or end[-1] not in _HYPHENS or not end[-2].isalpha() or not start[:1].isalpha():
        return False
    return start[0].islower() or (end[-2].isupper() and start[:2].isupper())


def _kept(character: str) -> str:
    if _inside(character, _ACCENTS) or unicodedata.category(character) in {"Cf", "Cs"}:
        return ""
    return str(unicodedata.decimal(character, character))


@lru_cache(maxsize=65536)
def _kind(character: str) -> str:
    if unicodedata.category(character)[0] not in "LNM":
        return ""
    return "unspaced" if _inside(character, _UNSPACED) else "word"


def _inside(character: str, ranges: Iterable[tuple[str, str]]) -> bool:
    return any(first <= character <= last for first, last in ranges)
