"""The models of big_vision once more in NumPy, from its own arrays: what a converted checkpoint must compute.

Written from its code (models/ppp/gemma.py, models/vit.py) in einsums over heads that are kept apart, so that a
mapping wrong both ways is found too: gate and up exchanged, heads in another order, a norm in another's place.
"""

import json
import math

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS

from docproc.engines.paligemma.loading import load

torch = pytest.importorskip("torch")
from docproc.engines.paligemma import convert  # noqa: E402


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x):
    raised = np.exp(x - x.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def layer_norm(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * scale + bias


def rms_norm(x, scale):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * (1 + scale)


def rope(x, positions):
    """x[T, N, H]: halves turned by the position, slower and slower."""
    half = x.shape[-1] // 2
    angles = positions[:, None, None] / 10_000 ** (np.arange(half) / half)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate(
        [first * np.cos(angles) - second * np.sin(angles), second * np.cos(angles) + first * np.sin(angles)], -1
    )


def image_tokens(arrays, pixels):
    """pixels[H, W, 3] from -1 to 1 -> tokens as wide as the language model."""
    side = pixels.shape[0] // 14
    patches = pixels.reshape(side, 14, side, 14, 3)
    x = np.einsum("ahbwc,hwcd->abd", patches, arrays["img/embedding/kernel"]) + arrays["img/embedding/bias"]
    x = x.reshape(side * side, -1) + arrays["img/pos_embedding"][0]
    block = "img/Transformer/encoderblock"
    layers = len(arrays[f"{block}/LayerNorm_0/scale"])
    for layer in range(layers):
        one = {name[len(block) + 1 :]: array[layer] for name, array in arrays.items() if name.startswith(f"{block}/")}
        y = layer_norm(x, one["LayerNorm_0/scale"], one["LayerNorm_0/bias"])
        head = "MultiHeadDotProductAttention_0"
        query, key, value = (
            np.einsum("td,dnh->tnh", y, one[f"{head}/{name}/kernel"]) + one[f"{head}/{name}/bias"]
            for name in ("query", "key", "value")
        )
        weights = softmax(np.einsum("tnh,snh->nts", query, key) / math.sqrt(query.shape[-1]))
        seen = np.einsum("nts,snh->tnh", weights, value)
        x = x + np.einsum("tnh,nhd->td", seen, one[f"{head}/out/kernel"]) + one[f"{head}/out/bias"]
        y = layer_norm(x, one["LayerNorm_1/scale"], one["LayerNorm_1/bias"])
        y = gelu(y @ one["MlpBlock_0/Dense_0/kernel"] + one["MlpBlock_0/Dense_0/bias"])
        x = x + y @ one["MlpBlock_0/Dense_1/kernel"] + one["MlpBlock_0/Dense_1/bias"]
    norm = "img/Transformer/encoder_norm"
    x = layer_norm(x, arrays[f"{norm}/scale"], arrays[f"{norm}/bias"])
    return x @ arrays["img/head/kernel"] + arrays["img/head/bias"]


def last_logits(arrays, image, ids):
    """image tokens, then the prompt, all seeing each other; positions from 0."""
    table = arrays["llm/embedder/input_embedding"]
    x = np.concatenate([image, table[ids] * math.sqrt(table.shape[1])])
    second = "llm/layers/post_ffw_norm/scale" in arrays
    for layer in range(len(arrays["llm/layers/mlp/linear"])):
        one = {name[11:]: array[layer] for name, array in arrays.items() if name.startswith("llm/layers/")}
        y = attended(one, rms_norm(x, one["pre_attention_norm/scale"]), 50.0 if second else None)
        x = x + (rms_norm(y, one["post_attention_norm/scale"]) if second else y)
        y = rms_norm(x, one["pre_ffw_norm/scale"])
        gate, up = one["mlp/gating_einsum"]
        y = (gelu(y @ gate) * (y @ up)) @ one["mlp/linear"]
        x = x + (rms_norm(y, one["post_ffw_norm/scale"]) if second else y)
    return rms_norm(x[-1], arrays["llm/final_norm/scale"]) @ table.T


def attended(one, x, cap):
    query = np.einsum("td,ndh->tnh", x, one["attn/q_einsum/w"])
    key, value = np.einsum("sd,ckdh->cskh", x, one["attn/kv_einsum/w"])
    positions = np.arange(len(x))
    query, key = rope(query, positions) / math.sqrt(query.shape[-1]), rope(key, positions)
    grouped = query.reshape(len(x), key.shape[1], -1, query.shape[-1])
    logits = np.einsum("tkgh,skh->kgts", grouped, key)
    if cap is not None:
        logits = cap * np.tanh(logits / cap)
    seen = np.einsum("kgts,skh->tkgh", softmax(logits), value).reshape(query.shape)
    return np.einsum("tnh,nhd->td", seen, one["attn/attn_vec_einsum/w"])


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_converted_checkpoint_computes_what_big_vision_does(tiny_checkpoints, tmp_path, name):
    from safetensors.numpy import load_file

    source = tiny_checkpoints / name
    config = json.loads((source / "config.json").read_text())
    np.savez(tmp_path / "model.npz", **convert.to_big_vision(load_file(source / "model.safetensors"), config))
    convert.convert(tmp_path / "model.npz", source, tmp_path / "folder", variant="mix")
    loaded = load(tmp_path / "folder", device="cpu")

    pixels = np.random.default_rng(1).uniform(-1, 1, (56, 56, 3))
    prompt = loaded.tokenizer("<bos>detect the thing\n", add_special_tokens=False).input_ids
    ids = torch.tensor([[loaded.image_token] * 16 + prompt])
    with torch.inference_mode():
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
        features = loaded.model.get_image_features(tensor).pooler_output[0].numpy()
        logits = loaded.model(input_ids=ids, token_type_ids=torch.zeros_like(ids), pixel_values=tensor).logits[0, -1]

    with np.load(tmp_path / "model.npz") as file:
        arrays = {key.removeprefix("params/"): file[key].astype(np.float64) for key in file.files}
    image = image_tokens(arrays, pixels)
    expected = last_logits(arrays, image, prompt)
    moved = np.abs(features - image).max(), np.abs(logits.numpy() - expected).max()
    print(f"{name}: image tokens differ by {moved[0]:.1e} of {np.abs(image).max():.1f}, logits by {moved[1]:.1e}")
    assert moved[0] < 1e-4
    assert moved[1] < 1e-3
