"""PaliGemma's arithmetic without what serving needs: the same numbers as transformers, faster to train on a CPU.

Weights have the names and shapes of `PaliGemmaForConditionalGeneration` except two. The kernel of the patches is one
for grey pictures: a model sees the mean of red, green and blue, which a kernel of three equal thirds does too. And
the head reads only the places whose next token is learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from docproc.errors import Usage

ROPE = 10_000.0
"""Base of the rotary positions, as in Gemma."""
RMS_EPSILON = 1e-6
LAYER_EPSILON = 1e-6
SPREAD = 0.02
"""Standard deviation of weights before training, as in Gemma and SigLIP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a model. `side` and `patch` in pixels; `rows` of the vocabulary, <image> among them."""

    side: int
    patch: int
    vision_width: int
    vision_inner: int
    vision_layers: int
    vision_heads: int
    width: int
    inner: int
    layers: int
    heads: int
    head_width: int
    rows: int

    @property
    def patches(self) -> int:
        """Patches of a picture, so many tokens it has."""
        return (self.side // self.patch) ** 2


class Lean(nn.Module):  # type: ignore[misc]
    """A PaliGemma of one picture, its prompt and its answer; `compiled` fuses the layers (a C++ compiler is needed).

    It computes in `dtype`; weights are float32.
    """

    def __init__(self, shape: Shape, *, dtype: torch.dtype = torch.float32, compiled: bool = False) -> None:
        super().__init__()
        self.shape, self.dtype = shape, dtype
        seen, width = shape.vision_width, shape.width
        self.patch = _weights(seen, shape.patch**2, spread=1 / shape.patch)
        self.patch_bias = _zeros(seen)
        self.places = _weights(shape.patches, seen)
        self.vision = nn.ModuleList(_vision(shape) for _ in range(shape.vision_layers))
        self.seen = nn.ParameterList([_ones(seen), _zeros(seen)])
        self.projector = _weights(width, seen)
        self.projector_bias = _zeros(width)
        self.embedding = _weights(shape.rows, width, spread=width**-0.5)
        self.text = nn.ModuleList(_text(shape) for _ in range(shape.layers))
        self.last = _zeros(width)
        self._see: Callable[..., Tensor] = torch.compile(see, dynamic=True) if compiled else see
        self._write: Callable[..., Tensor] = torch.compile(write, dynamic=True) if compiled else write

    def look(self, pixels: Tensor) -> Tensor:
        """Return [B, patches, vision width] for uint8[B, side, side] grey pixels: the tower's last states."""
        batch, patch = len(pixels), self.shape.patch
        grid = self.shape.side // patch
        x = (pixels.to(torch.float32) / 127.5 - 1).to(self.dtype)
        x = x.reshape(batch, grid, patch, grid, patch).transpose(2, 3).reshape(batch, grid * grid, patch * patch)
        x = functional.linear(x, self.patch.to(self.dtype), self.patch_bias.to(self.dtype))
        x = x + self.places.to(self.dtype)
        for layer in self.vision:
            x = self._see(x, self.shape.vision_heads, *layer.parameters())
        weight, bias = (each.to(self.dtype) for each in self.seen)
        return functional.layer_norm(x, x.shape[-1:], weight, bias, LAYER_EPSILON)

    def states(self, seen: Tensor, tokens: Tensor, prefix: Tensor) -> tuple[Tensor, Tensor]:
        """Return [B, T, width] after the last norm and before the last layer, for int64[B, T] `tokens` of text.

        The picture and the first `prefix` int64[B] tokens see each other both ways, the others what comes before.
        """
        images = functional.linear(seen, self.projector.to(self.dtype), self.projector_bias.to(self.dtype))
        words = functional.embedding(tokens, self.embedding).to(self.dtype) * self.shape.width**0.5
        x = torch.cat([images, words], 1)
        length = x.shape[1]
        at = torch.arange(length, device=x.device)
        mask = (at <= at[:, None]) | (at < self.shape.patches + prefix[:, None, None])
        bias = torch.zeros(mask.shape, dtype=self.dtype, device=x.device).masked_fill_(~mask, -torch.inf)
        bias = bias.repeat(1, self.shape.heads, 1)
        cos, sin = (each.to(x.device, self.dtype) for each in rotary(length, self.shape.head_width))
        before = x
        for layer in self.text:
            before = x
            x = self._write(x, bias, cos, sin, self.shape.heads, *layer.parameters())
        return rms(x, self.last)[:, self.shape.patches :], before[:, self.shape.patches :]

    def scores(self, states: Tensor) -> Tensor:
        """Return the logits over the vocabulary."""
        return functional.linear(states, self.embedding.to(self.dtype)).float()


