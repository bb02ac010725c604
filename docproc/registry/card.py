"""What is known of a registered model: a frozen value, and its JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from docproc.errors import DocprocError

CARD = "card.json"
Kind = Literal["paligemma", "exported", "adapter", "masks"]
"""A whole checkpoint; one exported for OpenVINO; a LoRA adapter beside one; the decoder of masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One version of a registered model.

    `files` are relative path -> SHA-256. `weights` names the very weights (see `checkpoint.check`); `side` is in
    pixels. For an adapter `base` is the name of the model it belongs to, `base_weights` the weights of that model,
    and `tasks` are those it answers when its base is asked. `about` holds what others add: data, recipe, figures.
    Version 0 is what comes with the package.
    """

    name: str
    kind: Kind
    source: str
    added: str
    version: int = 1
    revision: str = ""
    licence: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    generation: int = 0
    side: int = 0
    dtype: str = ""
    parameters: int = 0
    weights: str = ""
    base: str = ""
    base_weights: str = ""
    tasks: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """This very version, as `--model` takes it: NAME@3."""
        return f"{self.name}@{self.version}"

    def write(self, folder: Path) -> None:
        """Write it into `folder`."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Card:
        """Return that of `folder`; keys of later versions are passed over. Raises DocprocError when it is damaged."""
        path = folder / CARD
        try:
            found = json.loads(path.read_text("utf-8"))
            card = cls(**{key: value for key, value in found.items() if key in {one.name for one in fields(cls)}})
            if card.kind not in get_args(Kind):
                raise ValueError(f"the kind {card.kind}")
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DocprocError(
                f"The card of a model, {path}, is damaged: {error}.",
                hint="Remove the model and add it again.",
                code="model-damaged",
            ) from error
        return cls(**{**{one.name: getattr(card, one.name) for one in fields(cls)}, "tasks": tuple(card.tasks)})
