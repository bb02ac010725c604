"""A checkpoint as OpenVINO runs it, for CPUs: images -> features, and the decoder with its keys and values.

The mask of the decoder is an input, drawn by `docproc.engines.paligemma.exported`: what attends to what is nowhere
left to a kernel. The embedding is a file of its own, of which only the rows that are used are ever read.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from docproc.engines.paligemma.adapters import Adapters
from docproc.engines.paligemma.exported import DECODER, EMBEDDING, FACTS, IMAGES, TOKENIZER
from docproc.engines.paligemma.loading import load
from docproc.engines.paligemma.quantize import Weights, weights_called
from docproc.errors import Unavailable
from docproc.registry import Registry


def export(model: str, target: Path, registry: Registry, *, weights: str = "") -> None:
    """Write a registered model or folder into the folder `target`; an adapter becomes a part of what is written.

    `weights` are those of the decoder: float32, or 8 or 4 bits by NNCF. Raises as loading does.
    """
    openvino, bits = _openvino(), weights_called(weights)
    located = registry.locate(model)
    loaded = load(located.folder, device="cpu", attention="eager")
    adapters = Adapters(loaded, registry)
    name = located.adapter.id if located.adapter else ""
    adapters.add(name)
    with adapters.using(name), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python values that tracing takes for constants, which they are
        tower, decoder = _Images(loaded.model), _Decoder(loaded.model)
        images = openvino.convert_model(tower.eval(), example_input=torch.rand(2, 3, *[loaded.checkpoint.side] * 2))
        layers = openvino.convert_model(decoder.eval(), example_input=decoder.example())
        rows = torch.arange(loaded.model.get_input_embeddings().num_embeddings)
        np.save(target / EMBEDDING, loaded.model.get_input_embeddings()(rows).numpy())
    if bits:
        layers = _compressed(layers, bits)
    openvino.save_model(images, target / IMAGES, compress_to_fp16=False)
    openvino.save_model(layers, target / DECODER, compress_to_fp16=False)
    shutil.copyfile(located.folder / TOKENIZER, target / TOKENIZER)
    checkpoint, tokenizer = loaded.checkpoint, loaded.tokenizer
    facts = {
        "side": checkpoint.side, "image_tokens": checkpoint.image_tokens, "variant": checkpoint.variant,
        "version": f"{checkpoint.generation}@{checkpoint.version}" + (f"+{name}" if name else ""),
        "weights": bits, "longest": checkpoint.longest, "layers": decoder.layers, "heads": decoder.heads,
        "head": decoder.head, "bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id,
        "hidden": sorted(tokenizer.all_special_ids),
    }  # fmt: skip
    (target / FACTS).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


class _Images(torch.nn.Module):  # type: ignore[misc]
    """Pixels, float32[B, 3, S, S] from -1 to 1 -> features[B, tokens, width]."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Any) -> Any:
        return self.model.get_image_features(pixels).pooler_output


class _Decoder(torch.nn.Module):  # type: ignore[misc]
    """The language model with its head.

    Embedded tokens[B, T, width], mask[B, 1, T, P + T], positions[B, T], keys and values of P tokens, layer by layer
    -> logits[B, rows] of the last token, keys and values of P + T tokens.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.decoder, self.head_ = model.model.language_model, model.lm_head
        config = model.config.text_config
        self.two = config.model_type == "gemma2"
        self.width, self.layers = config.hidden_size, config.num_hidden_layers
        self.heads, self.head = config.num_key_value_heads, config.head_dim

    def forward(self, embedded: Any, mask: Any, positions: Any, past: list[Any]) -> Any:
        kept = _Past(past)
        hidden = self.decoder(
            inputs_embeds=embedded,
            attention_mask={"full_attention": mask, "sliding_attention": mask} if self.two else mask,
            position_ids=positions, past_key_values=kept, use_cache=True,
        ).last_hidden_state  # fmt: skip
        return (self.head_(hidden[:, -1]), *kept.now)

    def example(self) -> tuple[Any, ...]:
        """Return inputs to trace with."""
        past = [torch.rand(2, self.heads, 3, self.head) for _ in range(2 * self.layers)]
        positions = torch.arange(4, 9)[None].expand(2, 5)
        return torch.rand(2, 5, self.width), torch.zeros(2, 1, 5, 8), positions, past


class _Past:
    """What layers of transformers ask of a cache, over plain tensors; theirs cannot begin empty in a graph."""

    is_compileable = False

    def __init__(self, past: Sequence[Any]) -> None:
        self._past = past
        self.now: list[Any] = []

    def get_seq_length(self, *_: Any) -> Any:
        return self._past[0].shape[2]

    def update(self, keys: Any, values: Any, layer: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        found = tuple(
            torch.cat([before, new], 2)
            for before, new in zip(self._past[2 * layer : 2 * layer + 2], (keys, values), strict=True)
        )
        self.now.extend(found)
        return found[0], found[1]


def _compressed(decoder: Any, weights: Weights) -> Any:
    try:
        import nncf  # noqa: PLC0415  (slow, and only for this)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"Exporting with {weights} weights needs {error.name}, which is not installed.",
            hint="pip install nncf",
            code="no-extra",
        ) from error
    logging.getLogger("nncf").setLevel(logging.ERROR)
    mode = nncf.CompressWeightsMode.INT8_SYM if weights == "int8" else nncf.CompressWeightsMode.INT4_SYM
    options = {} if weights == "int8" else {"group_size": 64, "ratio": 1.0}
    return nncf.compress_weights(decoder, mode=mode, **options)


def _openvino() -> Any:
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # else it reports its use
    try:
        import openvino  # noqa: PLC0415  (not there on every platform)
    except ModuleNotFoundError as error:
        raise Unavailable(
            "Exporting needs openvino, which is not installed.", hint="pip install openvino", code="no-extra"
        ) from error
    return openvino
