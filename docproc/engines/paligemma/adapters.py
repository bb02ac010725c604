"""LoRA adapters beside a model in memory, one in use at a time: each batch has one, or none."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from docproc.engines.paligemma import lora
from docproc.engines.paligemma.loading import Loaded
from docproc.errors import EngineFailed, Unavailable, Usage, no_extra
from docproc.registry import Registry

KEPT = 8
"""Adapters kept in memory: of rank 16 in a 3B model, 50 MB each."""
_SLOT = "docproc_{}"
"""What peft calls them: names that people give may have dots, which modules cannot."""


class Adapters:
    """The adapters of one model; those that are asked for are loaded, and the last `KEPT` stay."""

    def __init__(self, loaded: Loaded, registry: Registry) -> None:
        self._loaded, self._registry = loaded, registry
        self._known: OrderedDict[str, tuple[str, lora.Adapter]] = OrderedDict()
        self._count = 0
        self._names = {lora.canonical(name): name for name, _ in loaded.model.named_modules()}

    def add(self, name: str) -> None:
        """Have the adapter of that name, or in that folder, ready; raises as `lora.check` does, "" is none."""
        if name and name not in self._known:
            adapter = lora.check(self._folder(name), self._loaded.checkpoint.folder)
            slot = _SLOT.format(self._count)
            self._count += 1
            while len(self._known) >= KEPT:
                _, (old, _) = self._known.popitem(last=False)
                self._loaded.model.delete_adapter(old)
            with torch.inference_mode(False):  # peft sets what only other tensors have
                self._load(adapter, slot)
            self._known[name] = slot, adapter

    def of_images(self, name: str) -> str:
        """Return `name` where the features of images depend on the adapter, else ""."""
        return name if name and self._known[name][1].images else ""

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Compute with that adapter, or with none, inside; outside there is always none."""
        if not name:
            yield
            return
        self.add(name)  # again, where others came in between
        self._known.move_to_end(name)
        self._switch(self._known[name][0])
        try:
            yield
        finally:
            self._switch("")

    def _switch(self, slot: str) -> None:
        """Turn on what one adapter changes and turn off all else.

        Those of transformers leave replaced modules off once they were, and fail for adapters that replace none.
        """
        from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: PLC0415  (as in `_load`)
        from peft.utils import ModulesToSaveWrapper  # noqa: PLC0415

        for module in self._loaded.model.modules():
            if isinstance(module, ModulesToSaveWrapper):
                has = slot in module.modules_to_save
            elif isinstance(module, BaseTunerLayer):
                has = slot in getattr(module, "lora_A", ())
            else:
                continue
            if has:
                module.set_adapter(slot, inference_mode=True)
            module.enable_adapters(has)

    def _folder(self, name: str) -> Path:
        card = self._registry.get(name)
        if card is None:
            if Path(name).is_dir():
                return Path(name)
            raise Unavailable(
                f"There is no adapter {name}.", hint="`docproc models list` shows them.", code="no-adapter"
            )
        if card.kind != "adapter":
            raise Usage(f"{name} is a model, no adapter.", hint="Ask it with --model.", code="wrong-adapter")
        if card.base_weights != self._loaded.checkpoint.version:
            there = self._registry.base_of(card).weights == card.base_weights
            raise Usage(
                f"The adapter {name} belongs to {card.base} with the weights {card.base_weights}; "
                f"this model has {self._loaded.checkpoint.version}.",
                hint=f"Ask it with --model {name}."
                if there
                else f"{card.base} has changed since: train the adapter again, on the weights there are now.",
                code="wrong-base",
            )
        return self._registry.path(card)

    def _load(self, adapter: lora.Adapter, slot: str) -> None:
        """Put the adapter beside the weights, under the names that modules have here, and look that all of it is."""
        try:
            from peft import LoraConfig  # noqa: PLC0415  (half a second, and only for adapters)
        except ModuleNotFoundError as error:
            raise no_extra("Adapters need", error) from error
        model = self._loaded.model
        tensors = load_file(adapter.folder / lora.WEIGHTS)
        config = LoraConfig.from_pretrained(str(adapter.folder))
        config.target_modules = sorted({self._names[lora.module_of(name)] for name in tensors if ".lora_" in name})
        state = {f"base_model.model.{_renamed(name, self._names)}": tensor for name, tensor in tensors.items()}
        with (
            torch.inference_mode(False),
            warnings.catch_warnings(),
        ):  # of there being several adapters, which is meant
            warnings.filterwarnings("ignore", "Already found a `peft_config`", UserWarning)
            warnings.filterwarnings("ignore", "TorchaoLoraLinear", UserWarning)  # cannot be merged, and never is
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
            model.load_adapter(adapter_name=slot, peft_config=config, adapter_state_dict=state)
        self._switch("")
        self._look(tensors, slot)

    def _look(self, tensors: dict[str, Any], slot: str) -> None:
        """Raise EngineFailed unless every tensor has arrived: names that are not known are passed over silently."""
        here = {
            lora.canonical(name.replace(f".{slot}", "")): weight
            for name, weight in self._loaded.model.named_parameters()
            if slot in name
        }
        for name, tensor in tensors.items():
            found = here.get(lora.canonical(name))
            if found is None or not torch.equal(found.detach().cpu(), tensor.to(found.dtype)):
                raise EngineFailed(
                    f"The adapter could not be put beside the model: {name} has no place.",
                    hint="Train it with a current version of peft.",
                    code="wrong-adapter",
                )


def _renamed(name: str, names: dict[str, str]) -> str:
    module = lora.module_of(name)
    _, _, rest = name.rpartition(".lora_")
    return f"{names[module]}.lora_{rest}" if ".lora_" in name else f"{names[module]}.{name.rpartition('.')[2]}"
