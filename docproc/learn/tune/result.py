"""What comes of a training: an adapter or a checkpoint in the registry, a new version that nobody uses yet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from docproc.engines.paligemma import lora
from docproc.engines.paligemma.loading import Loaded
from docproc.errors import Conflict, Unavailable, Usage
from docproc.learn.tune.parts import quiet
from docproc.learn.tune.plan import Method
from docproc.registry import Card, Located, Registry
from docproc.registry.folder import NAME
from docproc.registry.sources import describe

CURVE = "losses.svg"
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the result goes: the model `name` in `registry`, made from `base`."""

    registry: Registry
    name: str
    base: Located
    method: Method

    def check(self) -> None:
        """Raise Usage or Conflict where a result could not be registered under that name, before it is trained."""
        if not NAME.fullmatch(self.name):
            raise Usage(
                f"{self.name!r} is no name for a model.", hint="Letters, digits, dots, dashes and underscores."
            )
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
        self, loaded: Loaded, model: Any, curve: str, about: Mapping[str, Any], prompts: Mapping[str, str]
    ) -> Card:
        """Register what was trained as a new version, with its card and curve; return the card."""
        base = self.base.card
        source = base.name if base else str(self.base.folder)
        card = Card(
            name=self.name, kind="paligemma", source=f"fine-tuned from {source}", about=dict(about),
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            licence=base.licence if base else "", prompts={**(base.prompts if base else {}), **prompts},
        )  # fmt: skip
        with self.registry.staged() as staged:
            try:
                if self.method == "full":
                    _write_checkpoint(staged, loaded)
                    card = describe(staged, card, loaded.checkpoint.variant)
                else:
                    card = _write_adapter(staged, loaded, model, card, base)
                (staged / CURVE).write_text(curve, "utf-8")
            except OSError as error:
                raise Unavailable(
                    f"The result could not be written to {self.registry.root}: {error}.",
                    hint="Make room and give the same command again: what was trained is kept.",
                    code="disk-full",
                ) from error
            return self.registry.put(staged, card, promote=False)


def _write_adapter(staged: Path, loaded: Loaded, model: Any, card: Card, base: Card | None) -> Card:
    if base is None:
        raise TypeError("adapters are of registered models")
    with quiet():
        model.save_pretrained(staged, save_embedding_layers=False)
    (staged / "README.md").unlink(missing_ok=True)  # peft's, with blanks to fill in
    config = json.loads((staged / lora.CONFIG).read_text("utf-8"))
    config["base_model_name_or_path"] = base.name
    (staged / lora.CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")
    found = lora.check(staged, loaded.checkpoint.folder)
    return replace(
        card, kind="adapter", weights=found.weights, variant=base.variant, generation=base.generation, side=base.side,
        base=base.name, base_weights=base.weights,
    )  # fmt: skip


def _write_checkpoint(staged: Path, loaded: Loaded) -> None:
    """Write all weights in the numbers that the base is stored in, and the base's tokenizer and processor."""
    dtype = DTYPES[loaded.checkpoint.dtype]
    state = {name: tensor.to(dtype) for name, tensor in loaded.model.state_dict().items()}
    loaded.model.config.dtype = dtype
    with quiet():
        loaded.model.save_pretrained(staged, state_dict=state, max_shard_size="50GB")
    written = {path.name for path in staged.iterdir()}
    for path in loaded.checkpoint.folder.iterdir():
        is_weights = (
            path.name.endswith((".safetensors", ".safetensors.index.json", ".svg")) or path.name == "card.json"
        )
        if path.is_file() and path.name not in written and not is_weights:
            shutil.copyfile(path, staged / path.name)
    side = loaded.model.config.vision_config.image_size
    tokens = (side // loaded.model.config.vision_config.patch_size) ** 2
    for name in ("processor_config.json", "preprocessor_config.json"):
        if (staged / name).is_file():
            found = json.loads((staged / name).read_text("utf-8"))
            images = found.get("image_processor", found)
            if "size" in images:
                images["size"] = {"height": side, "width": side}
            if "image_seq_length" in images:
                images["image_seq_length"] = tokens
            (staged / name).write_text(json.dumps(found, indent=2) + "\n", "utf-8")