def see(x: Tensor, heads: int, *weights: Tensor) -> Tensor:
    """Return what one layer of SigLIP makes of `x`."""
    w = [each.to(x.dtype) for each in weights]
    y = functional.layer_norm(x, x.shape[-1:], w[0], w[1], LAYER_EPSILON)
    y = functional.linear(y, w[2], w[3])
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in y.chunk(3, -1))
    y = attend(q, k, v).transpose(1, 2).flatten(2)
    x = x + functional.linear(y, w[4], w[5])
    y = functional.layer_norm(x, x.shape[-1:], w[6], w[7], LAYER_EPSILON)
    y = gelu(functional.linear(y, w[8], w[9]))
    return x + functional.linear(y, w[10], w[11])


def write(x: Tensor, bias: Tensor, cos: Tensor, sin: Tensor, heads: int, *weights: Tensor) -> Tensor:
    """Return what one layer of Gemma makes of `x`; `bias` [B, heads * L, L] is 0 where attention may go."""
    first, qkv, out, second, gate_up, down = weights
    y = functional.linear(rms(x, first), qkv.to(x.dtype))
    y = y.unflatten(-1, (heads + 2, -1)).transpose(1, 2)
    turned = y[:, : heads + 1]
    half = turned.shape[-1] // 2
    turned = turned * cos + torch.cat([-turned[..., half:], turned[..., :half]], -1) * sin
    q = turned[:, :heads].flatten(1, 2)  # all heads share one key and one value: their queries are one long matrix
    y = attend(q, turned[:, heads], y[:, heads + 1], bias)
    y = y.unflatten(1, (heads, -1)).transpose(1, 2).flatten(2)
    x = x + functional.linear(y, out.to(x.dtype))
    gate, up = functional.linear(rms(x, second), gate_up.to(x.dtype)).chunk(2, -1)
    return x + functional.linear(gelu(gate) * up, down.to(x.dtype))


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return attention as two products of matrices; the fused kernel's backward pass is far slower on a CPU."""
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return (scores if bias is None else scores + bias).softmax(-1) @ v


def gelu(x: Tensor) -> Tensor:
    """Return Gemma's and SigLIP's gelu, the one with a tangent; on a CPU that takes four times as long as the other.

    They differ by 5e-4 at most, less than bfloat16 rounds by, in which the other is computed therefore.
    """
    return functional.gelu(x, approximate="none" if x.dtype == torch.bfloat16 else "tanh")


def rms(x: Tensor, weight: Tensor) -> Tensor:
    """Return Gemma's norm: by the root of the mean square, times one more than `weight`."""
    squares = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square()
    return x * torch.rsqrt(squares / x.shape[-1] + RMS_EPSILON).to(x.dtype) * (1 + weight).to(x.dtype)


