"""What a correction was done to, so that it finds its place again on a newer reading of the same page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rapidfuzz.fuzz import ratio

from docproc.corrections.ask import Thing, things
from docproc.document import Cell, Line, Page, Region, Word
from docproc.geometry import Box

REFERENCES = ("id", "ids", "line", "region", "after")
"""The keys of an operation that name things of the page."""

TOUCHING, SURE = 0.2, 0.8
"""A thing is the same when the boxes share at least TOUCHING (intersection over union), and this share together
with the likeness of the texts (0-1) comes to SURE."""

LONGEST_KEPT = 500
"""Characters of an anchor's text."""

_KINDS: dict[str, type[Thing]] = {"word": Word, "line": Line, "region": Region, "cell": Cell}


def anchor(page: Page, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return, for each thing that the operation names: `kind`, `text`, `box` on the page before it."""
    known = things(page)
    return {name: _described(page, known[name]) for name in _names(operation) if name in known}


def reanchor(operation: Mapping[str, Any], old: Mapping[str, Any], page: Page) -> dict[str, Any] | None:
    """Return the operation with the ids of `page`; None when something it was done to is not found there.

    `old` is its `anchor`. Something added that the page says itself by now becomes its confirmation.
    """
    operation = dict(operation)
    if operation.get("op") == "add" and (known := _said_by_now(operation, page)):
        return {"op": "replace", "id": known.id, "text": operation["text"]}
    if operation.get("op") == "region" and (there := _drawn_by_now(operation, page)):
        return {"op": "label", "id": there.id, "label": operation["label"]}
    search = _Search(page, things(page), str(operation.get("text", "")), exact=operation.get("op") == "split")
    found = {name: search.find(one) for name, one in old.items()}
    may_be_lost = ("after", "region") if operation.get("op") in ("add", "region") else ()
    for key in REFERENCES:
        value = operation.get(key)
        if value is None:
            continue
        new = [found.get(one) for one in value] if isinstance(value, list) else found.get(value)
        if new is not None and not (isinstance(new, list) and None in new):
            operation[key] = new
        elif key in may_be_lost:
            del operation[key]
        else:
            return None
    return operation


@dataclass(frozen=True, slots=True)
class _Search:
    """Where to look; `text` is what the correction says, `exact` when the text must be as it was."""

    page: Page
    known: Mapping[str, Thing]
    text: str
    exact: bool

    def find(self, wanted: Mapping[str, Any]) -> str | None:
        """Return the id of the thing that is the same, None when there is none."""
        kind = _KINDS[wanted["kind"]]
        scores = [(self._score(thing, wanted), name) for name, thing in self.known.items() if isinstance(thing, kind)]
        score, name = max(scores, default=(0.0, ""), key=lambda one: one[0])
        return name if score >= SURE else None

    def _score(self, thing: Thing, wanted: Mapping[str, Any]) -> float:
        shared = thing.box.iou(Box.from_list(wanted["box"]))
        if shared < TOUCHING:
            return 0.0
        text = text_of(self.page, thing)[:LONGEST_KEPT]
        if self.exact:
            return shared + 1 if text == wanted["text"] else 0.0
        return shared + max(ratio(text, wanted["text"]), ratio(text, self.text) if self.text else 0.0) / 100


def text_of(page: Page, thing: Thing) -> str:
    """Return what a word, line, region or cell says."""
    if isinstance(thing, Region):
        return "\n".join(page.lines_by_id[one].text for one in thing.line_ids)
    return thing.text


def _described(page: Page, thing: Thing) -> dict[str, Any]:
    kind = next(name for name, kind in _KINDS.items() if isinstance(thing, kind))
    return {"kind": kind, "text": text_of(page, thing)[:LONGEST_KEPT], "box": thing.box.as_list()}


def _names(operation: Mapping[str, Any]) -> list[str]:
    values = [operation.get(key) for key in REFERENCES]
    return [name for value in values for name in (value if isinstance(value, list) else [value]) if name]


def _said_by_now(operation: Mapping[str, Any], page: Page) -> Word | Line | None:
    """Return the word or line that stands where one was added."""
    box = Box.from_list(operation["box"])
    words = [word for line in page.lines for word in line.words]
    there: list[Word | Line] = [*words] if operation.get("line") else [*page.lines]
    best = max(there, key=lambda one: one.box.iou(box), default=None)
    return best if best and best.box.iou(box) > 0.5 else None


def _drawn_by_now(operation: Mapping[str, Any], page: Page) -> Region | None:
    """Return the region that stands where one was drawn."""
    box = Box.from_list(operation["box"])
    best = max(page.regions, key=lambda one: one.box.iou(box), default=None)
    return best if best and best.box.iou(box) > 0.5 else None
