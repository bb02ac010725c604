"""What lies in a checkpoint's folder, told without loading it: nothing here imports torch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from docproc.errors import Unavailable, Usage

ARCHITECTURE = "PaliGemmaForConditionalGeneration"
GENERATIONS = {"gemma": 1, "gemma2": 2}
"""Language model -> generation of PaliGemma."""
TOKENS = ("<image>", "<loc0000>", "<loc1023>", "<seg000>", "<seg127>")
VARIANTS = re.compile(r"(?:^|[-_/])(pt|mix|ft-[a-z0-9]+(?:-[a-z]+)?)(?=$|[-_/@])")
LARGEST_HEADER = 100 * 1024 * 1024
SAMPLE = 1 << 20
_LINEAR = re.compile(r"language_model\..*layers\.\d+\..*_proj\.weight$")
QUANTISED = {"int8": 1.01, "int4": 0.5 + 4 / 64}
"""Bytes of a quantised number: with int8 a scale per row, with nf4 one of 4 bytes for each 64."""
SLACK = 1.1
"""For what is not counted: the CUDA context, fragments."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that a model takes: its weights, the keys and values of all tokens, what a layer computes at most."""

    weights: int
    cache: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, with `SLACK`."""
        return int((self.weights + self.cache + self.activations) * SLACK)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that holds a whole PaliGemma: `side` in pixels, `parameters` and `cache` (numbers per token) counted.

    `shape` is width, inner width, heads and rows of the embedding of the language model; `linear` of the parameters
    are in its layers, which is what can be quantised.
    `variant` is "pt", "mix", "ft-..." or "" when nothing tells; `version` names these very weights.
    """

    folder: Path
    generation: int
    side: int
    image_tokens: int
    variant: str
    dtype: str
    parameters: int
    cache: int
    longest: int
    version: str
    shape: tuple[int, int, int, int]
    linear: int = 0

    def memory(self, *, width: int, batch: int = 1, tokens: int = 512, weights: str = "") -> int:
        """Return the bytes it needs: numbers of `width` bytes, `batch` requests at once, `tokens` beside images.

        With `weights` ("int8", "int4") the layers of the language model are quantised.
        """
        return self.needs(width=width, batch=batch, tokens=tokens, weights=weights).total

    def needs(self, *, width: int, batch: int = 1, tokens: int = 512, weights: str = "") -> Memory:
        """Return what it needs, in parts. The kernel of the second generation keeps all scores of attention."""
        across, inner, heads, rows = self.shape
        length = self.image_tokens + tokens
        scores = heads * length * length * 4 if self.generation == 2 else 0
        a_row = length * (4 * across + 3 * inner) * width + scores + 4 * rows
        layers = self.linear * QUANTISED.get(weights, width)
        return Memory(
            int((self.parameters - self.linear) * width + layers), self.cache * batch * length * width, batch * a_row
        )


def check(folder: Path) -> Checkpoint:
    """Return what `folder` holds; raise Unavailable when something is missing, Usage when it is wrong."""
    if not folder.is_dir():
        raise Unavailable(
            f"There is no checkpoint in {folder}.",
            hint="Give the folder of a PaliGemma checkpoint in the format of transformers.",
            code="no-checkpoint",
        )
    config = read_json(folder / "config.json")
    generation = _generation(folder, config)
    vision, text = config.get("vision_config", {}), config["text_config"]
    side, image_tokens = _resolution(folder, vision)
    _check_tokenizer(folder)
    tensors, digest = _tensors(folder)
    _check_shapes(folder, tensors, image_tokens)
    return Checkpoint(
        folder=folder,
        generation=generation,
        side=side,
        image_tokens=image_tokens,
        variant=variant_of_folder(folder),
        dtype=_dtype(tensors),
        parameters=sum(_product(tensor["shape"]) for tensor in tensors.values()),
        cache=2 * _number(text, "num_hidden_layers") * _number(text, "num_key_value_heads") * _head(text),
        longest=_number(text, "max_position_embeddings", 8192),
        version=digest[:12],
        shape=_shape(folder, tensors, _head(text)),
        linear=sum(_product(tensor["shape"]) for name, tensor in tensors.items() if _LINEAR.search(name)),
    )


