"""Weights of fewer bits: of the linear layers of the language model alone, which are nearly all of them.

The vision tower, the projector and the embedding (which is the head too) stay as they are: they are small, and
errors in them reach every token. Values between layers are not touched ("weight-only").
"""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import torch

from docproc.errors import Usage, no_extra

BLOCK = 64
"""What the sides of a matrix must be divisible by for 4 bits: those of all official models are."""
Weights = Literal["", "int8", "int4"]
"""As stored; 8 bits with a scale per row (torchao); 4 bits, nf4 in blocks of 64 (bitsandbytes)."""


def weights_called(name: str) -> Weights:
    """Return the kind of weights; raise Usage for another word."""
    known: tuple[Weights, ...] = get_args(Weights)
    found = next((one for one in known if one == name), None)
    if found is None:
        raise Usage(f"There are no {name} weights.", hint="DOCPROC_VISION_WEIGHTS is int8, int4, or empty.")
    return found


def quantize(model: Any, weights: Weights) -> None:
    """Replace the linear layers of a PaliGemma's language model; raise Unavailable when the package is missing.

    They become small at once with "int8", and on their way to another device with "int4".
    """
    if not weights:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kernels that were not built for this machine
            (_int8 if weights == "int8" else _int4)(model.model.language_model)
    except ModuleNotFoundError as error:
        raise no_extra(f"Weights in {weights} need", error, "quantized") from error


def _int8(decoder: Any) -> None:
    from torchao.quantization import Int8WeightOnlyConfig, quantize_  # noqa: PLC0415  (slow, and not for everybody)

    quantize_(decoder, Int8WeightOnlyConfig())


def _int4(decoder: Any) -> None:
    from bitsandbytes.nn import Linear4bit, Params4bit  # noqa: PLC0415

    linear = [(name, one) for name, one in decoder.named_modules() if isinstance(one, torch.nn.Linear)]
    layers = [(name, one) for name, one in linear if one.out_features % BLOCK == 0 == one.in_features % BLOCK]
    for name, layer in layers:
        small = Linear4bit(
            layer.in_features, layer.out_features, bias=layer.bias is not None, compute_dtype=layer.weight.dtype,
            quant_type="nf4",
        )  # fmt: skip
        small.weight = Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4", module=small)
        if layer.bias is not None:
            small.bias = layer.bias
        parent, _, own = name.rpartition(".")
        setattr(decoder.get_submodule(parent), own, small)
