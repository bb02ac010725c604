"""What people type into the search box, as a tree: words, "phrases", pref*, AND OR NOT (or -), (groups), fields.

Fields: name: date: after: before: owner: label: in: key:. Whatever is no part of the language is text to look for;
only what cannot be meant (a date that is none, NOT alone) is refused, in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docproc.errors import Rejected
from docproc.store.search.tokenize import labelled, tokenize, unspaced

LONGEST = 2_000
"""Characters of a query."""
MOST_TERMS = 64
DEEPEST = 30

_LEXER = re.compile(
    r"""\s*(?:
    (?P<open>\() | (?P<close>\))
  | (?P<minus>-(?=[^\s\d)]))
  | (?P<field>name|date|after|before|owner|label|in|key):(?=[^\s()])
  | "(?P<quoted>[^"]*)"?(?P<star>\*)?
  | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_UNKEPT = {0: ""} | dict.fromkeys(range(0xD800, 0xE000), "")
"""What no database takes as a value; in tokens there is none of it."""
_QUOTES = str.maketrans("\u201c\u201d\u201e\u00ab\u00bb\uff02\u3000", '"""""" ')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that follow each other; the last one may be the beginning of a longer one when `prefix`."""

    tokens: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """What a document must be: `name` is one of the fields, `value` as typed."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be."""

    child: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    children: tuple[Node, ...]


Node = Phrase | Field | Not | And | Or


def parse(query: str) -> Node | None:
    """Return the tree of a query, None when there is nothing in it to look for; raise Rejected in plain words."""
    if len(query) > LONGEST:
        raise _refused(f"The search is longer than {LONGEST} characters.", "Search for fewer words.")
    return _Parser(query).parse()


def phrases(node: Node | None) -> Iterator[Phrase]:
    """Yield the phrases that a hit may contain, those under NOT left out."""
    if isinstance(node, Phrase):
        yield node
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from phrases(child)


def has_field(node: Node) -> bool:
    """Say whether the tree asks anything of the document."""
    return any(isinstance(leaf, Field) for leaf in _leaves(node))


def only_fields(node: Node) -> bool:
    """Say whether the tree asks nothing of the words of a page."""
    return all(isinstance(leaf, Field) for leaf in _leaves(node))


def _leaves(node: Node) -> Iterator[Phrase | Field]:
    if isinstance(node, And | Or):
        for child in node.children:
            yield from _leaves(child)
    elif isinstance(node, Not):
        yield from _leaves(node.child)
    else:
        yield node


def phrase(text: str, *, prefix: bool = False) -> Phrase | None:
    """Return `text` as a phrase, None when nothing in it can be searched for.

    The last character of an unspaced run is no token of its own where the run may go on in the page.
    """
    tokens = [token.text for token in tokenize([text.split()])]
    if not tokens:
        return None
    last = tokens[-1]
    if len(last) == 1 and unspaced(last):
        if len(tokens) > 1 and len(tokens[-2]) == 2 and tokens[-2][1] == last:
            return Phrase(tuple(tokens[:-1]))
        prefix = True
    return Phrase(tuple(tokens), prefix)


class _Parser:
    """Recursive descent: OR binds weakest, then AND (or nothing) between terms, then NOT."""

    def __init__(self, query: str) -> None:
        self._lexemes = list(_LEXER.finditer(query.translate(_QUOTES).strip()))
        self._at = 0
        self._depth = 0
        self._terms = 0

    def parse(self) -> Node | None:
        parts = []
        while self._at < len(self._lexemes):
            parts.append(self._either())
            self._at += 1  # a closing parenthesis that nothing opened
        return _and(parts)

    def _either(self) -> Node | None:
        self._deeper()
        parts = [self._all()]
        while self._word() == "OR":
            self._at += 1
            parts.append(self._all())
        self._depth -= 1
        found = tuple(part for part in parts if part)
        return Or(found) if len(found) > 1 else next(iter(found), None)

    def _all(self) -> Node | None:
        parts = []
        while self._at < len(self._lexemes) and not self._is("close") and self._word() != "OR":
            if self._word() == "AND":
                self._at += 1
                continue
            parts.append(self._term())
        return _and(parts)

    def _term(self) -> Node | None:
        lexeme = self._lexemes[self._at]
        word = self._word()
        self._at += 1
        if lexeme["minus"] or word == "NOT":
            return self._not()
        if lexeme["open"]:
            inner = self._either()
            self._at += self._is("close")
            return inner
        if lexeme["field"]:
            return self._field(lexeme["field"].lower())
        return self._phrase(lexeme)

    def _not(self) -> Node | None:
        if self._at == len(self._lexemes) or self._is("close") or self._word() in {"AND", "OR"}:
            return None
        self._deeper()
        child = self._term()
        self._depth -= 1
        return child.child if isinstance(child, Not) else Not(child) if child else None

    def _field(self, name: str) -> Node | None:
        lexeme = self._lexemes[self._at]
        self._at += 1
        value = lexeme["quoted"] or lexeme[0].strip()
        self._count()
        if name == "key":
            found = phrase(value, prefix=bool(lexeme["star"]) or value.endswith("*"))
            return found and Phrase(tuple(map(labelled, found.tokens)), found.prefix)
        return Field(name, value.translate(_UNKEPT).strip())

    def _phrase(self, lexeme: re.Match[str]) -> Phrase | None:
        self._count()
        word = lexeme["word"]
        if word is None:
            return phrase(lexeme["quoted"], prefix=bool(lexeme["star"]))
        return phrase(word, prefix=word.endswith("*"))

    def _is(self, kind: str) -> bool:
        return self._at < len(self._lexemes) and bool(self._lexemes[self._at][kind])

    def _word(self) -> str:
        return str(self._lexemes[self._at]["word"]) if self._at < len(self._lexemes) else ""

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _refused("The search is nested too deeply.", "Use fewer parentheses.")

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise _refused(f"The search has more than {MOST_TERMS} words.", "Search for fewer words.")


def _and(parts: list[Node | None]) -> Node | None:
    found = tuple(part for part in parts if part)
    return And(found) if len(found) > 1 else next(iter(found), None)


def _refused(message: str, hint: str) -> Rejected:
    return Rejected(message, hint=hint, code="bad-query")
