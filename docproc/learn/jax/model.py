"""PaliGemma, both generations, over the arrays of big_vision's .npz as they are: a dict of name -> array.

Written from big_vision (models/vit.py, models/ppp/gemma.py, models/proj/paligemma/paligemma.py). Names are those of
the file without `params/`; layers of a tower are stacked on the first axis and run in one `scan`. LoRA stands beside
the array it changes: `NAME:a` and `NAME:b`, stacked as that is.

B is the batch, N image tokens, T text tokens, S suffix tokens, D the width of the language model, V its vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Params = Mapping[str, Array]

BLOCK = "img/Transformer/encoderblock/"
LAYERS = "llm/layers/"
ATTENTION_CAP = 50.0
"""Gemma 2's bound of the logits of attention (big_vision, configs of PaliGemma 2)."""
WAVELENGTH = 10_000
"""Of rotary positions, both generations."""
EPSILON = 1e-6
SCALE_27B = 144
"""Of the queries of the largest, where the others scale by the width of a head: 4608 / 32."""
WIDTH_27B = 4608


@dataclass(frozen=True, slots=True)
class How:
    """How to compute: products in `dtype`, all else in float32; `remat` computes layers twice to save memory.

    `dropout` (0-1) falls behind the attention and the MLP of every decoder layer where a key is given; `lora` is
    what products of adapters are multiplied by.
    """

    dtype: Any = jnp.float32
    remat: bool = False
    dropout: float = 0.0
    lora: float = 1.0


@dataclass(frozen=True, slots=True)
class Product:
    """A product as einsums: with the whole array; with a LoRA's `a`, and what that gives with its `b`.

    `inputs` and `outputs` say which axes of one layer's array are its inputs and outputs; the first axis of arrays
    that hold two matrices is neither.
    """

    whole: str
    into: str
    out: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_PLAIN = Product("btd,df->btf", "btd,dr->btr", "btr,rf->btf", (0,), (1,))
_BY_HEAD = Product("btd,dnh->btnh", "btd,dr->btr", "btr,rnh->btnh", (0,), (1, 2))
_JOINED = Product("btnh,nhd->btd", "btnh,nhr->btr", "btr,rd->btd", (0, 1), (2,))
_HEADS = "MultiHeadDotProductAttention_0"
PRODUCTS = {
    "attn/q_einsum/w": Product("btd,ndh->btnh", "btd,dr->btr", "btr,rnh->btnh", (1,), (0, 2)),
    "attn/kv_einsum/w": Product("btd,ckdh->cbtkh", "btd,cdr->cbtr", "cbtr,crkh->cbtkh", (2,), (1, 3)),
    "attn/attn_vec_einsum/w": _JOINED,
    "mlp/gating_einsum": Product("btd,cdf->cbtf", "btd,cdr->cbtr", "cbtr,crf->cbtf", (1,), (2,)),
    "mlp/linear": _PLAIN,
    **{f"{_HEADS}/{name}/kernel": _BY_HEAD for name in ("query", "key", "value")},
    f"{_HEADS}/out/kernel": _JOINED,
    **{f"MlpBlock_0/Dense_{number}/kernel": _PLAIN for number in (0, 1)},
    "img/head/kernel": _PLAIN,
}
"""Array of a layer of either tower, or the projector's -> its product."""


def generation_of(params: Mapping[str, Any]) -> int:
    """Return 2 where the feed-forward layers have a norm behind them, as only Gemma 2 has; else 1."""
    return 2 if f"{LAYERS}post_ffw_norm/scale" in params else 1


def image_tokens(params: Params, pixels: Array, how: How) -> Array:
    """Return what the language model sees of images: float[B, H, W, 3] from -1 to 1 -> [B, N, D] in `how.dtype`."""
    kernel = params["img/embedding/kernel"]
    side = kernel.shape[0]
    rows, columns = pixels.shape[1] // side, pixels.shape[2] // side
    patches = pixels.reshape(-1, rows, side, columns, side, 3).astype(how.dtype)
    x = jnp.einsum("byhxwc,hwcd->byxd", patches, kernel.astype(how.dtype))
    x = x.reshape(len(pixels), rows * columns, -1) + params["img/embedding/bias"].astype(how.dtype)
    x = x + params["img/pos_embedding"].astype(how.dtype)
    x = _scan(partial(_vision_layer, how=how), x, _stacked(params, BLOCK), how)
    x = _layer_norm(x, params, "img/Transformer/encoder_norm")
    return _dense(x, params, "img/head", how)


def hidden(params: Params, pixels: Array, tokens: Array, prefix: Array, how: How, key: Array | None = None) -> Array:
    """Return the last hidden states, [B, N + T, D], of images, then text: int[B, T], padded on the right.

    The image and the first `prefix` (int[B]) tokens of the text see each other both ways; the rest sees what comes
    before it, so that padding behind it is seen by nothing. With a `key` there is dropout.
    """
    image = image_tokens(params, pixels, how)
    table = params["llm/embedder/input_embedding"]
    text = table[tokens].astype(how.dtype) * jnp.asarray(math.sqrt(table.shape[1]), how.dtype)
    x = jnp.concatenate([image, text], axis=1)
    length, both = x.shape[1], image.shape[1] + prefix
    place = jnp.arange(length)
    seen = (place[None, None, :] < both[:, None, None]) | (place[None, None, :] <= place[None, :, None])
    layers = _stacked(params, LAYERS)
    if key is not None and how.dropout:
        layers["key"] = jax.random.split(key, len(layers["mlp/linear"]))
    x = _scan(partial(_text_layer, seen=seen, turns=_turns(length, layers), how=how), x, layers, how)
    return _rms_norm(x, params["llm/final_norm/scale"])


