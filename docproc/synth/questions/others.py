"""Questions about somebody or something that a page does not speak of: "the name of the dog" on an invoice.

The page has names, dates and sums, so a value of the kind that is wanted is there. What tells that none of them
answers is only of whom or of what is asked. Two sorts: people, animals and things that no page of the kind is about,
and questions that the page does answer with one of its words replaced ("the price of the oak *shelf*" - *castle*).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random

from docproc.document import Page
from docproc.qa.question import Question
from docproc.qa.text import stemmed, tokens
from docproc.synth.asked import Asked
from docproc.synth.questions.data import Split, half, words

KIND = "other"
"""The kind of these questions in reports."""
REPLACED = 0.4
"""Share of the questions that are made of one that the page answers."""
SHORTEST = 4
"""Letters of a word that is replaced: shorter ones mostly say nothing."""
TRIES = 20
_POOLS = ("role", "thing", "animal")
_SLOT = re.compile(r"\{(\w+)\}")


def about_others(page: Page, asked: Sequence[Asked], random: Random, split: Split, most: int) -> tuple[Asked, ...]:
    """Return up to `most` questions that a page does not answer, though what is `asked` beside them may be."""
    known = frozenset(stemmed(word) for line in page.lines for word in tokens(line.text))
    made: dict[str, Asked] = {}
    for _ in range(TRIES):
        if len(made) >= most:
            break
        replaced = random.random() < REPLACED
        question = _replaced(asked, known, random, split) if replaced else _invented(known, random, split)
        if question and question not in {one.question for one in asked}:
            made[question] = Asked(question, (), (), KIND)
    return tuple(made.values())


def _invented(known: frozenset[str], random: Random, split: Split) -> str:
    """Return a question about what a page does not name, or nothing."""
    wording = random.choice(half(words("other.ask"), split))
    slot = _SLOT.search(wording)
    other = _other(known, random, split, slot[1]) if slot else ""
    if not other:
        return ""
    text = wording.format_map({slot[1]: other}) if slot else wording
    return text[0].upper() + text[1:] if random.random() < 0.8 else text.lower()


def _replaced(asked: Sequence[Asked], known: frozenset[str], random: Random, split: Split) -> str:
    """Return a question that the page answers, with a word of the page replaced by one that it does not have."""
    answered = [one for one in asked if one.answers]
    if not answered:
        return ""
    one = random.choice(answered)
    said = [word for word in _telling(one) if stemmed(word) in known]
    other = _other(known, random, split, random.choice(_POOLS))
    if not said or not other:
        return ""
    word = random.choice(said)
    return re.sub(rf"\b{re.escape(word)}\b", other, one.question, count=1, flags=re.IGNORECASE)


def _telling(asked: Asked) -> Iterator[str]:
    """Yield the words of a question that say of what is asked; those that ask for a kind of value do not."""
    question = Question.of(asked.question)
    for word in question.words:
        wants = Question.of(word).wants
        if len(word) >= SHORTEST and word.isalpha() and not wants and word in asked.question.lower():
            yield word


def _other(known: frozenset[str], random: Random, split: Split, pool: str) -> str:
    """Return a word or two of a pool that the page does not have, or nothing."""
    other = random.choice(half(words(f"other.{pool}"), split))
    return "" if {stemmed(word) for word in tokens(other)} & known else other


__all__ = ["KIND", "about_others"]
