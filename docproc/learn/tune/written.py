"""The files of what was trained in PyTorch: an adapter as peft writes it, a checkpoint as transformers does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from docproc.engines.paligemma import lora
from docproc.engines.paligemma.loading import Loaded
from docproc.learn.tune.parts import quiet
from docproc.learn.tune.result import copy_companions
from docproc.registry import Card

DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def write(loaded: Loaded, model: Any, base: Card | None, staged: Path) -> None:
    """Write `model`, which is that of `loaded` or a PeftModel around it (of the registered `base`), into a folder.

    Raises OSError when the disk is full.
    """
    try:
        if model is loaded.model:
            _write_checkpoint(staged, loaded)
        else:
            _write_adapter(staged, model, base.name if base else str(loaded.checkpoint.folder))
    except SafetensorError as error:
        raise OSError(str(error)) from error


def _write_adapter(staged: Path, model: Any, base: str) -> None:
    with quiet():
        model.save_pretrained(staged, save_embedding_layers=False)
    (staged / "README.md").unlink(missing_ok=True)  # peft's, with blanks to fill in
    config = json.loads((staged / lora.CONFIG).read_text("utf-8"))
    config["base_model_name_or_path"] = base
    (staged / lora.CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")


def _write_checkpoint(staged: Path, loaded: Loaded) -> None:
    """Write all weights in the numbers that the base is stored in, and the base's tokenizer and processor."""
    dtype = DTYPES[loaded.checkpoint.dtype]
    state = {name: tensor.to(dtype) for name, tensor in loaded.model.state_dict().items()}
    loaded.model.config.dtype = dtype
    with quiet():
        loaded.model.save_pretrained(staged, state_dict=state, max_shard_size="50GB")
    copy_companions(loaded.checkpoint.folder, staged)
    side = loaded.model.config.vision_config.image_size
    tokens = (side // loaded.model.config.vision_config.patch_size) ** 2
    for name in ("processor_config.json", "preprocessor_config.json"):
        if (staged / name).is_file():
            found = json.loads((staged / name).read_text("utf-8"))
            images = found.get("image_processor", found)
            if "size" in images:
                images["size"] = {"height": side, "width": side}
            if "image_seq_length" in images:
                images["image_seq_length"] = tokens
            (staged / name).write_text(json.dumps(found, indent=2) + "\n", "utf-8")