def _generation(folder: Path, config: Mapping[str, Any]) -> int:
    architectures = config.get("architectures") or ["no architecture"]
    if ARCHITECTURE not in architectures:
        raise Usage(
            f"{folder} holds {architectures[0]}, no PaliGemma.",
            hint="Give the folder of a PaliGemma or PaliGemma 2 checkpoint.",
            code="wrong-architecture",
        )
    text = config.get("text_config", {})
    kind = text.get("model_type") if isinstance(text, dict) else None
    if kind not in GENERATIONS:
        raise Usage(
            f"The language model in {folder} is {kind!r}, neither Gemma nor Gemma 2.",
            hint="Give the folder of a PaliGemma or PaliGemma 2 checkpoint.",
            code="wrong-architecture",
        )
    return GENERATIONS[kind]


def _resolution(folder: Path, vision: Mapping[str, Any]) -> tuple[int, int]:
    """Return pixels per side and tokens per image, on which all files must agree."""
    side, patch = _number(vision, "image_size", 224), _number(vision, "patch_size", 14)
    tokens = (side // patch) ** 2
    path = folder / "processor_config.json"
    images = read_json(path).get("image_processor", {}) if path.is_file() else {}
    images = images or read_json(folder / "preprocessor_config.json")
    size = images.get("size", {})
    if size.get("height") != side or size.get("width") != side:
        raise _resolutions(folder, f"{side} x {side}", f"{size.get('height')} x {size.get('width')}")
    if images.get("image_seq_length", tokens) != tokens:
        raise _resolutions(folder, f"{tokens} tokens per image", f"{images['image_seq_length']}")
    return side, tokens


def _check_shapes(folder: Path, tensors: Mapping[str, Mapping[str, Any]], image_tokens: int) -> None:
    ends = {
        "image positions": "embeddings.position_embedding.weight",
        "token embedding": "embed_tokens.weight",
        "projector": "multi_modal_projector.linear.weight",
    }
    for what, end in ends.items():
        if not any(name.endswith(end) for name in tensors):
            raise Usage(
                f"The weights in {folder} have no {what}.", hint="Copy the checkpoint again.", code="incomplete"
            )
    positions = next(tensor for name, tensor in tensors.items() if name.endswith(ends["image positions"]))
    if positions["shape"][0] != image_tokens:
        raise _resolutions(folder, f"{image_tokens} tokens per image", f"{positions['shape'][0]} in the weights")


def _shape(folder: Path, tensors: Mapping[str, Mapping[str, Any]], head: int) -> tuple[int, int, int, int]:
    found = []
    for end in ("embed_tokens.weight", "layers.0.mlp.gate_proj.weight", "layers.0.self_attn.q_proj.weight"):
        name = next((one for one in tensors if "language_model" in one and one.endswith(end)), None)
        if name is None:
            raise Usage(
                f"The weights in {folder} have no {end}.", hint="Copy the checkpoint again.", code="incomplete"
            )
        found.append(tensors[name]["shape"])
    (rows, across), (inner, _), (queries, _) = found
    return across, inner, queries // head, rows


def _resolutions(folder: Path, one: str, other: str) -> Usage:
    return Usage(
        f"The files in {folder} are of different resolutions: {one} and {other}.",
        hint="Copy all files of one checkpoint together.",
        code="wrong-resolution",
    )


def _check_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise Unavailable(f"{path} is missing.", hint="Copy all files of the checkpoint.", code="no-tokenizer")
    content = path.read_bytes()
    missing = [token for token in TOKENS if f'"{token}"'.encode() not in content]
    if missing:
        raise Usage(
            f"The tokenizer in {folder} does not know {', '.join(missing)}: it is not that of a PaliGemma.",
            hint="Copy tokenizer.json from the checkpoint that was tuned.",
            code="wrong-tokenizer",
        )


def variant_of_folder(folder: Path) -> str:
    """Return what a checkpoint was trained for: as docproc.json says, else as its folder or origin is called."""
    own, config = folder / "docproc.json", folder / "config.json"
    if own.is_file():
        return str(read_json(own).get("variant", ""))
    names = (folder.resolve().name, str(read_json(config).get("_name_or_path", "")))
    return next((found[1] for name in names if (found := VARIANTS.search(name))), "")


def write_variant(folder: Path, variant: str) -> None:
    """Say in a folder what its checkpoint was trained for."""
    own = folder / "docproc.json"
    found = read_json(own) if own.is_file() else {}
    own.unlink(missing_ok=True)  # it may be one file with that of another folder
    own.write_text(json.dumps(found | {"variant": variant}) + "\n", "utf-8")


def _tensors(folder: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Return the header of every tensor, and a hash over headers and samples of all shards."""
    index = folder / "model.safetensors.index.json"
    wanted: dict[str, str] = read_json(index).get("weight_map", {}) if index.is_file() else {}
    shards = sorted(set(wanted.values())) or ["model.safetensors"]
    tensors: dict[str, dict[str, Any]] = {}
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for shard in shards:
        path = folder / Path(shard).name
        if not path.is_file():
            raise Unavailable(f"{path} is missing.", hint="Copy all files of the checkpoint.", code="incomplete")
        with path.open("rb") as stream:
            tensors |= _header(path, stream)
            stream.seek(-min(SAMPLE, path.stat().st_size), 2)
            digest.update(stream.read())
    lost = sorted(set(wanted) - set(tensors))
    if lost:
        raise Usage(f"{len(lost)} tensors are in no shard of {folder}.", hint="Copy it again.", code="incomplete")
    digest.update(json.dumps(tensors, sort_keys=True).encode())
    return tensors, digest.hexdigest()


def read_tensors(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the header of every tensor of a checkpoint; raises as `check` does."""
    return _tensors(folder)[0]


def tensor_headers(path: Path) -> dict[str, dict[str, Any]]:
    """Return the headers of a safetensors file; raise Usage unless it is whole."""
    with path.open("rb") as stream:
        return _header(path, stream)


def _header(path: Path, stream: BinaryIO) -> dict[str, dict[str, Any]]:
    """Return name -> dtype, shape and offsets; raise Usage unless the file is exactly as long as they say."""
    size = path.stat().st_size
    length = int.from_bytes(stream.read(8), "little")
    try:
        if not 2 <= length <= min(size - 8, LARGEST_HEADER):
            raise ValueError("the header is longer than the file")
        tensors: dict[str, dict[str, Any]] = json.loads(stream.read(length))
        tensors.pop("__metadata__", None)
        end = max(tensor["data_offsets"][1] for tensor in tensors.values())
        whole = 8 + length + end == size and all(tensor["dtype"] and tensor["shape"] for tensor in tensors.values())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _broken(path) from error
    if not whole:
        raise _broken(path)
    return tensors


def _broken(path: Path) -> Usage:
    return Usage(f"{path} is not whole.", hint="Download or copy it again.", code="truncated")


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file; raise Unavailable when it is missing, Usage when it is damaged."""
    if not path.is_file():
        raise Unavailable(f"{path} is missing.", hint="Copy all files of the checkpoint.", code="incomplete")
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise _broken(path) from error
    if not isinstance(found, dict):
        raise _broken(path)
    return found


def _number(values: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = values.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise Usage(f"config.json says {value!r} for {name}.", hint="Copy it again.", code="wrong-architecture")
    return value


def _head(text: Mapping[str, Any]) -> int:
    return _number(text, "head_dim", 256)


def _dtype(tensors: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the dtype of most numbers, as safetensors calls it: F32, BF16, F16."""
    held: dict[str, int] = {}
    for tensor in tensors.values():
        held[tensor["dtype"]] = held.get(tensor["dtype"], 0) + _product(tensor["shape"])
    return max(held, key=lambda dtype: held[dtype])


def _product(shape: list[int]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total
