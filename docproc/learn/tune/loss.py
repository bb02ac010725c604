"""What is made smaller: how unlikely the model finds the right answers. Only answers count, never prompts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers.modeling_outputs import BaseModelOutputWithPooling

from docproc.engines.paligemma.loading import Loaded
from docproc.learn.tune.batches import Batch, pixels_of
from docproc.learn.tune.plan import Plan
from docproc.learn.tune.rows import Row

CHUNK = 512
"""Positions whose probabilities are in memory at a time: of 257,152 tokens in float32, half a gigabyte."""
KEPT_BYTES = 2_000_000_000
"""Features of images that are kept when the vision tower is frozen: of 1,600 images at 448 pixels in float32."""


@dataclass(slots=True)
class Seen:
    """What a frozen vision tower sees in images: each is encoded once, alone, so that its company changes nothing.

    Features are `kept` until they are KEPT_BYTES, on the device.
    """

    loaded: Loaded
    kept: dict[Path, Any] = field(default_factory=dict)
    size: int = 0

    def features(self, rows: list[Row]) -> Any:
        """Return [B, tokens, width of the tower]."""
        return torch.stack([self._one(row) for row in rows])

    def _one(self, row: Row) -> Any:
        if row.image not in self.kept:
            model = self.loaded.model
            with torch.no_grad():
                pixels = pixels_of([row], self.loaded).to(model.device, model.dtype)
                found = model.model.vision_tower(pixels).last_hidden_state[0]
            self.size += found.numel() * found.element_size()
            if self.size > KEPT_BYTES:
                self.size -= found.numel() * found.element_size()
                return found
            self.kept[row.image] = found
        return self.kept[row.image]


def summed_loss(batch: Batch, loaded: Loaded, plan: Plan, seen: Seen | None) -> tuple[Any, float, int]:
    """Return the sum of the losses of a batch, what to divide it by for their mean, and the tokens that were learnt.

    With the mean of examples an example's loss is the mean over its tokens, else each token counts. A token's loss is
    its cross-entropy with labels smoothed by `plan.smoothing`. The head is computed where something is learnt alone.
    """
    model, device = loaded.model, loaded.model.device
    labels = batch.labels.to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=plan.bf16):
        if seen is not None:
            image = model.model.multi_modal_projector(seen.features(list(batch.rows)))
        else:
            image = model.get_image_features(batch.pixels.to(device, model.dtype)).pooler_output
        hidden = model.model(
            input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device),
            token_type_ids=batch.types.to(device), use_cache=False,
            mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=image)},
        ).last_hidden_state  # fmt: skip
        learnt = labels != -100
        each = torch.cat(
            [
                checkpoint(_cross_entropy, model.lm_head, part, right, plan.smoothing, use_reentrant=False)
                for part, right in zip(hidden[learnt].split(CHUNK), labels[learnt].split(CHUNK), strict=True)
            ]
        )
    tokens = int(learnt.sum())
    if plan.mean == "token":
        return each.sum(), float(tokens), tokens
    lengths = learnt.sum(1)
    return (each / lengths.repeat_interleave(lengths)).sum(), float(len(labels)), tokens


def _cross_entropy(head: Any, hidden: Any, right: Any, smoothing: float) -> Any:
    return functional.cross_entropy(head(hidden).float(), right, reduction="none", label_smoothing=smoothing)
