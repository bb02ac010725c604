"""Running text that says something: sentences with slots, and the questions that each slot answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from docproc.document import Label, Word
from docproc.geometry import Box
from docproc.synth.questions.data import held_out, lines
from docproc.synth.questions.desk import Desk, words_of

SUBJECTS = frozenset(
    {"thing", "project", "company", "product", "name", "town", "year", "country", "department", "region"}
)
"""Slots whose value in a question can be changed for another, so that the page no longer answers it."""
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sentence, and for each slot (or several that stand together) its questions."""

    text: str
    asks: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(slots=True)
class Told:
    """What a stretch of text says: `start` and `end` count its words; `slots` are the values of its sentence."""

    start: int
    end: int
    asks: tuple[str, ...]
    slots: Mapping[str, str]


@dataclass(slots=True)
class Prose:
    """A text with what it says."""

    text: str = ""
    told: list[Told] = field(default_factory=list)

    def add(self, text: str) -> int:
        """Add words; return how many stood before them."""
        before = len(self.text.split())
        self.text = f"{self.text} {text}".strip()
        return before


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return the sentences of `data/sentences.txt`."""
    found, text, asks = list[Pattern](), "", list[tuple[str, tuple[str, ...]]]()
    for line in (*lines("sentences.txt"), ""):
        slots, mark, questions = line.partition(" ? ")
        if mark and "{" not in slots:
            asks.append((slots, tuple(questions.split(" | "))))
            continue
        if text:
            found.append(Pattern(text, tuple(asks)))
        text, asks = line, []
    return tuple(found)


def sentence(desk: Desk, prose: Prose) -> None:
    """Add a sentence with facts that no other sentence of the page could be taken for."""
    free = [one for one in patterns() if one.text not in desk.groups and held_out(one.text) == (desk.split == "test")]
    if not free:
        return
    pattern = desk.random.choice(free)
    # Some sentences may come again about something else: those whose every question says which one it means.
    clear = all("{thing}" in ask for _, asks in pattern.asks for ask in asks)
    if not clear or desk.values.chance(0.5):
        desk.groups.add(pattern.text)
    slots = {name: _value(desk, name) for name in SLOT.findall(pattern.text)}
    start = prose.add(pattern.text.format_map(slots))
    for names, asks in pattern.asks:
        wanted = " ".join(f"{{{name}}}" for name in names.split())
        before = pattern.text[: pattern.text.index(wanted)].format_map(slots)
        first = start + len(before.split()) - (1 if before and not before[-1].isspace() else 0)
        count = len(wanted.format_map(slots).split())
        prose.told.append(Told(first, first + count, asks, slots))


def paragraph(desk: Desk, facts: int, fillers: int) -> Prose:
    """Return a paragraph with so many sentences that say something, among others that say nothing."""
    prose, order = Prose(), [True] * facts + [False] * fillers
    desk.random.shuffle(order)
    for telling in order:
        if telling:
            sentence(desk, prose)
        else:
            prose.add(desk.values.word("filler") + ".")
    return prose


def remember(desk: Desk, prose: Prose, written: Sequence[Word]) -> None:
    """Remember what the words of a text say, once they are written; the end of it may have found no room."""
    texts = prose.text.split()[: len(written)]
    if texts != [word.text for word in written]:
        raise ValueError("the words written are not those of the text")
    for told in prose.told:
        if told.end > len(written):
            continue
        desk.say("", written[told.start : told.end], kind="sentence", asks=told.asks, slots=told.slots)
        _negative(desk, told)


def write(desk: Desk, prose: Prose, box: Box, *, justify: bool = False, label: Label = "text") -> float:
    """Write a text from the top of `box` as a region; return the lower end."""
    lines, _ = desk.sheet.paragraph(box, prose.text, desk.body, justify=justify)
    if not lines:
        return box.top
    desk.region(label, lines)
    remember(desk, prose, words_of(lines))
    return lines[-1].box.bottom


def _negative(desk: Desk, told: Told) -> None:
    """Remember a question about another thing of the same sort, which the page does not answer."""
    if desk.values.chance(0.5):
        return
    ask = desk.random.choice(told.asks)
    names = [name for name in SLOT.findall(ask) if name.rstrip("23") in SUBJECTS]
    if names:
        name = desk.random.choice(names)
        desk.lack("", (ask,), {**told.slots, name: _value(desk, name)}, "sentence")


def _value(desk: Desk, slot: str) -> str:
    """Return a value for a slot, new on this page."""
    for _ in range(20):
        value = _drawn(desk, slot.rstrip("23"))
        if value not in desk.groups:
            break
    desk.groups.add(value)
    return value


def _drawn(desk: Desk, slot: str) -> str:
    values, number = desk.values, desk.random.randint
    if slot == "name":
        return values.person()
    if slot in {"town", "company", "date", "syllables"}:
        return str(getattr(values, slot)())
    if slot in {"number", "year", "count"}:
        low, high = {"number": (120, 98_000), "year": (1950, 2025), "count": (2, 90)}[slot]
        made = number(low, high)
        return f"{made:,}" if slot == "number" and values.chance(0.7) else str(made)
    lists = {"role": "person.role", "room": "place.room"}
    made_of: dict[str, Callable[[], str]] = {
        "money": lambda: values.money(number(500, 9_000_000)),
        "millions": lambda: f"{values.one('$£€')}{number(1, 900)}.{number(0, 9)} {values.word('millions')}",
        "percent": lambda: values.word("pattern.percent").format(number(1, 96), number(0, 9)),
        "duration": lambda: f"{values.word('few')} {values.word('period')}",
        "time": values.clock,
        "metres": lambda: f"{number(12, 4800)} metres",
        "degrees": lambda: f"{number(12, 95)}.{number(0, 9)} °C",
        "milligrams": lambda: f"{number(2, 900)} mg",
        "job": lambda: _article(values.word("job").lower()),
        "phone": values.phone,
        "subject": lambda: values.word("study"),
    }
    return made_of[slot]() if slot in made_of else values.word(lists.get(slot, slot))


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


__all__ = ["Prose", "paragraph", "patterns", "remember", "sentence", "write"]
