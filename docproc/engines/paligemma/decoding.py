"""How answers are decoded: with a cache that grows (the default), or one of fixed size, whose steps can be compiled.

With a cache of fixed size every step of an answer computes on the same shapes at the same places in memory, which is
what CUDA graphs need: `torch.compile` records a step once and replays it, so that a GPU no longer waits for Python
between its many small kernels. Images and prompts come in many lengths and are never compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, Literal, get_args

import torch
from transformers import StaticCache

from docproc.errors import Usage

Decode = Literal["", "static", "compiled"]
"""With a growing cache; with one of fixed size; with one of fixed size and its steps compiled."""
STEP = 256
"""Sizes of fixed caches come in steps of so many tokens: each size is compiled once."""
BACKEND = "inductor"
MODE = "reduce-overhead"
"""CUDA graphs, where there is a GPU."""


def decode_called(name: str) -> Decode:
    """Return the way of decoding; raise Usage for another word."""
    known: tuple[Decode, ...] = get_args(Decode)
    found = next((one for one in known if one == name), None)
    if found is None:
        raise Usage(
            f"Answers cannot be decoded as {name!r}.", hint="DOCPROC_VISION_DECODE: static, compiled, or empty."
        )
    return found


def prepare(model: Any, decode: Decode) -> None:
    """Set a PaliGemma up to decode that way; its weights stay as they are."""
    if not decode:
        return
    make = model.create_masks_for_generate

    def one_mask(*arguments: Any, **named: Any) -> Any:
        masks = make(*arguments, **named)
        return masks["full_attention"] if isinstance(masks, dict) else masks

    # transformers makes a mask per kind of layer for PaliGemma 2, which its own forward then takes for one mask and
    # fails on. Without a window (loading.NO_WINDOW) both kinds have the same.
    model.create_masks_for_generate = one_mask
    if decode == "compiled":
        decoder = model.model.language_model
        decoder.forward = _compiled_steps(decoder.forward)


def fixed_cache(model: Any, decode: Decode, tokens: int) -> Any:
    """Return a cache for `tokens` per row, of the next size there is; None to let it grow."""
    if not decode:
        return None
    config = copy(model.config.get_text_config())
    # A layer with a window counts its tokens in Python, so that every step is another and compiled anew.
    config.layer_types = ["full_attention"] * config.num_hidden_layers
    return StaticCache(config=config, max_cache_len=-(-tokens // STEP) * STEP)


def _compiled_steps(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return `forward`, compiled for single tokens and as it is for prompts."""
    options = {"mode": MODE} if BACKEND == "inductor" else {}
    step = torch.compile(forward, backend=BACKEND, dynamic=False, **options)

    def either(*arguments: Any, **named: Any) -> Any:
        embedded = named.get("inputs_embeds")
        return (step if embedded is not None and embedded.shape[1] == 1 else forward)(*arguments, **named)

    return either