def logits_at(params: Params, states: Array, places: Array) -> Array:
    """Return float32[B, S, V]: what is said of the token behind each of `places`, int[B, S], of `states`."""
    wanted = jnp.take_along_axis(states, places[:, :, None], axis=1)
    table = params["llm/embedder/input_embedding"].astype(wanted.dtype)
    return jnp.einsum("bsd,vd->bsv", wanted, table, preferred_element_type=jnp.float32)


def _scan(layer: Any, x: Array, stacked: dict[str, Array], how: How) -> Array:
    step = jax.checkpoint(layer) if how.remat else layer
    return jax.lax.scan(lambda x, one: (step(x, one), None), x, stacked)[0]


def _stacked(params: Params, under: str) -> dict[str, Array]:
    return {name[len(under) :]: array for name, array in params.items() if name.startswith(under)}


def _vision_layer(x: Array, one: Params, how: How) -> Array:
    y = _layer_norm(x, one, "LayerNorm_0")
    query, key, value = (_dense(y, one, f"{_HEADS}/{name}", how) for name in ("query", "key", "value"))
    scores = jnp.einsum("btnh,bsnh->bnts", query, key, preferred_element_type=jnp.float32)
    weights = jax.nn.softmax(scores / math.sqrt(query.shape[-1])).astype(y.dtype)
    x = x + _dense(jnp.einsum("bnts,bsnh->btnh", weights, value), one, f"{_HEADS}/out", how)
    y = _dense(_layer_norm(x, one, "LayerNorm_1"), one, "MlpBlock_0/Dense_0", how)
    return x + _dense(_gelu(y), one, "MlpBlock_0/Dense_1", how)


def _text_layer(x: Array, one: Params, *, seen: Array, turns: tuple[Array, Array], how: How) -> Array:
    keys = jax.random.split(one["key"]) if "key" in one else None
    second = "post_ffw_norm/scale" in one
    y = _attended(_rms_norm(x, one["pre_attention_norm/scale"]), one, seen, turns, how)
    y = _rms_norm(y, one["post_attention_norm/scale"]) if second else y
    x = x + (y if keys is None else _dropped(y, keys[0], how.dropout))
    y = _rms_norm(x, one["pre_ffw_norm/scale"])
    gate, up = _product(y, one, "mlp/gating_einsum", how)
    y = _product(_gelu(gate) * up, one, "mlp/linear", how)
    y = _rms_norm(y, one["post_ffw_norm/scale"]) if second else y
    return x + (y if keys is None else _dropped(y, keys[1], how.dropout))


def _attended(x: Array, one: Params, seen: Array, turns: tuple[Array, Array], how: How) -> Array:
    second = "post_ffw_norm/scale" in one
    query = _turned(_product(x, one, "attn/q_einsum/w", how), turns)
    key, value = _product(x, one, "attn/kv_einsum/w", how)
    key = _turned(key, turns)
    batch, length, heads, width = query.shape
    scale = SCALE_27B if second and x.shape[-1] == WIDTH_27B else width
    grouped = (query / jnp.asarray(math.sqrt(scale), query.dtype)).reshape(batch, length, key.shape[2], -1, width)
    scores = jnp.einsum("btkgh,bskh->bkgts", grouped, key, preferred_element_type=jnp.float32)
    if second:
        scores = ATTENTION_CAP * jnp.tanh(scores / ATTENTION_CAP)
    weights = jax.nn.softmax(jnp.where(seen[:, None, None], scores, -1e30)).astype(x.dtype)
    found = jnp.einsum("bkgts,bskh->btkgh", weights, value).reshape(batch, length, heads, width)
    return _product(found, one, "attn/attn_vec_einsum/w", how)


def _product(x: Array, one: Params, name: str, how: How) -> Array:
    product = PRODUCTS[name]
    found = jnp.einsum(product.whole, x, one[name].astype(x.dtype))
    if f"{name}:a" in one:
        small = jnp.einsum(product.into, x, one[f"{name}:a"].astype(x.dtype))
        found = found + jnp.einsum(product.out, small, one[f"{name}:b"].astype(x.dtype)) * how.lora
    return found


def _turns(length: int, layers: Params) -> tuple[Array, Array]:
    """Return cosines and sines, float32[T, 1, H / 2], of positions from 0."""
    half = layers["attn/q_einsum/w"].shape[-1] // 2
    angles = jnp.arange(length)[:, None, None] / WAVELENGTH ** (jnp.arange(half) / half)
    return jnp.cos(angles), jnp.sin(angles)


def _turned(x: Array, turns: tuple[Array, Array]) -> Array:
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cos, sin = turns
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x.dtype)


def _dropped(x: Array, key: Array, share: float) -> Array:
    return jnp.where(jax.random.bernoulli(key, 1 - share, x.shape), x / (1 - share), 0).astype(x.dtype)


def _rms_norm(x: Array, scale: Array) -> Array:
    wide = x.astype(jnp.float32)
    found = wide * jax.lax.rsqrt(jnp.mean(wide**2, -1, keepdims=True) + EPSILON)
    return (found * (1 + scale.astype(jnp.float32))).astype(x.dtype)


def _layer_norm(x: Array, params: Params, name: str) -> Array:
    wide = x.astype(jnp.float32)
    centred = wide - jnp.mean(wide, -1, keepdims=True)
    found = centred * jax.lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + EPSILON)
    scale, bias = (params[f"{name}/{one}"].astype(jnp.float32) for one in ("scale", "bias"))
    return (found * scale + bias).astype(x.dtype)


def _dense(x: Array, params: Params, name: str, how: How) -> Array:
    return _product(x, params, f"{name}/kernel", how) + params[f"{name}/bias"].astype(x.dtype)


def _gelu(x: Array) -> Array:
    return jax.nn.gelu(x, approximate=True)
