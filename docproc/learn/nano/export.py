"""A trained model as a checkpoint that transformers, and the engine, load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import (
    GemmaConfig,
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    SiglipImageProcessor,
    SiglipVisionConfig,
)

from docproc.learn.nano import tokens
from docproc.learn.nano.lean import Lean, Shape, to_transformers

LONGEST = 1024
"""Tokens of picture, prompt and answer that the configuration promises."""
MASKS = "vae-oid.npz"


def configuration(shape: Shape) -> Any:
    """Return the PaliGemmaConfig of a shape."""
    ends = {"pad_token_id": tokens.PAD, "eos_token_id": tokens.EOS, "bos_token_id": tokens.BOS}
    vision = SiglipVisionConfig(
        hidden_size=shape.vision_width, intermediate_size=shape.vision_inner, num_hidden_layers=shape.vision_layers,
        num_attention_heads=shape.vision_heads, image_size=shape.side, patch_size=shape.patch, vision_use_head=False,
    )  # fmt: skip
    text = GemmaConfig(
        vocab_size=shape.rows, hidden_size=shape.width, intermediate_size=shape.inner,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=1,
        head_dim=shape.head_width, hidden_activation="gelu_pytorch_tanh", max_position_embeddings=LONGEST, **ends,
    )  # fmt: skip
    return PaliGemmaConfig(
        vision_config=vision, text_config=text, image_token_index=tokens.IMAGE, vocab_size=shape.rows,
        projection_dim=shape.width, hidden_size=shape.width, **ends,
    )  # fmt: skip


def transformer(model: Lean) -> Any:
    """Return the model as transformers' class, in float32."""
    made = PaliGemmaForConditionalGeneration(configuration(model.shape)).eval()
    there = made.state_dict().keys()
    weights = {_inside(name, there): tensor.float() for name, tensor in to_transformers(model).items()}
    missing, unexpected = made.load_state_dict(weights, strict=False)
    if unexpected or [name for name in missing if not name.startswith("lm_head")]:
        raise ValueError(f"transformers names weights otherwise: {missing[:2]} {unexpected[:2]}")
    made.tie_weights()
    return made


def _inside(name: str, there: Collection[str]) -> str:
    """Return the name that a weight has in memory, which releases of transformers differ about."""
    name = "model." + name.replace("language_model.model.", "language_model.")
    return name if name in there else name.replace("vision_tower.vision_model.", "vision_tower.")


def write(model: Lean, folder: Path, *, masks: Path | None = None, about: dict[str, Any] | None = None) -> None:
    """Write the checkpoint, weights in float16, with tokenizer and processor; `masks` is the decoder's file."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = model.shape
    made = transformer(model)
    made.to(torch.float16).save_pretrained(folder)
    sides = {"height": shape.side, "width": shape.side}
    images = SiglipImageProcessor(size=sides, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=3)
    images.image_seq_length = shape.patches
    PaliGemmaProcessor(images, tokens.tokenizer()).save_pretrained(folder)
    told = {"variant": "nano", "shape": asdict(shape), **(about or {})}
    (folder / "docproc.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    if masks:
        shutil.copyfile(masks, folder / MASKS)
