"""Checkpoints with the form of the real ones, random and a few hundred kilobytes large, to try plumbing with.

`python -m docproc.engines.paligemma.tiny DIR` writes DIR/paligemma and DIR/paligemma2 (transformers), the first once
more as DIR/paligemma.npz (big_vision; its embedding in bfloat16), and DIR/vae-oid.npz. What they say is nonsense.
DIR/paligemma-things writes nothing but a box with a mask, whatever it is asked: random ones never hit 20 such tokens.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from transformers import (
    Gemma2Config,
    GemmaConfig,
    GemmaTokenizer,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from docproc.engines.paligemma import convert, seg

SIDE = 56
PATCH = 14
VISION_WIDTH = 48
TEXT_WIDTH = 64
SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
PIECES = ("\n", "\n\n", "\t", "th", "the", "in", "er", "an", "on", "▁the", "▁in")
ALPHABET = "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?'\"()[]{}<>/\\|@#$%&*+-=_~^`€"
LOCATIONS = tuple(f"<loc{number:04}>" for number in range(1024))
SEGMENTS = tuple(f"<seg{number:03}>" for number in range(128))


def main() -> None:
    """Write them all into the folder of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)


def write(folder: Path, *, seed: int = 0) -> None:
    """Write the checkpoints into `folder`, the same ones for the same `seed`."""
    folder.mkdir(parents=True, exist_ok=True)
    for generation, name in ((1, "paligemma"), (2, "paligemma2")):
        build(generation, folder / name, seed=seed)
    build(1, folder / "paligemma-things", seed=seed, things=True)
    write_npz(folder / "paligemma", folder / "paligemma.npz")
    write_masks(folder / "vae-oid.npz", seed=seed)


def build(generation: int, folder: Path, *, seed: int = 0, things: bool = False) -> None:
    """Write one checkpoint of generation 1 or 2 with its tokenizer into `folder`; of 1, one that writes `things`."""
    processor = PaliGemmaProcessor(_image_processor(), tokenizer())
    rows = len(processor.tokenizer)
    image = processor.image_token_id
    model = random_model(config(generation, rows=rows, image=image), seed=seed)
    if things:
        teach_things(model, processor.tokenizer)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / "docproc.json").write_text(json.dumps({"variant": "mix"}) + "\n", "utf-8")


def random_model(configuration: Any, *, seed: int = 0) -> Any:
    """Return a model whose random weights are large enough that every input matters."""
    torch.manual_seed(seed)
    model = PaliGemmaForConditionalGeneration(configuration).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0.0, 0.1 if weight.ndim < 2 else 0.6 / weight[0].numel() ** 0.25)
            if "embed_tokens" in name:  # else the last token speaks louder than all layers
                weight.mul_(0.5)
    return model


