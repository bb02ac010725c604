"""A checkpoint in memory, set up to compute what its authors' code computes."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import GenerationConfig, PaliGemmaConfig, PaliGemmaForConditionalGeneration, PaliGemmaProcessor
from transformers.utils import logging

from docproc.engines.paligemma.checkpoint import Checkpoint, check
from docproc.engines.paligemma.quantize import Weights, quantize
from docproc.errors import Unavailable, Usage, no_extra

NO_WINDOW = 1 << 20
"""Gemma 2 looks 4,096 tokens back in every other layer; PaliGemma 2 was trained without that limit."""
ATTENTION = {1: "sdpa", 2: "eager"}
"""Generation -> kernel of the language model. Only `eager` caps the logits of attention, as Gemma 2 was trained."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to generate, with its processor."""

    checkpoint: Checkpoint
    model: Any
    tokenizer: Any
    images: Any
    image_token: int

    @property
    def device(self) -> str:
        """Where it computes."""
        return str(self.model.device)


SPREAD = "spread"
"""The device of a model that no GPU holds alone: all of them, then main memory, then the disk."""


def load(
    folder: Path,
    *,
    device: str = "",
    attention: str = "",
    weights: Weights = "",
    room: Mapping[int | str, int] | None = None,
) -> Loaded:
    """Return the checkpoint in `folder` on `device` ("cuda" where there is one, else "cpu"); nothing is downloaded.

    On the device "spread" accelerate divides the layers between all GPUs and main memory, by what is free there or
    by `room`: device (0, 1, "cpu") -> bytes; what fits nowhere is read from the disk at every step, which is slow.

    It computes in bfloat16 on a GPU and in float32 on a CPU, with the weights of the language model as they are or
    quantized to `weights`. Raises Unavailable when memory is short or a file is missing, Usage when files do not fit
    together.
    """
    checkpoint = check(folder)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    width = 4 if device == "cpu" or not torch.cuda.is_available() else 2
    spread = device == SPREAD
    if spread and weights:
        raise Usage("Quantised weights cannot be spread.", hint="Unset DOCPROC_VISION_WEIGHTS, or name one device.")
    if not spread:  # on a CPU the weights are quantised after they were loaded
        _afford(checkpoint.memory(width=width, weights="" if device == "cpu" else weights), device)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    processor = PaliGemmaProcessor.from_pretrained(folder, local_files_only=True)
    config = PaliGemmaConfig.from_pretrained(folder, local_files_only=True)
    _as_trained(config, checkpoint)
    image_token = _check_tokens(processor, config)
    kernels = {"text_config": attention or ATTENTION[checkpoint.generation], "vision_config": "sdpa"}
    where = _divided(room) if spread else {}
    model = _weights(folder, config, kernels, torch.float32 if width == 4 else torch.bfloat16, where)
    model.generation_config = _greedy(processor.tokenizer)
    quantize(model, weights)
    model = model if spread else model.to(device)
    return Loaded(checkpoint, model.eval(), processor.tokenizer, processor.image_processor, image_token)


def _as_trained(config: Any, checkpoint: Checkpoint) -> None:
    if checkpoint.generation == 2:
        config.text_config.sliding_window = NO_WINDOW
        if checkpoint.variant != "pt":  # transfers are trained without a cap on the last logits
            config.text_config.final_logit_softcapping = None


def _divided(room: Mapping[int | str, int] | None) -> dict[str, Any]:
    """Return how layers are divided; the folder for those that fit nowhere stays as long as this process."""
    try:
        import accelerate  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        raise no_extra("To spread a model over devices needs", error) from error
    overflow = tempfile.mkdtemp(prefix="docproc-spread-")
    atexit.register(shutil.rmtree, overflow, ignore_errors=True)
    return {"device_map": "auto", "max_memory": dict(room) if room else None, "offload_folder": overflow}


def _weights(folder: Path, config: Any, kernels: dict[str, str], dtype: Any, where: Mapping[str, Any]) -> Any:
    try:
        model, told = PaliGemmaForConditionalGeneration.from_pretrained(
            folder, config=config, dtype=dtype, attn_implementation=kernels,
            local_files_only=True, use_safetensors=True, output_loading_info=True, **where,
        )  # fmt: skip
    except (RuntimeError, OSError, ValueError) as error:
        raise Usage(
            f"The weights in {folder} do not fit its config.json.",
            hint="Copy the checkpoint again.",
            code="incomplete",
        ) from error
    missing = sorted(told["missing_keys"])
    if missing:
        raise Usage(
            f"The weights in {folder} lack {len(missing)} tensors, for example {missing[0]}.",
            hint="Copy the checkpoint again.",
            code="incomplete",
        )
    return model


def _check_tokens(processor: Any, config: Any) -> int:
    """Return the id of <image>; raise Usage unless the tokens of places are where the model has learnt them."""
    tokenizer = processor.tokenizer
    ends = ("<loc0000>", "<loc1023>", "<seg000>", "<seg127>", "<image>")
    first, last, codes, last_code, image = (tokenizer.convert_tokens_to_ids(token) for token in ends)
    rows = config.text_config.vocab_size
    if last - first != 1023 or last_code - codes != 127 or last_code >= rows or image != config.image_token_id:
        raise Usage(
            "The tokenizer numbers <loc>, <seg> and <image> otherwise than the model.",
            hint="Copy all files of one checkpoint together.",
            code="wrong-tokenizer",
        )
    return int(image)


def _greedy(tokenizer: Any) -> Any:
    """Return how to decode, whatever the checkpoint says of sampling and caches: greedily, with a growing cache."""
    return GenerationConfig(
        do_sample=False, num_beams=1, use_cache=True, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip


def _afford(needed: int, device: str) -> None:
    free = psutil.virtual_memory().available if device == "cpu" else torch.cuda.mem_get_info(device)[0]
    if needed > free:
        raise Unavailable(
            f"The model needs {needed / 1e9:.1f} GB of memory; {free / 1e9:.1f} GB are free on {device}.",
            hint="Take a smaller checkpoint or another device.",
            code="no-memory",
        )
