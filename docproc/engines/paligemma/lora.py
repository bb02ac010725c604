"""What lies in the folder of a LoRA adapter, told without loading it: nothing here imports torch or peft."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docproc.engines.paligemma.checkpoint import read_json, read_tensors, tensor_headers
from docproc.errors import Unavailable, Usage

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_PART = re.compile(r"^(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight$")
_UNNAMED = frozenset({"base_model", "model", "vision_model", "default", "modules_to_save", "original_module"})


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter on disk.

    `modules` are those it changes, named as `canonical` does; `images` says whether the features of images depend
    on it; `base` is the model it says it was trained on; `weights` names its very weights.
    """

    folder: Path
    base: str
    rank: int
    modules: frozenset[str]
    images: bool
    weights: str


def check(folder: Path, base: Path) -> Adapter:
    """Return the adapter in `folder`, which must fit the checkpoint in `base`, tensor by tensor.

    Raises Unavailable when something is missing, Usage when it is damaged, no LoRA, or for another model.
    """
    config = read_json(folder / CONFIG)
    if config.get("peft_type") != "LORA" or config.get("use_dora"):
        raise Usage(
            f"{folder} holds an adapter of type {config.get('peft_type')!r}, no plain LoRA.",
            hint="Only LoRA adapters in the format of peft can be added.",
            code="wrong-adapter",
        )
    if not (folder / WEIGHTS).is_file():
        raise Unavailable(
            f"{folder / WEIGHTS} is missing.", hint="Save the adapter as safetensors.", code="incomplete"
        )
    tensors = {name: tuple(header["shape"]) for name, header in tensor_headers(folder / WEIGHTS).items()}
    held = {canonical(name): tuple(one["shape"]) for name, one in read_tensors(base).items()}
    changed = _check_shapes(folder, tensors, held)
    return Adapter(
        folder=folder,
        base=str(config.get("base_model_name_or_path") or ""),
        rank=int(config.get("r") or 0),
        modules=frozenset(changed),
        images=any(not name.startswith("language_model.") for name in changed),
        weights=hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12],
    )


def canonical(name: str) -> str:
    """Return the name of a tensor or module without what differs between versions of transformers and peft."""
    return ".".join(part for part in name.split(".") if part not in _UNNAMED)


def module_of(name: str) -> str:
    """Return the canonical module that a tensor of an adapter changes."""
    found = _PART.match(name)
    return canonical(found["module"] if found else name.rpartition(".")[0])


def _check_shapes(
    folder: Path, tensors: Mapping[str, tuple[int, ...]], held: Mapping[str, tuple[int, ...]]
) -> set[str]:
    """Return the modules that are changed; raise Usage unless every one is in the base, as wide and as high."""
    changed = set()
    for name, shape in tensors.items():
        part = _PART.match(name)
        module = module_of(name)
        weight = held.get(f"{module}.weight" if part else canonical(name))
        if weight is None:
            raise _other_base(folder, f"the base has no {module}")
        # A is (rank, inputs), B (outputs, rank) of a weight that is (outputs, inputs)
        fits = (
            shape == weight
            if part is None
            else shape[1] == weight[1]
            if part["side"] == "A"
            else shape[0] == weight[0]
        )
        if not fits:
            raise _other_base(folder, f"{module} is {weight} there and {shape} here")
        changed.add(module)
    if not changed:
        raise Usage(f"The adapter in {folder} is empty.", hint="Save it again.", code="wrong-adapter")
    return changed


def _other_base(folder: Path, why: str) -> Usage:
    return Usage(
        f"The adapter in {folder} was trained on another model: {why}.",
        hint="Give the model it was trained on with --base.",
        code="wrong-base",
    )
