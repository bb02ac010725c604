"""One or two models measured on a dataset: opened one after the other, asked the same, compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docproc.errors import Usage
from docproc.evaluate import compare_report
from docproc.evaluate.asking import Measured, measure
from docproc.evaluate.compare import as_json, changed
from docproc.learn.dataset import SPLITS, Example, read
from docproc.settings import Settings
from docproc.tasks.pages import Model
from docproc.vision import Choice, choose, load

ALL = "all"
Done = Callable[[str, int, int], None]
"""Told now and then: the model, how many examples it has done, of how many."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Examples to measure on; `sha256` names all that they say and show."""

    name: str
    examples: tuple[Example, ...]
    sha256: str

    @property
    def about(self) -> str:
        """A line on what it is."""
        documents = len({one.document for one in self.examples})
        return f"{self.name}: {len(self.examples)} examples of {documents} documents, sha256 {self.sha256[:12]}"


def is_dataset(folder: Path) -> bool:
    """Say whether a folder holds a dataset, and no set of labelled documents."""
    return any((folder / f"{split}.jsonl").is_file() for split in SPLITS)


def open_dataset(folder: Path, split: str = "test", limit: int | None = None) -> Dataset:
    """Return the examples of a split of a dataset, or of "all", the first `limit`.

    Raises Usage when there are none, or they are damaged.
    """
    if split == ALL and is_dataset(folder):
        return dataset_of(f"{folder.resolve().name}, all splits", list(read(folder))[:limit])
    path = folder / f"{split}.jsonl"
    if not path.is_file():
        there = [one for one in SPLITS if (folder / f"{one}.jsonl").is_file()]
        hint = f"There is {', '.join(there)}; name another with --split."
        hint = hint if there else f"Of labelled documents it is made by: docproc dataset export DIR --labels {folder}"
        raise Usage(f"{folder} has no {path.name}.", hint=hint)
    return dataset_of(f"{folder.resolve().name}, {split}", list(read(path))[:limit])


def dataset_of(name: str, examples: Sequence[Example]) -> Dataset:
    """Return examples with the hash of what they say and show; raise Usage when there are none."""
    if not examples:
        raise Usage(f"There are no examples in {name}.", hint="Take another set, or another split of it.")
    whole = hashlib.sha256()
    shown: dict[Path, str] = {}
    for one in examples:
        for path in filter(None, (one.image, one.masks)):
            shown.setdefault(path, hashlib.sha256(path.read_bytes()).hexdigest())
        files = [shown[path] for path in filter(None, (one.image, one.masks))]
        whole.update(json.dumps([files, one.prefix, one.suffix, one.task, one.document, one.kind]).encode())
    return Dataset(name, tuple(examples), whole.hexdigest())


def measure_models(
    settings: Settings, models: Sequence[str], data: Dataset, *, engine: str = "", done: Done = lambda *_: None
) -> list[Measured]:
    """Ask one or two models, by name or NAME@VERSION, what a dataset asks; one is in memory at a time.

    Things can be segmented only by models that have a decoder of masks: where one has none, those examples are left
    out for both. Raises what opening and asking models does, and Usage when both are the same.
    """
    choices = [choose(settings, engine=engine, model=name) for name in models]
    if len(choices) > 1 and choices[0] == choices[1]:
        raise Usage(f"{models[0]} and {models[1]} are both {choices[0].model}.", hint="Name versions like NAME@2.")
    able = all(choice.masks for choice in choices)
    examples = [one for one in data.examples if able or one.task != "segment"]
    if not examples:
        raise Usage("Only masks are asked for, and there is no decoder of masks.", hint="Add vae-oid.npz.")
    found = []
    for choice in choices:

        def told(count: int, name: str = choice.model) -> None:
            done(name, count, len(examples))

        found.append(measure(choice.model, _opened(settings, choice), examples, done=told))
    return found


def to_json(models: Sequence[Measured], data: Dataset) -> dict[str, Any]:
    """Return everything as JSON values: the figures, and with two models every example that differs."""
    moved = changed(models[0].scored, models[1].scored) if len(models) > 1 else []
    return {
        "schema_version": "1.0",
        "on": {"name": data.name, "sha256": data.sha256, "examples": len(models[0].scored)},
        "models": [{"name": one.name, "engine": one.engine} for one in models],
        "figures": as_json(compare_report.rows(models)),
        "changed": [
            {
                "gain": round(gain, 4),
                "document": first.example.document,
                "kind": first.example.kind,
                "prefix": first.example.prefix,
                "right": first.example.suffix,
                "first": first.text,
                "second": second.text,
            }
            for gain, first, second in moved
        ],
    }


@contextmanager
def _opened(settings: Settings, choice: Choice) -> Iterator[Model]:
    model = load(settings, choice)
    try:
        yield model
    finally:
        if close := getattr(model.engine, "close", None):
            close()
