"""What comes of a training: an adapter or a checkpoint in the registry, a new version that nobody uses yet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docproc.engines.paligemma import lora
from docproc.engines.paligemma.checkpoint import Checkpoint
from docproc.errors import Conflict, Unavailable, Usage
from docproc.learn.mask_codes import BESIDE
from docproc.learn.tune.plan import Method
from docproc.registry import Card, Located, Registry
from docproc.registry.card import CARD
from docproc.registry.sources import describe

CURVE = "losses.svg"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the result goes: the model `name` in `registry`, made from `base`."""

    registry: Registry
    name: str
    base: Located
    method: Method

    def check(self) -> None:
        """Raise Usage or Conflict where a result could not be registered under that name, before it is trained."""
        self.registry.check_name(self.name)
        if self.base.adapter:
            raise Usage(
                f"{self.base.adapter.name} is an adapter of {self.base.adapter.base}; only models can be trained.",
                hint=f"Give --model {self.base.adapter.base}.",
                code="wrong-base",
            )
        base = self.base.card
        if base is not None and base.kind != "paligemma":
            raise Usage(
                f"{base.name} is no checkpoint to train.", hint="`docproc models list` shows them.", code="wrong-base"
            )
        if self.method != "full" and base is None:
            raise Unavailable(
                f"An adapter needs a registered base; {self.base.folder} is a folder.",
                hint=f"Add it with `docproc models add {self.base.folder}`, and give its name with --model.",
                code="no-base",
            )
        kind = "paligemma" if self.method == "full" else "adapter"
        for card in self.registry.versions(self.name):
            if card.kind != kind or (base is not None and card.base not in ("", base.name)):
                what = f"an adapter of {card.base}" if card.kind == "adapter" else f"a model ({card.kind})"
                raise Conflict(
                    f"{self.name} is {what} already.", hint="Choose another name with --name.", code="wrong-base"
                )

    def put(
        self, base_is: Checkpoint, write: Callable[[Path], None], curve: str, about: Mapping[str, Any],
        prompts: Mapping[str, str],
    ) -> Card:  # fmt: skip
        """Register what was trained from `base_is` as a new version, with its card and curve; return the card.

        `write` puts the files of an adapter, or of a checkpoint, into a folder.
        """
        base = self.base.card
        source = base.name if base else str(self.base.folder)
        card = Card(
            name=self.name, kind="paligemma", source=f"fine-tuned from {source}", about=dict(about),
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            licence=base.licence if base else "", prompts={**(base.prompts if base else {}), **prompts},
        )  # fmt: skip
        with self.registry.staged() as staged:
            try:
                write(staged)
                if self.method == "full" or base is None:
                    card = describe(staged, card, base_is.variant)
                else:
                    card = replace(
                        card, kind="adapter", weights=lora.check(staged, base_is.folder).weights, base=base.name,
                        variant=base.variant, generation=base.generation, side=base.side, base_weights=base.weights,
                    )  # fmt: skip
                (staged / CURVE).write_text(curve, "utf-8")
            except OSError as error:
                raise Unavailable(
                    f"The result could not be written to {self.registry.root}: {error}.",
                    hint="Make room and give the same command again: what was trained is kept.",
                    code="disk-full",
                ) from error
            return self.registry.put(staged, card, promote=False)


def copy_companions(base: Path, target: Path) -> None:
    """Copy what a checkpoint's folder holds beside weights and is not in `target`: tokenizer, processor, masks."""
    written = {path.name for path in target.iterdir()}
    for path in base.iterdir():
        is_own = path.name != BESIDE and path.name.endswith((".safetensors", ".safetensors.index.json", ".svg"))
        if path.is_file() and path.name not in written and not is_own and path.name != CARD:
            shutil.copyfile(path, target / path.name)
