"""The checkpoints of big_vision (.npz, from Kaggle or the `-jax` repositories) as those of transformers, and back.

big_vision stacks the layers of a tower in one array, layer first, and keeps heads apart; transformers has a matrix
per layer. Norms store their distance from 1 in both. bfloat16 comes out of NumPy as two bytes without a type.
Needs NumPy alone, neither torch nor JAX.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ml_dtypes import bfloat16
from numpy.typing import NDArray
from safetensors.numpy import save_file

from docproc.errors import Unavailable, Usage

SHARD = 4 << 30
"""Bytes of weights per file."""
PREFIX = "params/"
VISION = "vision_tower.vision_model"
TEXT = "language_model.model"
COPIED = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
)
SCALE_27B = 144
"""Of its queries, where the others scale by the width of a head: 4608 / 32."""

Turn = Callable[[Any, tuple[int, int]], Any]
"""One layer's array and the (heads, width of a head) of its tower -> the array as the other side has it."""


def _same(x: Any, _: tuple[int, int]) -> Any:
    return x


def _turned(x: Any, _: tuple[int, int]) -> Any:
    return x.T


def _flat(x: Any, _: tuple[int, int]) -> Any:
    return x.reshape(-1)


def _by_head(x: Any, heads: tuple[int, int]) -> Any:
    return x.reshape(heads)


@dataclass(frozen=True, slots=True)
class _Rule:
    """`source` in big_vision, stacked over layers where `targets` have a {layer}, over targets where they are two."""

    source: str
    targets: tuple[str, ...]
    there: Turn = _same
    back: Turn = _same


_LAYER = f"{VISION}.encoder.layers.{{layer}}"
_BLOCK = "img/Transformer/encoderblock"
_ATTENTION = f"{_BLOCK}/MultiHeadDotProductAttention_0"
_DECODER = f"{TEXT}.layers.{{layer}}"


def _pair(source: str, target: str) -> tuple[_Rule, _Rule]:
    """Return the rules of a norm: scale and bias."""
    return _Rule(f"{source}/scale", (f"{target}.weight",)), _Rule(f"{source}/bias", (f"{target}.bias",))


def _dense(source: str, target: str) -> tuple[_Rule, _Rule]:
    """Return the rules of a linear layer, whose kernel is the transposed weight."""
    return _Rule(f"{source}/kernel", (f"{target}.weight",), _turned, _turned), _Rule(
        f"{source}/bias", (f"{target}.bias",)
    )


def _projection(name: str) -> tuple[_Rule, _Rule]:
    """Return the rules of query, key or value of the vision tower: (width, heads, head) in big_vision."""
    target = f"{_LAYER}.self_attn.{name[0]}_proj"
    there: Turn = lambda x, _: x.reshape(x.shape[0], -1).T  # noqa: E731
    back: Turn = lambda x, heads: x.T.reshape(-1, *heads)  # noqa: E731
    return (
        _Rule(f"{_ATTENTION}/{name}/kernel", (f"{target}.weight",), there, back),
        _Rule(f"{_ATTENTION}/{name}/bias", (f"{target}.bias",), _flat, _by_head),
    )


def _query_there(x: Any, _: tuple[int, int]) -> Any:
    """(heads, width, head) -> (heads * head, width)."""
    return x.transpose(0, 2, 1).reshape(-1, x.shape[1])


def _query_back(x: Any, heads: tuple[int, int]) -> Any:
    return x.reshape(-1, heads[1], x.shape[-1]).transpose(0, 2, 1)


