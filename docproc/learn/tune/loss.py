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
    model, labels = loaded.model, batch.labels.to(loaded.model.device)
    learnt = labels != -100
    with torch.autocast(model.device.type, torch.bfloat16, enabled=plan.bf16):
        states = _hidden(batch, loaded, seen)[learnt]
        each = torch.cat(
            [
                checkpoint(_cross_entropy, model.lm_head, part, right, plan.smoothing, use_reentrant=False)
                for part, right in zip(states.split(CHUNK), labels[learnt].split(CHUNK), strict=True)
            ]
        )
    tokens = int(learnt.sum())
    if plan.mean == "token":
        return each.sum(), float(tokens), tokens
    return _by_example(each, learnt), float(len(labels)), tokens


def strayed(batch: Batch, loaded: Loaded, adapted: Any, plan: Plan, seen: Seen | None) -> Any:
    """Return the sum over a batch of how far an adapter leads from what its base would write (Li and Hoiem 2016).

    That is the Kullback-Leibler divergence of the adapted model's probabilities from those of the base, the mean over
    the tokens of each example's answer, or with the mean of tokens their sum. `adapted` is the PeftModel.
    """
    model, learnt = loaded.model, (batch.labels != -100).to(loaded.model.device)
    with torch.autocast(model.device.type, torch.bfloat16, enabled=plan.bf16):
        adapted.eval()  # nothing of the base is dropped
        with torch.no_grad(), adapted.disable_adapter():
            before = _hidden(batch, loaded, seen)[learnt]
        adapted.train()
        now = _hidden(batch, loaded, seen)[learnt]
        each = torch.cat(
            [
                checkpoint(_divergence, model.lm_head, *parts, use_reentrant=False)
                for parts in zip(now.split(CHUNK // 2), before.split(CHUNK // 2), strict=True)
            ]
        )
    return each.sum() if plan.mean == "token" else _by_example(each, learnt)


def _hidden(batch: Batch, loaded: Loaded, seen: Seen | None) -> Any:
    """Return [B, L, D], what the head gets."""
    model, device = loaded.model, loaded.model.device
    if seen is not None:
        image = model.model.multi_modal_projector(seen.features(list(batch.rows)))
    else:
        image = model.get_image_features(batch.pixels.to(device, model.dtype)).pooler_output
    return model.model(
        input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device),
        token_type_ids=batch.types.to(device), use_cache=False,
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=image)},
    ).last_hidden_state  # fmt: skip


def _by_example(each: Any, learnt: Any) -> Any:
    """Return the sum over examples of the mean over their tokens."""
    lengths = learnt.sum(1)
    return (each / lengths.repeat_interleave(lengths)).sum()


def _divergence(head: Any, now: Any, before: Any) -> Any:
    spoken, said = head(now).float().log_softmax(-1), head(before).float().log_softmax(-1)
    return functional.kl_div(spoken, said, reduction="none", log_target=True).sum(-1)


def _cross_entropy(head: Any, hidden: Any, right: Any, smoothing: float) -> Any:
    return functional.cross_entropy(head(hidden).float(), right, reduction="none", label_smoothing=smoothing)