def teach_things(model: Any, words: Any) -> None:
    """Make a random model of generation 1 write four places, sixteen codes and its end, after any prompt.

    Every token carries what it is (top, left, bottom, right, which code) in a dimension of its own, which attention
    and layers leave alone; the last layer turns each into the one that comes next. Which of the tokens of a kind is
    written, stays random and depends on image and prompt. Tops and lefts are in the first half of the places.
    """
    ids = words.convert_tokens_to_ids([*LOCATIONS, *SEGMENTS])
    places, codes = ids[: len(LOCATIONS)], ids[len(LOCATIONS) :]
    end, other = 20, 21
    kinds = {token: number % 2 + (2 if number >= len(LOCATIONS) // 2 else 0) for number, token in enumerate(places)}
    kinds |= {token: 4 + number % 16 for number, token in enumerate(codes)} | {words.eos_token_id: end}
    embedding, layers = model.get_input_embeddings().weight, model.model.language_model.layers
    with torch.no_grad():
        embedding[:, : other + 1] = 0.0
        for token in range(len(embedding)):
            embedding[token, kinds.get(token, other)] = 4.0
        for layer in layers:
            layer.self_attn.o_proj.weight[: other + 1] = 0.0
            layer.mlp.down_proj.weight[: other + 1] = 0.0
        last = layers[-1].mlp
        for kind in (*range(end), other):
            for gate in (last.gate_proj.weight, last.up_proj.weight):
                gate[kind] = 0.0
                gate[kind, kind] = 4.0
            last.down_proj.weight[:, kind] = 0.0
            last.down_proj.weight[(kind + 1) % (other + 1), kind] = 20.0


def config(generation: int, *, rows: int, image: int) -> Any:
    """Return the configuration; the second generation has no row for `image`, the first more rows than it needs."""
    vision = SiglipVisionConfig(
        hidden_size=VISION_WIDTH, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        image_size=SIDE, patch_size=PATCH, vision_use_head=False,
    )  # fmt: skip
    common: dict[str, Any] = {
        "hidden_size": TEXT_WIDTH, "intermediate_size": 128, "num_attention_heads": 4, "head_dim": 16,
        "max_position_embeddings": 8192, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
        "hidden_activation": "gelu_pytorch_tanh",
    }  # fmt: skip
    text: Any
    if generation == 1:
        rows = -(-rows // 64) * 64
        text = GemmaConfig(vocab_size=rows, num_hidden_layers=3, num_key_value_heads=1, **common)
    else:
        rows = image
        text = Gemma2Config(
            vocab_size=rows, num_hidden_layers=4, num_key_value_heads=2, query_pre_attn_scalar=16,
            attn_logit_softcapping=50.0, final_logit_softcapping=30.0, sliding_window=4096, **common,
        )  # fmt: skip
    return PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=image, vocab_size=rows,
        projection_dim=TEXT_WIDTH, hidden_size=TEXT_WIDTH, pad_token_id=0, eos_token_id=1, bos_token_id=2,
    )  # fmt: skip


def tokenizer() -> Any:
    """Return a small Gemma tokenizer: bytes, characters and a few pieces, then <loc>, <seg> and <image>."""
    names = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *PIECES, *ALPHABET]
    vocabulary = {name: number for number, name in enumerate(dict.fromkeys(names))}
    merges = [("\n", "\n"), ("t", "h"), ("th", "e"), ("i", "n"), ("e", "r"), ("a", "n"), ("o", "n"), ("▁", "the")]
    small = GemmaTokenizer(vocab=vocabulary, merges=[*merges, ("▁", "in")])
    small.add_tokens([*LOCATIONS, *SEGMENTS])
    small.add_special_tokens({"additional_special_tokens": ["<image>"]})
    return small


def write_npz(folder: Path, path: Path) -> None:
    """Write the checkpoint in `folder` as big_vision does, its largest array in bfloat16."""
    state = load_file(folder / "model.safetensors")
    arrays = convert.to_big_vision(state, json.loads((folder / "config.json").read_text("utf-8")))
    name = "params/llm/embedder/input_embedding"
    arrays[name] = convert.bfloat16_bytes(arrays[name])
    np.savez(path, **arrays)  # type: ignore[arg-type]


def write_masks(path: Path, *, seed: int = 0) -> None:
    """Write a random decoder of masks, about half of whose pixels are inside."""
    random = np.random.default_rng(seed)
    arrays = {name: _weights(random, name, shape) for name, shape in seg.shapes().items()}
    np.savez(path, **arrays)  # type: ignore[arg-type]
    masks = seg.MaskDecoder(path)(random.integers(0, seg.CODE_BOOK, (16, seg.CODES)))
    arrays["decoder.12.bias"] = -np.median(masks, keepdims=True).reshape(1).astype(np.float32)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def _weights(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return weights that neither let signals die out nor let constants drown them."""
    if name.endswith("bias"):
        return np.zeros(shape, np.float32)
    inputs = 4 * shape[0] if shape[-1] == 4 else math.prod(shape[1:])
    spread = 1.0 if name.startswith("_vq_vae") else math.sqrt(2 / inputs)
    return random.normal(0.0, spread, shape).astype(np.float32)


def _image_processor() -> Any:
    sides = {"height": SIDE, "width": SIDE}
    found = SiglipImageProcessor(size=sides, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=3)
    found.image_seq_length = (SIDE // PATCH) ** 2
    return found


if __name__ == "__main__":
    main()