_COMMON = (
    _Rule("img/embedding/kernel", (f"{VISION}.embeddings.patch_embedding.weight",),
          lambda x, _: x.transpose(3, 2, 0, 1), lambda x, _: x.transpose(2, 3, 1, 0)),
    _Rule("img/embedding/bias", (f"{VISION}.embeddings.patch_embedding.bias",)),
    _Rule("img/pos_embedding", (f"{VISION}.embeddings.position_embedding.weight",),
          lambda x, _: x[0], lambda x, _: x[None]),
    *_pair(f"{_BLOCK}/LayerNorm_0", f"{_LAYER}.layer_norm1"),
    *_pair(f"{_BLOCK}/LayerNorm_1", f"{_LAYER}.layer_norm2"),
    *_dense(f"{_BLOCK}/MlpBlock_0/Dense_0", f"{_LAYER}.mlp.fc1"),
    *_dense(f"{_BLOCK}/MlpBlock_0/Dense_1", f"{_LAYER}.mlp.fc2"),
    *_projection("query"), *_projection("key"), *_projection("value"),
    _Rule(f"{_ATTENTION}/out/kernel", (f"{_LAYER}.self_attn.out_proj.weight",),
          lambda x, _: x.reshape(-1, x.shape[-1]).T, lambda x, heads: x.T.reshape(*heads, -1)),
    _Rule(f"{_ATTENTION}/out/bias", (f"{_LAYER}.self_attn.out_proj.bias",)),
    *_pair("img/Transformer/encoder_norm", f"{VISION}.post_layernorm"),
    *_dense("img/head", "multi_modal_projector.linear"),
    _Rule("llm/embedder/input_embedding", (f"{TEXT}.embed_tokens.weight",)),
    _Rule("llm/layers/attn/q_einsum/w", (f"{_DECODER}.self_attn.q_proj.weight",), _query_there, _query_back),
    _Rule("llm/layers/attn/kv_einsum/w",
          (f"{_DECODER}.self_attn.k_proj.weight", f"{_DECODER}.self_attn.v_proj.weight"), _query_there, _query_back),
    _Rule("llm/layers/attn/attn_vec_einsum/w", (f"{_DECODER}.self_attn.o_proj.weight",),
          lambda x, _: x.transpose(2, 0, 1).reshape(x.shape[2], -1),
          lambda x, heads: x.reshape(x.shape[0], *heads).transpose(1, 2, 0)),
    _Rule("llm/layers/mlp/gating_einsum", (f"{_DECODER}.mlp.gate_proj.weight", f"{_DECODER}.mlp.up_proj.weight"),
          _turned, _turned),
    _Rule("llm/layers/mlp/linear", (f"{_DECODER}.mlp.down_proj.weight",), _turned, _turned),
    _Rule("llm/final_norm/scale", (f"{TEXT}.norm.weight",)),
)  # fmt: skip
_NORMS = {
    1: {"pre_attention_norm": "input_layernorm", "pre_ffw_norm": "post_attention_layernorm"},
    2: {
        "pre_attention_norm": "input_layernorm",
        "post_attention_norm": "post_attention_layernorm",
        "pre_ffw_norm": "pre_feedforward_layernorm",
        "post_ffw_norm": "post_feedforward_layernorm",
    },
}
"""Generation -> norm in big_vision -> norm in transformers."""


def rules(generation: int) -> tuple[_Rule, ...]:
    """Return how every array of that generation maps."""
    norms = _NORMS[generation].items()
    return *_COMMON, *(_Rule(f"llm/layers/{one}/scale", (f"{_DECODER}.{other}.weight",)) for one, other in norms)


class Arrays(Mapping[str, Any]):
    """The arrays of an .npz, read when asked for, named without `params/`; bfloat16 has its type."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Unavailable(f"There is no {path}.", hint="Give a checkpoint of big_vision.", code="no-checkpoint")
        try:
            with zipfile.ZipFile(path):  # NumPy leaves the file open when it is none
                pass
            self._file = np.load(path)
            self._names = {name.removeprefix(PREFIX): name for name in self._file.files}
        except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise Usage(f"{path} is no whole .npz file.", hint="Download it again.", code="truncated") from error
        self._path = path

    def __getitem__(self, name: str) -> Any:
        stored = self._names.get(name)
        if stored is None:
            raise Usage(
                f"{self._path} is no PaliGemma of big_vision: it has no {name}.",
                hint="Give the .npz of a PaliGemma checkpoint.",
                code="wrong-architecture",
            )
        try:
            return _typed(self._file[stored])
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Usage(f"{self._path} breaks off in {name}.", hint="Download it again.", code="truncated") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names


def _typed(array: NDArray[Any]) -> NDArray[Any]:
    return array.view(bfloat16) if array.dtype.kind == "V" and array.dtype.itemsize == 2 else array


def bfloat16_bytes(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in bfloat16 as NumPy reads it from an .npz: two bytes without a type."""
    return np.ascontiguousarray(array).astype(bfloat16).view(np.dtype("V2"))


