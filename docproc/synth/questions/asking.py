"""Questions about what a page says and about what it does not say, in many wordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest

from docproc.synth.asked import Asked
from docproc.synth.questions.data import Field, fields, half, words
from docproc.synth.questions.desk import Desk, Fact

UNANSWERED = 0.3
"""The share of questions that the page does not answer."""
SAME = {
    "balance": "total",
    "total": "balance",
    "date": "invoice_date",
    "receipt_number": "invoice_number",
    "company": "seller",
}
"""A field that the second one answers where the first is not on the page: what is due is the total, mostly."""
TYPO_SHARE = 0.06
TAIL_SHARE = 0.15
BY_LABEL = 0.2


def ask(desk: Desk, possible: frozenset[str], most: int = 8) -> tuple[Asked, ...]:
    """Return up to `most` questions with answers about a page, and unanswerable ones in their share."""
    random = desk.random
    facts = _spread(desk)[:most]
    asked = [made for fact in facts if (made := _asked(desk, fact))]
    count = len(asked) * UNANSWERED / (1 - UNANSWERED)
    wanted = int(count) + (random.random() < count % 1)
    known = {one.question for one in asked}
    for kind, question, name in _missing(desk, possible):
        if wanted <= 0:
            break
        if question not in known:
            known.add(question)
            asked.append(Asked(question, (), (), kind, name))
            wanted -= 1
    random.shuffle(asked)
    return tuple(asked)


def _spread(desk: Desk) -> list[Fact]:
    """Return the facts in random order, such that no kind (the cells of a table) crowds out the others."""
    groups = dict[str, list[Fact]]()
    said = {fact.field for fact in desk.facts}
    for fact in desk.facts:
        groups.setdefault(fact.kind, []).append(fact)
        for other, same in SAME.items():
            if fact.field == same and other not in said and other in fields() and desk.values.chance(0.5):
                groups[fact.kind].append(Fact(other, fact.words, fact.kind))
    for group in groups.values():
        desk.random.shuffle(group)
    order = list(groups.values())
    desk.random.shuffle(order)
    # Text fields in their full number, of the others at most as many as come in turn.
    return [fact for turn in zip_longest(*order) for fact in turn if fact is not None]


def _asked(desk: Desk, fact: Fact) -> Asked | None:
    asks = fact.asks or (fields()[fact.field].asks if fact.field in fields() else ())
    question = wording(desk, asks, fact.slots, whole=fact.kind == "sentence")
    if not question:
        return None
    printed = fact.answer or " ".join(word.text for word in fact.words).strip(" ,;:")
    if fact.kind == "sentence":
        printed = printed.strip(" .,;:!?()\"'“”")
    return Asked(question, (printed, *fact.also), tuple(word.id for word in fact.words), fact.kind, fact.field)


def wording(desk: Desk, asks: Sequence[str], slots: Mapping[str, str], *, whole: bool = False) -> str:
    """Return one question out of this half's wordings, as somebody may type it; empty where there is none.

    `whole`: all of them belong to this half, as those of sentences do, which are held out with their questions.
    Where the label is known (slot "label") every fifth question simply takes it up.
    """
    options = tuple(asks) if whole else half(tuple(asks), desk.split)
    if "label" in slots and (not options or desk.values.chance(BY_LABEL)):
        options = half(words("ask.label"), desk.split)
        label = slots["label"]
        if not label.isupper() or len(label) > 4:
            slots = {"label": label.lower() if desk.values.chance(0.7) else label}
    if not options:
        return ""
    return _typed(desk, desk.random.choice(options).format_map(slots))


def _typed(desk: Desk, text: str) -> str:
    """Return the question as people type: now and then in lower case, without its mark, with a slip."""
    random = desk.random
    if random.random() < TAIL_SHARE and text.startswith(("What", "Who", "When", "Which", "Give", "Find")):
        tail = " " + desk.values.word("ask.tail").strip().format(desk.noun)
        text = (
            text
            if desk.noun in text or " this" in text
            else text.rstrip("?.") + tail + text[len(text.rstrip("?.")) :]
        )
    if random.random() < 0.1:
        text = text.lower()
    if random.random() < 0.1:
        text = text.rstrip("?.")
    if random.random() < 0.04:
        text = (
            random.choice(
                ("Please tell me: ", "I need to know: ", "Question: ", "Can you find this? ", "In this document, ")
            )
            + text
        )
    if random.random() < TYPO_SHARE and len(text) > 12:
        at = random.randrange(1, len(text) - 2)
        if text[at : at + 2].isalpha():
            text = random.choice((text[:at] + text[at + 1] + text[at] + text[at + 2 :], text[:at] + text[at + 1 :]))
    return text


def _missing(desk: Desk, possible: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, question and field of what the page does not say, of three sorts in turn."""
    random = desk.random
    said = {fact.field for fact in desk.facts}
    said |= {other for other, same in SAME.items() if same in said}
    plain = _plain()
    absent = [field for name, field in plain.items() if name in possible - said and not field.near & said]
    elsewhere = [field for name, field in plain.items() if name not in possible and _apart(field, said | possible)]
    if desk.tabular or any(fact.kind == "sentence" for fact in desk.facts):
        elsewhere = [field for field in elsewhere if field.name in words("elsewhere")]
    other = list(desk.missing)
    for group in (absent, elsewhere, other):
        random.shuffle(group)
    while True:
        draw = random.random()
        if draw < 0.5 and other:
            one = other.pop()
            if one.field in said and not one.slots:
                continue
            question = wording(desk, one.asks, one.slots, whole=one.kind == "sentence")
            kind, name = one.kind, one.field
        elif draw < 0.85 and absent:
            field = absent.pop()
            question, kind, name = wording(desk, field.asks, {}), field.kind, field.name
        elif draw < 0.94 and elsewhere:
            field = elsewhere.pop()
            question, kind, name = wording(desk, field.asks, {}), field.kind, ""
        else:
            values = desk.values
            slots = {name: values.word(name) for name in ("country", "food", "medicine", "thing")} | {
                "town": values.town(),
                "name": values.person(),
            }
            question, kind, name = wording(desk, words("off topic"), slots), "text", ""
        if question:
            yield kind, question, name


@cache
def _plain() -> Mapping[str, Field]:
    """Return the fields whose questions have no slots."""
    return {name: field for name, field in fields().items() if "{" not in "".join(field.asks)}


def _apart(field: Field, present: set[str] | frozenset[str]) -> bool:
    """Say whether a field of another kind of document cannot be meant by anything that is here."""
    if field.kind in {"name", "address", "date", "table"} or field.name in {
        "subject",
        "document_number",
        "reference",
    }:
        return False
    return not field.near & present and all(
        field.name not in fields()[name].near for name in present if name in fields()
    )


__all__ = ["ask", "wording"]
