"""What of a model is trained: adapters beside some weights, or some of the weights themselves."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from docproc.engines.paligemma.loading import Loaded
from docproc.engines.paligemma.quantize import quantize
from docproc.errors import Unavailable, Usage, no_extra
from docproc.learn.tune.plan import Plan

_LORA = {
    # never the bare names of modules: the vision tower has a q_proj, k_proj and v_proj too
    "decoder": r".*language_model\..*\.(?:q|k|v|o|gate|up|down)_proj",
    "projector": r".*multi_modal_projector\.linear",
    "vision": r".*vision_tower\..*\.(?:q_proj|k_proj|v_proj|out_proj|fc1|fc2)",
}
_WHERE = {
    "vision": re.compile(r"\bvision_tower\."),
    "projector": re.compile(r"\bmulti_modal_projector\."),
    "embeddings": re.compile(r"\bembed_tokens\."),
    "decoder": re.compile(r"\blanguage_model\."),  # what is left of it
}


def prepare(loaded: Loaded, plan: Plan) -> Any:
    """Return the model of `loaded`, changed so that only what the plan trains asks for gradients.

    Weights that are trained are float32 whatever the others are. With adapters what is returned is a PeftModel around
    it. Raises Unavailable when a package is missing, Usage where weights cannot be of 4 bits.
    """
    torch.manual_seed(plan.seed)  # of adapters
    model = loaded.model
    for weight in model.parameters():
        weight.requires_grad_(False)
    tuned = model if plan.method == "full" else _adapted(loaded, plan)
    if plan.method == "full":
        for name, weight in model.named_parameters():
            weight.requires_grad_(part_of(name) not in plan.frozen)
    for weight in trained(tuned).values():
        weight.data = weight.data.float()
    if plan.checkpointing:
        with quiet():
            model.gradient_checkpointing_enable({"use_reentrant": False})
    if plan.dropout:
        _drop(model, plan.dropout)
    return tuned.train()


def part_of(name: str) -> str:
    """Return to which of `plan.PARTS` the parameter of that name belongs."""
    return next((part for part, pattern in _WHERE.items() if pattern.search(name)), "embeddings")


def trained(model: Any) -> dict[str, Any]:
    """Return name -> parameter of what is trained, each once."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def resize(loaded: Loaded, side: int) -> None:
    """Have the model take pictures of `side` pixels: its image positions are interpolated, as P1 did between stages.

    Raises Usage when patches do not fill that side.
    """
    vision = loaded.model.model.vision_tower
    settings = vision.config
    if side % settings.patch_size:
        raise Usage(
            f"{side} pixels are no multiple of {settings.patch_size}, the side of a patch.",
            hint="224, 448 and 896 are.",
        )
    embeddings = next(module for module in vision.modules() if hasattr(module, "position_embedding"))
    table = embeddings.position_embedding.weight
    old, new = math.isqrt(len(table)), side // settings.patch_size
    grid = table.detach().float().T.reshape(1, -1, old, old)
    wide = functional.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    embeddings.position_embedding = torch.nn.Embedding.from_pretrained(
        wide.reshape(-1, new * new).T.contiguous().to(table.dtype), freeze=False
    ).to(table.device)
    embeddings.image_size, embeddings.num_patches, embeddings.num_positions = side, new * new, new * new
    embeddings.register_buffer("position_ids", torch.arange(new * new, device=table.device)[None], persistent=False)
    settings.image_size = loaded.model.config.vision_config.image_size = side
    loaded.model.config.vision_config.num_image_tokens = new * new
    loaded.model.config.text_config.num_image_tokens = new * new
    loaded.images.size = {"height": side, "width": side}
    loaded.images.image_seq_length = new * new


def _adapted(loaded: Loaded, plan: Plan) -> Any:
    try:
        from peft import LoraConfig, get_peft_model  # noqa: PLC0415  (half a second, and only for adapters)
    except ModuleNotFoundError as error:
        raise no_extra("Adapters need", error) from error
    if plan.method == "qlora":
        _shrink(loaded)
    targets = "|".join(f"(?:{pattern})" for part, pattern in _LORA.items() if part not in plan.frozen)
    settings = LoraConfig(r=plan.rank, lora_alpha=2 * plan.rank, target_modules=targets, bias="none")
    with quiet():
        return get_peft_model(loaded.model, settings)


def _shrink(loaded: Loaded) -> None:
    """Put the language model into 4 bits, where it is."""
    device = loaded.model.device
    quantize(loaded.model, "int4")
    from bitsandbytes.nn import Linear4bit  # noqa: PLC0415  (only for weights of 4 bits)

    if not any(isinstance(module, Linear4bit) for module in loaded.model.modules()):
        raise Usage(
            "No layer of this model can be of 4 bits: their sides are no multiples of 64.",
            hint="Take --method lora: so small a model needs no more memory for it.",
            code="no-qlora",
        )
    try:
        loaded.model.to("cpu").to(device)
        if device.type == "cpu":  # where nothing else makes them small
            for module in loaded.model.modules():
                if isinstance(module, Linear4bit):
                    module.weight = module.weight.to("cpu")
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        raise Unavailable(
            f"bitsandbytes cannot compute with weights of 4 bits here ({str(error)[:100]}).",
            hint="Take --method lora, or a machine with an NVIDIA GPU.",
            code="no-qlora",
        ) from error


def _drop(model: Any, share: float) -> None:
    """Have a share of what attention and MLP of the decoder say dropped, as big_vision's models/ppp/gemma.py does."""

    def hook(module: Any, _: Any, output: Any) -> Any:
        first, rest = (output[0], output[1:]) if isinstance(output, tuple) else (output, None)
        dropped = functional.dropout(first, share, module.training)
        return dropped if rest is None else (dropped, *rest)

    for layer in model.model.language_model.layers:
        layer.self_attn.register_forward_hook(hook)
        layer.mlp.register_forward_hook(hook)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out warnings of peft and transformers that are about each other."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`(?:is_)?gradient_checkpointing", FutureWarning)
        warnings.filterwarnings("ignore", ".*tie_word_embeddings.*", UserWarning)
        warnings.filterwarnings("ignore", ".*use_reentrant.*", UserWarning)
        yield
