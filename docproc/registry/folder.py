"""The folder of registered models, and finding the one that a name means."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docproc.errors import Conflict, Unavailable, Usage
from docproc.registry.card import CARD, Card
from docproc.registry.current import FILE as CURRENT
from docproc.registry.current import Current
from docproc.settings import Settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SIDES = (224, 448, 896)
STAGING = ".adding-"
BUILT_IN = Path(__file__).parents[1] / "engines" / "weights"
"""Models that come with the package, each in a folder of its name with a card of version 0."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model lies. `card` is None for a folder that is not registered; `adapter` is that of one, else None."""

    folder: Path
    card: Card | None = None
    adapter: Card | None = None


class Registry:
    """The registered models of a data folder. Holds nothing: every call reads what is there now."""

    def __init__(self, settings: Settings) -> None:
        self.root = settings.data_dir.expanduser() / "models"

    def cards(self) -> list[Card]:
        """Return the card of the version in use of every model, by name; those that come with the package too."""
        there = self.root.iterdir() if self.root.is_dir() else ()
        names = built_in() | {path.name for path in there if (path / CURRENT).is_file()}
        return [card for name in sorted(names) if (card := self.get(name))]

    def get(self, name: str) -> Card | None:
        """Return the card of the version in use, of NAME@3 that of version 3; None when there is none.

        Version 0 is the one that comes with the package, in use as long as there is no other.
        """
        name, at, number = name.partition("@")
        if not NAME.fullmatch(name):
            return None
        number = number if at else str(self.current(name).version)
        if number == "0":
            return Card.read(BUILT_IN / name) if name in built_in() else None
        there = number.isdecimal() and (self.root / name / number / CARD).is_file()
        return Card.read(self.root / name / number) if there else None

    def names(self) -> list[str]:
        """Return the names of all models that were added, also of those of which no version is in use yet."""
        if not self.root.is_dir():
            return []
        return sorted(
            path.name for path in self.root.iterdir() if NAME.fullmatch(path.name) and self._added(path.name)
        )

    def versions(self, name: str) -> list[Card]:
        """Return the cards of all versions, oldest first; none for a name that no model has."""
        if not NAME.fullmatch(name):
            return []
        first = [Card.read(BUILT_IN / name)] if name in built_in() else []
        return first + [Card.read(self.root / name / str(number)) for number in self._added(name)]

    def current(self, name: str) -> Current:
        """Return which version of a model is in use, which were before, and why it changed each time."""
        return Current.read(self.root / name) if NAME.fullmatch(name) else Current()

    def path(self, card: Card) -> Path:
        """Return the folder of a version."""
        if not card.version:
            return BUILT_IN / card.name
        return self.root / card.name / str(card.version)

    def locate(self, model: str, *, side: int = 0) -> Located:
        """Return where `model` lies: the name of a registered one, the beginning of several names, or a folder.

        `paligemma2-3b-mix` is the beginning of `paligemma2-3b-mix-448` and its like, of which the smallest whose
        input has `side` pixels is taken, or the largest there is. The name of an adapter is its base with it.
        Raises Unavailable when there is none.
        """
        card = self.get(model) or self._sized(model, side)
        if card is None:
            if model and Path(model).expanduser().is_dir():
                return Located(Path(model).expanduser())
            if waiting := self.versions(model):  # a fine-tune that nobody promoted yet
                raise Unavailable(
                    f"No version of {model} is in use yet.",
                    hint=f"`docproc models promote {model}` does that; --model {waiting[-1].id} tries the newest.",
                    code="not-promoted",
                )
            known = ", ".join(one.name for one in self.cards()) or "none"
            raise Unavailable(
                f"There is no checkpoint in {model}, and no registered model of that name.",
                hint=f"`docproc models add` adds one; there are: {known}.",
                code="no-checkpoint",
            )
        if card.kind == "adapter":
            base = self.base_of(card)
            return Located(self.path(base), base, card)
        return Located(self.path(card), card)

    def adapters(self, base: Card) -> list[Card]:
        """Return the adapters that belong to a model."""
        return [card for card in self.cards() if card.kind == "adapter" and card.base == base.name]

    def base_of(self, adapter: Card) -> Card:
        """Return the model of an adapter: of its versions the one in use, or that with the weights it was made for.

        Raises Unavailable when the model is not here.
        """
        now, others = self.get(adapter.base), self.versions(adapter.base)
        fits = [one for one in (now, *others) if one and one.weights == adapter.base_weights]
        base = fits[0] if fits else now
        if base is None:
            raise Unavailable(
                f"The adapter {adapter.name} belongs to {adapter.base}, which is not here.",
                hint="Add that model again under the same name.",
                code="no-checkpoint",
            )
        return base

    def masks(self) -> Path | None:
        """Return the registered decoder of masks."""
        found = next((card for card in self.cards() if card.kind == "masks"), None)
        return self.path(found) / "vae-oid.npz" if found else None

    @contextmanager
    def staged(self, key: str = "") -> Iterator[Path]:
        """Yield an empty folder to put a model's files in; `put` makes a version of it, else it is gone.

        With a `key` it stays when something goes wrong, and the next one with that key goes on with what it holds.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if key:
            folder = self.root / (STAGING + hashlib.sha256(key.encode()).hexdigest()[:16])
            folder.mkdir(exist_ok=True)
            yield folder
        else:
            folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=self.root))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def put(self, staged: Path, card: Card, *, promote: bool = True) -> Card:
        """Make the staged files the next version of the model `card.name`; return its card, with hashes and number.

        The first version is in use at once unless `promote` is False, later ones when they are promoted.
        """
        self.check_name(card.name)
        home = self.root / card.name
        home.mkdir(parents=True, exist_ok=True)
        files = hashes(staged)
        number = max(self._added(card.name), default=0)
        while True:
            number += 1
            numbered = replace(card, version=number, files=files)
            numbered.write(staged)
            try:
                staged.rename(home / str(number))
                break
            except OSError:  # another process was faster
                if not (home / str(number)).exists():
                    raise
        if promote and not (home / CURRENT).exists():
            self.promote(card.name, number, by="added")
        return numbered

    def check_name(self, name: str) -> None:
        """Raise Usage where `name` is none for a model, Conflict where it is that of one that comes with docproc."""
        if not NAME.fullmatch(name):
            raise Usage(
                f"{name!r} is no name for a model.",
                hint="Letters, digits, dots, dashes and underscores; give one with --name.",
            )
        if name in built_in():
            raise Conflict(
                f"{name} is the name of a model that comes with docproc.",
                hint="Choose another name with --name.",
                code="name-taken",
            )

    def check_free(self, name: str) -> None:
        """Raise Conflict when a model has that name."""
        if self.versions(name):
            raise Conflict(
                f"There is a model called {name} already.", hint="Choose another name with --name.", code="name-taken"
            )

    def promote(self, name: str, version: int, *, by: str = "promote", why: Mapping[str, Any] | None = None) -> None:
        """Use that version from now on; `why` (JSON values) is kept with the change. Raises Usage for no version."""
        if self.get(f"{name}@{version}") is None:
            raise Usage(
                f"The model {name} has no version {version}.", hint=f"`docproc models show {name}` shows them."
            )
        self.current(name).using(version, by=by, why=why or {}).write(self.root / name)

    def rollback(self, name: str, *, why: Mapping[str, Any] | None = None) -> int:
        """Use the version that was used before; return its number. Raises Usage when there was none."""
        before = self.current(name).before
        if not before:
            raise Usage(
                f"No version of {name} was used before the one that is.",
                hint="`docproc models list` shows the models, `docproc models show` the versions of one.",
            )
        self.promote(name, before[0], by="rollback", why=why)
        return before[0]

    def remove(self, name: str) -> None:
        """Remove a model with all its versions.

        Raises Unavailable when there is none, Conflict while adapters belong to it, or when it comes with docproc.
        """
        if name in built_in() and not self._added(name):
            raise Conflict(
                f"{name} comes with docproc and cannot be removed.",
                hint="It takes no part in anything unless it is named.",
                code="model-built-in",
            )
        if not self.versions(name):
            raise Unavailable(f"There is no model {name}.", hint="`docproc models list` shows them.")
        cards = [card for one in self.names() for card in self.versions(one)]
        if bound := sorted({card.name for card in cards if card.kind == "adapter" and card.base == name}):
            raise Conflict(f"{', '.join(bound)} belong to {name}.", hint="Remove them first.", code="model-in-use")
        gone = Path(tempfile.mkdtemp(prefix=STAGING, dir=self.root))
        (self.root / name).rename(gone / name)
        shutil.rmtree(gone)

    def damaged(self, card: Card) -> list[str]:
        """Return the files of a version that are missing or not as they were when it was added."""
        now = hashes(self.path(card))
        return sorted(name for name, digest in card.files.items() if now.get(name) != digest)

    def _added(self, name: str) -> list[int]:
        """Return the numbers of the versions that lie in the data folder."""
        folder = self.root / name
        return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []

    def _sized(self, family: str, side: int) -> Card | None:
        found = [card for one in SIDES if (card := self.get(f"{family}-{one}"))]
        enough = [card for card in found if card.side >= side]
        return enough[0] if enough else found[-1] if found else None


def built_in() -> set[str]:
    """Return the names of the models that come with the package."""
    return {path.parent.name for path in BUILT_IN.glob(f"*/{CARD}")}


def hashes(folder: Path) -> dict[str, str]:
    """Return relative path -> SHA-256 of every file in a folder but the card."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / CARD)
    found = {}
    for path in files:
        with path.open("rb") as stream:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
