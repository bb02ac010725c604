"""Fields by schema: a JSON Schema says what to find, typed values with their evidence come back.

    extraction = extract(document.pages, preset("invoice"))
    extraction.values["total"], extraction.evidence["/total"], extraction.confidence["/total"]

Titles and descriptions are hints, types and formats say how a value is to be written: dates in ISO 8601, amounts as
numbers, read as the document writes them. What the document does not say, or nobody can be sure of, is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docproc.document import Page
from docproc.fields.find import find_field
from docproc.fields.items import items_of
from docproc.fields.paper import Candidate, Entry, Paper, Place
from docproc.fields.schema import PRESETS, Hint, checked, hint_of, preset, type_of
from docproc.fields.typed import fits, typed
from docproc.findings import Evidence
from docproc.geometry import Box
from docproc.labels import plain

__all__ = ["PRESETS", "Candidate", "Extraction", "Hint", "Paper", "extract", "find_field", "preset"]

Schema = Mapping[str, Any]
MOST_OF_A_KIND = 50
"""Values of a plain list."""


@dataclass(frozen=True)
class Extraction:
    """What a schema's values are in a document.

    `values` has every property of the schema, null where nothing was found. `evidence` and `confidence` have the JSON
    pointer of each value that is not null.
    """

    values: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as the JSON object of `docproc extract --json`."""
        return {
            "values": self.values,
            "evidence": {
                pointer: [{"page": one.page, "text": one.text, "box": one.box.as_list()} for one in some]
                for pointer, some in self.evidence.items()
            },
            "confidence": self.confidence,
        }


def extract(pages: Sequence[Page], schema: Schema) -> Extraction:
    """Return the values of a schema in a document; raise Rejected (code `bad-schema`) for one that cannot be used."""
    whole = checked(schema)
    filling = _Filling(Paper(pages))
    values = filling.object(whole, "", ())
    return Extraction(values, filling.evidence, filling.confidence)


class _Filling:
    """Fills in a schema, and notes on what each value rests."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self.evidence: dict[str, tuple[Evidence, ...]] = {}
        self.confidence: dict[str, float] = {}

    def object(self, schema: Schema, pointer: str, parents: tuple[str, ...]) -> dict[str, Any]:
        """Return the values of an object's properties."""
        return {
            name: self._value(name, part, f"{pointer}/{_escaped(name)}", parents)
            for name, part in schema.get("properties", {}).items()
        }

    def _value(self, name: str, schema: Schema, pointer: str, parents: tuple[str, ...]) -> Any:
        kind = type_of(schema)
        if kind == "object":
            return self.object(schema, pointer, (*parents, name))
        if kind == "array":
            return self._list(name, schema, pointer, parents)
        hint = hint_of(name, schema, parents)
        found = self._checked(hint) or find_field(self._paper, hint)
        return self._noted(found, hint, pointer)

    def _list(self, name: str, schema: Schema, pointer: str, parents: tuple[str, ...]) -> list[Any]:
        inside = schema.get("items")
        if not isinstance(inside, dict):
            return []
        if type_of(inside) != "object":
            hint = hint_of(
                name, inside | {key: schema[key] for key in ("title", "description") if key in schema}, parents
            )
            every = list(self._every(hint))[:MOST_OF_A_KIND]
            return [self._noted(one, hint, f"{pointer}/{place}") for place, one in enumerate(every)]
        parts = {
            key: part
            for key, part in inside.get("properties", {}).items()
            if type_of(part) not in ("object", "array")
        }
        hints = {key: hint_of(key, part) for key, part in parts.items()}
        rows = self._labels(hints) if _label_and_value(hints) != ("", "") else items_of(self._paper, hints)
        return [
            {
                key: self._noted(row.get(key), hints[key], f"{pointer}/{place}/{_escaped(key)}")
                if key in hints
                else None
                for key in inside.get("properties", {})
            }
            for place, row in enumerate(rows)
        ]

    def _every(self, hint: Hint) -> Iterator[Candidate]:
        """Yield every value that a plain list asks for: those of labels that name it."""
        for entry in self._paper.entries:
            if any(entry.score(role) >= 0.9 for role in hint.roles[:2]) or plain(entry.pair.key) in hint.wordings:
                candidate = _as_candidate(self._paper, entry)
                if fits(candidate, hint, self._paper):
                    yield candidate

    def _checked(self, hint: Hint) -> Candidate | None:
        """Return whether the box with this label is ticked, or which of the choices is."""
        for entry in self._paper.checks:
            label = plain(entry.pair.key)
            if hint.kind == "boolean" and label and label in hint.wordings:
                return _as_candidate(self._paper, entry, "yes" if entry.pair.checked else "no")
            if entry.pair.checked and any(plain(str(choice)) == label for choice in hint.choices):
                return _as_candidate(self._paper, entry, entry.pair.key)
        return None

    def _labels(self, hints: Mapping[str, Hint]) -> list[dict[str, Candidate]]:
        """Return the pairs of a document as rows; with a boolean among the properties, its check boxes."""
        flag = next((name for name, hint in hints.items() if hint.kind == "boolean"), None)
        label, value = _label_and_value(hints)
        rows = []
        for entry in self._paper.checks if flag else self._paper.entries:
            key = Candidate(entry.pair.key, self._paper.places(entry.page, entry.pair.key_word_ids), 1.0)
            said = _as_candidate(self._paper, entry, ("yes" if entry.pair.checked else "no") if flag else "")
            rows.append({label: key, flag or value: said})
        return rows

    def _noted(self, found: Candidate | None, hint: Hint, pointer: str) -> Any:
        value = None if found is None else typed(found, hint, self._paper)
        if found is None or value is None:
            return None
        self.evidence[pointer] = tuple(_evidence(found.places))
        self.confidence[pointer] = round(min(found.confidence, 1.0), 3)
        return value


def _as_candidate(paper: Paper, entry: Entry, text: str = "") -> Candidate:
    sure = entry.pair.confidence if entry.pair.confidence is not None else 0.5
    ids = entry.pair.value_word_ids or entry.pair.key_word_ids
    return Candidate(text or entry.pair.value, paper.places(entry.page, ids), sure)


def _label_and_value(hints: Mapping[str, Hint]) -> tuple[str, str]:
    """Return the properties for label and value when a list asks for pairs of whatever label, else two empty ones."""
    label = next((name for name, hint in hints.items() if hint.wordings[0] in ("label", "key", "field")), "")
    value = next(
        (name for name, hint in hints.items() if hint.wordings[0] in ("value", "text", "checked", "ticked")), ""
    )
    return (label, value) if label and value else ("", "")


def _evidence(places: Sequence[Place]) -> Iterator[Evidence]:
    """Yield the words that a value rests on, those of a line together."""
    run: list[Place] = []
    for place in places:
        if run and (place[0] != run[-1][0] or not _beside(run[-1][1].box, place[1].box)):
            yield _joined(run)
            run = []
        run.append(place)
    if run:
        yield _joined(run)


def _joined(run: Sequence[Place]) -> Evidence:
    return Evidence(run[0][0], " ".join(word.text for _, word in run), Box.union(word.box for _, word in run))


def _beside(one: Box, other: Box) -> bool:
    level = min(one.bottom, other.bottom) - max(one.top, other.top) > 0.4 * min(one.height, other.height)
    return level and other.left >= one.left and other.left - one.right < 3 * one.height


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