def rotary(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the cosines and sines [length, width] of rotary positions."""
    speeds = ROPE ** -(torch.arange(0, width, 2).float() / width)
    angles = torch.outer(torch.arange(length).float(), speeds)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def to_transformers(model: Lean) -> dict[str, Tensor]:
    """Return the weights by the names that transformers saves them under."""
    shape, found = model.shape, dict[str, Tensor]()
    grey = model.patch.detach().reshape(-1, 1, shape.patch, shape.patch) / 3
    tower = "vision_tower.vision_model."
    found[f"{tower}embeddings.patch_embedding.weight"] = grey.expand(-1, 3, -1, -1).contiguous()
    found[f"{tower}embeddings.patch_embedding.bias"] = model.patch_bias
    found[f"{tower}embeddings.position_embedding.weight"] = model.places
    for number, layer in enumerate(model.vision):
        found |= _named(f"{tower}encoder.layers.{number}.", SEE, [*layer.parameters()])
    found[f"{tower}post_layernorm.weight"], found[f"{tower}post_layernorm.bias"] = model.seen
    found["multi_modal_projector.linear.weight"] = model.projector
    found["multi_modal_projector.linear.bias"] = model.projector_bias
    found["language_model.model.embed_tokens.weight"] = model.embedding
    for number, layer in enumerate(model.text):
        found |= _named(f"language_model.model.layers.{number}.", WRITE, [*layer.parameters()], shape)
    found["language_model.model.norm.weight"] = model.last
    return {name: tensor.detach().contiguous() for name, tensor in found.items()}


@torch.no_grad()  # type: ignore[untyped-decorator]
def take(model: Lean, weights: Mapping[str, Tensor]) -> None:
    """Give the model the weights that `to_transformers` names, as saved by any release of transformers.

    Raises Usage when one is missing or has another shape.
    """
    wanted = to_transformers(model)
    found = {}
    for name, tensor in wanted.items():
        other = name.replace("vision_tower.vision_model.", "vision_tower.")
        found[name] = weights.get(name, weights.get(other, torch.empty(0))).float()
        if found[name].shape != tensor.shape:
            raise Usage(f"There is no {name} as {list(tensor.shape)}.", hint="Start from a model of this recipe.")
    tower, text = "vision_tower.vision_model.", "language_model.model."
    model.patch.copy_(found[f"{tower}embeddings.patch_embedding.weight"].sum(1).flatten(1))
    model.patch_bias.copy_(found[f"{tower}embeddings.patch_embedding.bias"])
    model.places.copy_(found[f"{tower}embeddings.position_embedding.weight"])
    for mine, name in zip(model.seen, ("weight", "bias"), strict=True):
        mine.copy_(found[f"{tower}post_layernorm.{name}"])
    model.projector.copy_(found["multi_modal_projector.linear.weight"])
    model.projector_bias.copy_(found["multi_modal_projector.linear.bias"])
    model.embedding.copy_(found[f"{text}embed_tokens.weight"])
    model.last.copy_(found[f"{text}norm.weight"])
    for start, names, layers in ((f"{tower}encoder.layers", SEE, model.vision), (f"{text}layers", WRITE, model.text)):
        for number, layer in enumerate(layers):
            for mine, group in zip(layer.parameters(), names, strict=True):
                mine.copy_(torch.cat([found[f"{start}.{number}.{name}"] for name in _full(group)]))


SEE = (
    "layer_norm1.weight", "layer_norm1.bias", ("q_proj.weight", "k_proj.weight", "v_proj.weight"),
    ("q_proj.bias", "k_proj.bias", "v_proj.bias"), "self_attn.out_proj.weight", "self_attn.out_proj.bias",
    "layer_norm2.weight", "layer_norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias",
)  # fmt: skip
"""Names of the weights of a layer of SigLIP, in order; those in brackets are one matrix here."""
WRITE = (
    "input_layernorm.weight", ("q_proj.weight", "k_proj.weight", "v_proj.weight"), "self_attn.o_proj.weight",
    "post_attention_layernorm.weight", ("gate_proj.weight", "up_proj.weight"), "mlp.down_proj.weight",
)  # fmt: skip
"""The same of a layer of Gemma."""


def _named(start: str, names: Any, weights: list[Tensor], shape: Shape | None = None) -> dict[str, Tensor]:
    found = {}
    for name, weight in zip(names, weights, strict=True):
        if isinstance(name, str):
            found[start + name] = weight
            continue
        parts = weight.chunk(len(name))
        if shape and len(name) == 3:  # one key and one value for all heads
            parts = weight.split([shape.heads * shape.head_width, shape.head_width, shape.head_width])
        found |= {start + each: part for each, part in zip(_full(name), parts, strict=True)}
    return found


def _full(names: str | Sequence[str]) -> list[str]:
    """Return the names of one matrix here with the part of the layer that they belong to."""
    if isinstance(names, str):
        return [names]
    group = "mlp." if names[0].startswith("gate") else "self_attn."
    return [group + name for name in names]


def _vision(shape: Shape) -> nn.ParameterList:
    width, inner = shape.vision_width, shape.vision_inner
    deep = SPREAD / (2 * shape.vision_layers) ** 0.5
    return nn.ParameterList([
        _ones(width), _zeros(width), _weights(3 * width, width, spread=width**-0.5), _zeros(3 * width),
        _weights(width, width, spread=deep), _zeros(width), _ones(width), _zeros(width),
        _weights(inner, width, spread=width**-0.5), _zeros(inner), _weights(width, inner, spread=deep), _zeros(width),
    ])  # fmt: skip


def _text(shape: Shape) -> nn.ParameterList:
    width, inner, head = shape.width, shape.inner, shape.head_width
    deep = SPREAD / (2 * shape.layers) ** 0.5
    return nn.ParameterList([
        _zeros(width), _weights((shape.heads + 2) * head, width, spread=width**-0.5),
        _weights(width, shape.heads * head, spread=deep), _zeros(width),
        _weights(2 * inner, width, spread=width**-0.5), _weights(width, inner, spread=deep),
    ])  # fmt: skip


def _weights(*shape: int, spread: float = SPREAD) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape) * spread)


def _zeros(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(*shape))


def _ones(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(*shape))
