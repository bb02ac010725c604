"""A model in memory as NumPy arrays named as big_vision names them, from either kind of checkpoint; and back to disk.

`Weights` holds what lies in an .npz of big_vision, or what the same would be for a folder in the format of
transformers. Needs neither JAX nor PyTorch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ml_dtypes import bfloat16
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from transformers import AutoTokenizer, PaliGemmaProcessor
from transformers.utils import logging

from docproc.engines.paligemma import convert
from docproc.engines.paligemma.checkpoint import Checkpoint, check, read_json
from docproc.errors import Usage
from docproc.learn.jax.model import ATTENTION_CAP, EPSILON, WAVELENGTH
from docproc.learn.tune.result import copy_companions

DTYPES: Mapping[str, Any] = {"F32": np.float32, "BF16": bfloat16, "F16": np.float16}
NOT_AS_HERE = "big_vision's models, as written down here, compute otherwise"


@dataclass(frozen=True, slots=True)
class Weights:
    """A checkpoint: `arrays` are named without `params/`; `images` is the image processor of transformers."""

    checkpoint: Checkpoint
    arrays: dict[str, NDArray[Any]]
    tokenizer: Any
    images: Any


def load(folder: Path) -> Weights:
    """Return the checkpoint in a folder in the format of transformers; nothing is downloaded.

    Raises Unavailable when something is missing, Usage when it is damaged or not a model that `model` computes.
    """
    checkpoint = check(folder)
    config = read_json(folder / "config.json")
    _check_config(folder, config)
    logging.set_verbosity_error()  # there is no torch, it says, and none is needed
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    images = PaliGemmaProcessor.from_pretrained(folder, local_files_only=True).image_processor
    arrays = convert.to_big_vision(_tensors(folder), _with_defaults(config))
    plain = {name.removeprefix(convert.PREFIX): array for name, array in arrays.items()}
    return Weights(checkpoint, plain, tokenizer, images)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an .npz of big_vision, named without `params/`. Raises as `convert.Arrays` does."""
    arrays = convert.Arrays(path)
    return {rule.source: arrays[rule.source] for rule in convert.rules(convert.generation_of(arrays))}


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays, named without `params/`, as big_vision does."""
    plain = {
        convert.PREFIX + name: convert.bfloat16_bytes(one) if one.dtype == bfloat16 else one
        for name, one in arrays.items()
    }
    np.savez(path, **plain)  # type: ignore[arg-type]


def write_checkpoint(arrays: Mapping[str, NDArray[Any]], base: Checkpoint, target: Path) -> None:
    """Write arrays as a checkpoint of transformers beside all else that `base` has, in its numbers."""
    dtype = DTYPES[base.dtype]
    tensors = {name: one.astype(dtype, copy=False) for name, one in convert.from_big_vision(arrays)}
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    copy_companions(base.folder, target)


def _tensors(folder: Path) -> dict[str, Any]:
    index = folder / "model.safetensors.index.json"
    shards = sorted(set(read_json(index)["weight_map"].values())) if index.is_file() else ["model.safetensors"]
    found: dict[str, Any] = {}
    for shard in shards:
        with safe_open(folder / shard, "np") as file:
            found |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
    return found


def _with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with what transformers leaves out where it is as in the model of 3B parameters."""
    text = {"head_dim": 256, "num_attention_heads": 8, "num_hidden_layers": 18} | config["text_config"]
    vision = {"num_attention_heads": 16, "num_hidden_layers": 27, "hidden_size": 1152} | config["vision_config"]
    return {**config, "text_config": text, "vision_config": vision}


def _check_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise Usage unless a model computes as big_vision's do, in what its arrays do not tell."""
    text, vision = config["text_config"], config["vision_config"]
    rope = text.get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    wanted = {
        "rms_norm_eps": (text.get("rms_norm_eps", EPSILON), EPSILON),
        "layer_norm_eps": (vision.get("layer_norm_eps", EPSILON), EPSILON),
        "rope_theta": (rope.get("rope_theta", text.get("rope_theta", WAVELENGTH)), WAVELENGTH),
        "hidden_activation": (text.get("hidden_activation") or "gelu_pytorch_tanh", "gelu_pytorch_tanh"),
        "hidden_act": (vision.get("hidden_act", "gelu_pytorch_tanh"), "gelu_pytorch_tanh"),
    }
    if text["model_type"] == "gemma2":
        wanted["attn_logit_softcapping"] = (text.get("attn_logit_softcapping", ATTENTION_CAP), ATTENTION_CAP)
    for name, (found, right) in wanted.items():
        if found != right:
            raise Usage(
                f"{folder} says {name} is {json.dumps(found)}; {NOT_AS_HERE} ({json.dumps(right)}).",
                hint="Train it in PyTorch: --framework torch.",
                code="wrong-architecture",
            )