def from_big_vision(arrays: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (name, array) as the checkpoints of transformers have them; `arrays` are named without `params/`."""
    heads = (0, 0)  # only the way back asks for them
    for rule in rules(generation_of(arrays)):
        whole = arrays[rule.source]
        stacked = "{layer}" in rule.targets[0]
        for layer, one in enumerate(whole if stacked else [whole]):
            parts = one if len(rule.targets) > 1 else [one]
            for target, part in zip(rule.targets, parts, strict=True):
                yield target.format(layer=layer), np.ascontiguousarray(rule.there(part, heads))


def to_big_vision(state: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a checkpoint, named and typed as in its files, and its config.json."""
    state = {name.replace("vision_tower.vision_model.", "vision_tower."): tensor for name, tensor in state.items()}
    text, vision = config["text_config"], config["vision_config"]
    of_text = (text["num_attention_heads"], text["head_dim"])
    of_vision = (vision["num_attention_heads"], vision["hidden_size"] // vision["num_attention_heads"])
    found: dict[str, NDArray[Any]] = {}
    for rule in rules(2 if text["model_type"] == "gemma2" else 1):
        own = of_text if rule.source.startswith("llm/") else of_vision
        tower = text if rule.source.startswith("llm/") else vision
        layers = tower["num_hidden_layers"] if "{layer}" in rule.targets[0] else 1
        stack = [_layer(state, rule, layer, own) for layer in range(layers)]
        whole = np.stack(stack) if "{layer}" in rule.targets[0] else stack[0]
        found[PREFIX + rule.source] = np.ascontiguousarray(whole)
    return found


def _layer(state: Mapping[str, Any], rule: _Rule, layer: int, heads: tuple[int, int]) -> Any:
    names = [name.format(layer=layer).replace(f"{VISION}.", "vision_tower.") for name in rule.targets]
    parts = [rule.back(state[name], heads) for name in names]
    return np.stack(parts) if len(parts) > 1 else parts[0]


def generation_of(arrays: Mapping[str, Any]) -> int:
    """Return 2 where the feed-forward layers have a norm behind them, as only Gemma 2 has; else 1."""
    return 2 if "llm/layers/post_ffw_norm/scale" in arrays else 1


def configuration(arrays: Mapping[str, Any], image_token: int) -> dict[str, Any]:
    """Return the config.json that the shapes of the arrays say."""
    generation = generation_of(arrays)
    patch = arrays["img/embedding/kernel"].shape[0]
    side = patch * round(arrays["img/pos_embedding"].shape[1] ** 0.5)
    towers = arrays[f"{_ATTENTION}/query/kernel"].shape, arrays["llm/layers/attn/q_einsum/w"].shape
    (vision_layers, vision_width, vision_heads, _), (layers, heads, width, head) = towers
    rows = arrays["llm/embedder/input_embedding"].shape[0]
    text = {
        "model_type": "gemma" if generation == 1 else "gemma2", "vocab_size": rows, "hidden_size": width,
        "num_hidden_layers": layers, "num_attention_heads": heads, "head_dim": head,
        "num_key_value_heads": arrays["llm/layers/attn/kv_einsum/w"].shape[2],
        "intermediate_size": arrays["llm/layers/mlp/linear"].shape[1], "max_position_embeddings": 8192,
        "hidden_activation": "gelu_pytorch_tanh",
    }  # fmt: skip
    if generation == 2:
        text |= {
            "query_pre_attn_scalar": SCALE_27B if width == 4608 else head, "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0, "sliding_window": 4096,
        }  # fmt: skip
    vision = {
        "model_type": "siglip_vision_model", "image_size": side, "patch_size": patch, "hidden_size": vision_width,
        "num_hidden_layers": vision_layers, "num_attention_heads": vision_heads, "vision_use_head": False,
        "intermediate_size": arrays[f"{_BLOCK}/MlpBlock_0/Dense_0/kernel"].shape[2],
    }  # fmt: skip
    return {
        "architectures": ["PaliGemmaForConditionalGeneration"], "model_type": "paligemma", "text_config": text,
        "vision_config": vision, "image_token_index": image_token, "vocab_size": rows, "projection_dim": width,
        "hidden_size": width, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip


def convert(source: Path, tokenizer: Path, target: Path, *, variant: str = "") -> None:
    """Write the .npz `source` into the folder `target`, with the tokenizer of another PaliGemma in `tokenizer`.

    big_vision keeps its tokenizer elsewhere; that of every checkpoint of both generations is the same.
    """
    arrays = Arrays(source)
    config = configuration(arrays, _image_token(tokenizer))
    target.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        if (tokenizer / name).is_file():
            shutil.copy(tokenizer / name, target / name)
    _write(target / "config.json", config)
    _write(target / "preprocessor_config.json", _images(config["vision_config"]))
    if variant:
        _write(target / "docproc.json", {"variant": variant})
    _write_shards(from_big_vision(arrays), target)


def _write_shards(tensors: Iterator[tuple[str, Any]], target: Path) -> None:
    shards: list[list[str]] = []
    held: dict[str, Any] = {}

    def flush() -> None:
        shards.append(list(held))
        save_file(held, target / f"shard-{len(shards):05}.safetensors", metadata={"format": "pt"})
        held.clear()

    for name, tensor in tensors:
        held[name] = tensor
        if sum(one.nbytes for one in held.values()) >= SHARD:
            flush()
    flush()
    names = [f"model-{number + 1:05}-of-{len(shards):05}.safetensors" for number in range(len(shards))]
    for number, name in enumerate(names):
        (target / f"shard-{number + 1:05}.safetensors").rename(target / name)
    index = {"metadata": {}, "weight_map": {key: names[at] for at, keys in enumerate(shards) for key in keys}}
    _write(target / "model.safetensors.index.json", index)


def _image_token(folder: Path) -> int:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise Unavailable(f"{path} is missing.", hint="Give the folder of any PaliGemma.", code="no-tokenizer")
    added = json.loads(path.read_text("utf-8")).get("added_tokens", [])
    found = next((token["id"] for token in added if token["content"] == "<image>"), None)
    if found is None:
        raise Usage(f"{path} has no <image>.", hint="Give the folder of any PaliGemma.", code="wrong-tokenizer")
    return int(found)


def _images(vision: Mapping[str, Any]) -> dict[str, Any]:
    side, patch = vision["image_size"], vision["patch_size"]
    return {
        "image_processor_type": "SiglipImageProcessor", "processor_class": "PaliGemmaProcessor", "resample": 3,
        "size": {"height": side, "width": side}, "image_seq_length": (side // patch) ** 2, "do_convert_rgb": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255,
        "do_resize": True, "do_rescale": True, "do_normalize": True,
    }  # fmt: skip


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
