"""LoRA in JAX: `NAME:a` and `NAME:b` beside the array NAME, and as peft stores them, a pair per matrix and layer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from docproc.engines.paligemma import lora
from docproc.learn.jax.model import BLOCK, LAYERS, PRODUCTS
from docproc.learn.tune.plan import Plan

ALPHA = 2
"""lora_alpha per rank: what an adapter says is multiplied by it, as in the training in PyTorch."""
_IN_LAYER = {
    f"{LAYERS}attn/q_einsum/w": ("self_attn.q_proj",),
    f"{LAYERS}attn/kv_einsum/w": ("self_attn.k_proj", "self_attn.v_proj"),
    f"{LAYERS}attn/attn_vec_einsum/w": ("self_attn.o_proj",),
    f"{LAYERS}mlp/gating_einsum": ("mlp.gate_proj", "mlp.up_proj"),
    f"{LAYERS}mlp/linear": ("mlp.down_proj",),
    **{
        f"{BLOCK}MultiHeadDotProductAttention_0/{ours}/kernel": (f"self_attn.{theirs}",)
        for ours, theirs in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("out", "out_proj"))
    },
    f"{BLOCK}MlpBlock_0/Dense_0/kernel": ("mlp.fc1",),
    f"{BLOCK}MlpBlock_0/Dense_1/kernel": ("mlp.fc2",),
    "img/head/kernel": ("linear",),
}
"""Array -> the matrices of transformers that lie in it, by their names in a layer."""
_MODULES = {
    LAYERS: "model.language_model.layers.{layer}.",
    BLOCK: "model.vision_tower.encoder.layers.{layer}.",
    "img/": "model.multi_modal_projector.",
}


def part_of(name: str) -> str:
    """Return to which of `plan.PARTS` the array of that name belongs."""
    if name.startswith("img/"):
        return "projector" if name.startswith("img/head/") else "vision"
    return "embeddings" if name.startswith("llm/embedder/") else "decoder"


def fresh(arrays: Mapping[str, NDArray[Any]], plan: Plan) -> dict[str, NDArray[np.float32]]:
    """Return an adapter that changes nothing yet, of all matrices but those of frozen parts: as peft begins them."""
    random = np.random.default_rng(plan.seed)
    found = {}
    for name, modules in _IN_LAYER.items():
        if part_of(name) in plan.frozen:
            continue
        product, stack, shape = _shapes(name, arrays[name].shape)
        inputs, outputs = ([shape[axis] for axis in axes] for axes in (product.inputs, product.outputs))
        twice = [shape[0]] if len(modules) > 1 else []
        limit = 1 / math.sqrt(math.prod(inputs))  # Kaiming with a = sqrt(5), as of torch.nn.Linear
        found[f"{name}:a"] = random.uniform(-limit, limit, (*stack, *twice, *inputs, plan.rank)).astype(np.float32)
        found[f"{name}:b"] = np.zeros((*stack, *twice, plan.rank, *outputs), np.float32)
    return found


def write(adapter: Mapping[str, NDArray[Any]], base: str, rank: int, target: Path) -> None:
    """Write an adapter of the model called `base` as peft does."""
    tensors = dict(_pairs(adapter, rank))
    save_file(tensors, target / lora.WEIGHTS, metadata={"format": "pt"})
    modules = sorted({name.removeprefix("base_model.model.").rpartition(".lora_")[0] for name in tensors})
    config = {
        "peft_type": "LORA", "base_model_name_or_path": base, "r": rank, "lora_alpha": ALPHA * rank,
        "target_modules": modules, "bias": "none", "inference_mode": True, "task_type": None, "lora_dropout": 0.0,
    }  # fmt: skip
    (target / lora.CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")


def _pairs(adapter: Mapping[str, NDArray[Any]], rank: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield (name, matrix): A is (rank, inputs), B (outputs, rank)."""
    for name, modules in _IN_LAYER.items():
        if f"{name}:a" not in adapter:
            continue
        a, b = adapter[f"{name}:a"], adapter[f"{name}:b"]
        under = next(one for one in _MODULES if name.startswith(one))
        stacked = under != "img/"
        for layer in range(len(a) if stacked else 1):
            one, other = (a[layer], b[layer]) if stacked else (a, b)
            for at, module in enumerate(modules):
                into, out = (one[at], other[at]) if len(modules) > 1 else (one, other)
                whole = f"base_model.model.{_MODULES[under].format(layer=layer)}{module}"
                yield f"{whole}.lora_A.weight", np.ascontiguousarray(into.reshape(-1, rank).T)
                yield f"{whole}.lora_B.weight", np.ascontiguousarray(out.reshape(rank, -1).T)


def _shapes(name: str, shape: tuple[int, ...]) -> tuple[Any, list[int], tuple[int, ...]]:
    """Return the product of an array, the axis of its layers, and the shape of one layer."""
    under = next(one for one in (LAYERS, BLOCK, "") if name.startswith(one))
    stack = 1 if under else 0
    return PRODUCTS[name.removeprefix(under)], list(shape[:stack]), shape[stack:]
