"""What the invented documents are made of: words, fields with their labels and questions, and what is held out.

The texts in `data/` are our own. A wording, label or layout is held out of training by its own hash, so that it
stays where it is when others are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal
from zlib import crc32

Split = Literal["train", "test"]
HELD_OUT = 5
"""One in so many wordings is kept for the test half."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something that documents say. `labels` by language; `near`: fields that could pass for this one."""

    name: str
    kind: str
    labels: Mapping[str, tuple[str, ...]]
    asks: tuple[str, ...]
    near: frozenset[str]
    make: str = ""
    """How a value is made, for fields of forms (see the head of `data/forms.txt`)."""
    groups: tuple[str, ...] = ()


@cache
def words(name: str) -> tuple[str, ...]:
    """Return a list of words by its heading; raise KeyError when there is none."""
    return _lists()[name]


@cache
def fields() -> Mapping[str, Field]:
    """Return all fields by name."""
    found = {}
    for head, lines in _blocks(_text("fields.txt") + "\n" + _text("forms.txt")):
        name, kind, make, groups = (part.strip() for part in (*head.split(":"), "", "")[:4])
        labels = {mark or "en": _parts(text) for mark, text in lines if mark not in {"?", "~"}}
        rest = {mark: text for mark, text in lines if mark in {"?", "~"}}
        near = frozenset(rest.get("~", "").split())
        found[name] = Field(name, kind, labels, _parts(rest.get("?", "")), near, make, tuple(groups.split()))
    return found


@cache
def lines(name: str) -> tuple[str, ...]:
    """Return the lines of a file of `data/`, without remarks."""
    return tuple(line for line in _text(name).splitlines() if line and not line.startswith("#"))


@cache
def held_out(wording: str) -> bool:
    """Say whether a wording belongs to the test half; case, blanks and the last mark do not count."""
    return _rank(wording) % HELD_OUT == 0 or _plain(wording) in _added()


def _plain(wording: str) -> str:
    return " ".join(wording.casefold().strip(" ?.:").split())


def _rank(wording: str) -> int:
    return crc32(_plain(wording).encode())


@cache
def _added() -> frozenset[str]:
    """Return the wordings held out because no other one of their field is: every field can be tested."""
    pools = [field.asks for field in fields().values() if len(field.asks) > 3]
    return frozenset(_plain(min(asks, key=_rank)) for asks in pools if all(_rank(ask) % HELD_OUT for ask in asks))


@cache
def half(options: tuple[str, ...], split: Split) -> tuple[str, ...]:
    """Return the options of one half, in order; it may be empty."""
    return tuple(option for option in options if held_out(option) == (split == "test"))


@cache
def layouts(name: str, count: int, split: Split) -> tuple[int, ...]:
    """Return which of `count` layouts one half draws; of fewer than four none is held out."""
    if count < 4:
        return tuple(range(count))
    ranked = sorted(range(count), key=lambda index: crc32(f"{name}/{index}".encode()))
    return tuple(sorted(ranked[: count // 4] if split == "test" else ranked[count // 4 :]))


def _text(name: str) -> str:
    return (files(__package__) / "data" / name).read_text("utf-8")


@cache
def _lists() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for block in _text("words.txt").split("\n[")[1:]:
        name, body = block.split("]\n", 1)
        found[name] = tuple(part.strip() for part in body.replace("\n", " ").split(" | " if " | " in body else ", "))
    return found


def _blocks(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield every head line with its marked lines: "=", "de=", "?" and "~" with what follows."""
    head, lines = "", list[tuple[str, str]]()
    for line in (*text.splitlines(), ""):
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in "?~=" or line[2:3] == "=":
            mark, rest = line.split(" ", 1)
            lines.append((mark.rstrip("="), rest))
        else:
            if head:
                yield head, lines
            head, lines = line, []
    if head:
        yield head, lines


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(" | ") if part.strip())


__all__ = ["Field", "Split", "fields", "half", "held_out", "layouts", "lines", "words"]
