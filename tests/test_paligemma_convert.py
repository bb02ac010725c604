"""The checkpoints of big_vision: there, back, and what the models then compute; masks from code words."""

import json
import subprocess
import sys

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS, engine_of, picture

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma.checkpoint import check
from docproc.errors import Unavailable, Usage

torch = pytest.importorskip("torch")
from ml_dtypes import bfloat16  # noqa: E402

from docproc.engines.paligemma import convert, seg  # noqa: E402

pytestmark = pytest.mark.slow


def state_of(folder):
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text())
    return load_file(folder / "model.safetensors"), config


def write(folder):
    requests = [VisionRequest(picture(at), "detect thing", Limits(16)) for at in range(2)]
    return [(one.token_ids, one.scores) for one in engine_of(folder).generate(requests)]


@pytest.mark.parametrize("name", GENERATIONS)
def test_there_and_back_is_the_same(tiny_checkpoints, tmp_path, name):
    state, config = state_of(tiny_checkpoints / name)
    arrays = convert.to_big_vision(state, config)
    np.savez(tmp_path / "model.npz", **arrays)
    again = dict(convert.from_big_vision(convert.Arrays(tmp_path / "model.npz")))
    plain = {key.replace("vision_tower.vision_model.", "vision_tower."): tensor for key, tensor in again.items()}
    assert plain.keys() == state.keys()
    for key, tensor in state.items():
        assert np.array_equal(plain[key], tensor), key


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_converted_checkpoint_writes_the_same(tiny_checkpoints, tmp_path, name, monkeypatch):
    """In many shards, with a configuration that the arrays' shapes alone tell."""
    monkeypatch.setattr(convert, "SHARD", 200_000)
    state, config = state_of(tiny_checkpoints / name)
    np.savez(tmp_path / "model.npz", **convert.to_big_vision(state, config))
    convert.convert(tmp_path / "model.npz", tiny_checkpoints / name, tmp_path / "folder", variant="mix")
    assert len(list((tmp_path / "folder").glob("*.safetensors"))) > 3
    assert (check(tmp_path / "folder").side, check(tmp_path / "folder").variant) == (56, "mix")
    assert write(tmp_path / "folder") == write(tiny_checkpoints / name)


def test_bfloat16_arrays_are_read(tiny_checkpoints, tmp_path):
    """NumPy calls them |V2. The converted embedding is the rounded one; everything else is the same."""
    with np.load(tiny_checkpoints / "paligemma.npz") as arrays:
        assert arrays["params/llm/embedder/input_embedding"].dtype == np.dtype("V2")
    convert.convert(tiny_checkpoints / "paligemma.npz", tiny_checkpoints / "paligemma", tmp_path / "folder")
    state, _ = state_of(tiny_checkpoints / "paligemma")
    found = dict(convert.from_big_vision(convert.Arrays(tiny_checkpoints / "paligemma.npz")))
    name = "language_model.model.embed_tokens.weight"
    assert found[name].dtype == bfloat16
    expected = torch.from_numpy(state[name]).to(torch.bfloat16).float().numpy()
    assert np.array_equal(found[name].astype(np.float32), expected)
    assert len(write(tmp_path / "folder")) == 2


def test_shapes_are_those_of_big_vision(tiny_checkpoints):
    """Layers first, heads apart, as the official arrays of both generations have them."""
    for name in GENERATIONS:
        state, config = state_of(tiny_checkpoints / name)
        shapes = {key: array.shape for key, array in convert.to_big_vision(state, config).items()}
        layers, keys = (3, 1) if name == "paligemma" else (4, 2)
        attention = "params/img/Transformer/encoderblock/MultiHeadDotProductAttention_0"
        assert shapes["params/img/embedding/kernel"] == (14, 14, 3, 48)
        assert shapes["params/img/pos_embedding"] == (1, 16, 48)
        assert shapes[f"{attention}/query/kernel"] == (2, 48, 4, 12)
        assert shapes[f"{attention}/out/kernel"] == (2, 4, 12, 48)
        assert shapes["params/llm/layers/attn/q_einsum/w"] == (layers, 4, 64, 16)
        assert shapes["params/llm/layers/attn/kv_einsum/w"] == (layers, 2, keys, 64, 16)
        assert shapes["params/llm/layers/attn/attn_vec_einsum/w"] == (layers, 4, 16, 64)
        assert shapes["params/llm/layers/mlp/gating_einsum"] == (layers, 2, 64, 128)
        assert shapes["params/llm/layers/mlp/linear"] == (layers, 128, 64)
        norms = {key.split("/")[-2] for key in shapes if key.startswith("params/llm/layers/") and "norm" in key}
        assert len(norms) == (2 if name == "paligemma" else 4)


def test_the_largest_has_queries_scaled_otherwise():
    arrays = {name: np.zeros(shape) for name, shape in LARGE.items()}
    config = convert.configuration(arrays, 257152)
    assert config["text_config"]["query_pre_attn_scalar"] == 144
    assert config["vision_config"]["image_size"] == 28


LARGE = {
    "img/embedding/kernel": (14, 14, 3, 2), "img/pos_embedding": (1, 4, 2),
    "img/Transformer/encoderblock/MultiHeadDotProductAttention_0/query/kernel": (1, 2, 1, 2),
    "img/Transformer/encoderblock/MlpBlock_0/Dense_0/kernel": (1, 2, 4),
    "llm/layers/attn/q_einsum/w": (1, 2, 4608, 1), "llm/layers/attn/kv_einsum/w": (1, 2, 1, 4608, 1),
    "llm/layers/mlp/linear": (1, 3, 4608), "llm/embedder/input_embedding": (5, 4608),
    "llm/layers/post_ffw_norm/scale": (1, 4608),
}  # fmt: skip


def test_files_that_are_no_checkpoints_are_told(tiny_checkpoints, tmp_path):
    with pytest.raises(Unavailable, match="There is no"):
        convert.Arrays(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(Usage, match="no whole"):
        convert.Arrays(tmp_path / "text.npz")
    whole = (tiny_checkpoints / "paligemma.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Usage, match="no whole"):
        convert.Arrays(tmp_path / "cut.npz")
    np.savez(tmp_path / "pickle.npz", **{"img/embedding/kernel": np.array([{}], object)})
    with pytest.raises(Usage, match="breaks off"):
        convert.Arrays(tmp_path / "pickle.npz")["img/embedding/kernel"]
    with pytest.raises(Usage, match="no PaliGemma of big_vision"):
        convert.convert(tiny_checkpoints / "vae-oid.npz", tiny_checkpoints / "paligemma", tmp_path / "folder")


def test_the_tiny_checkpoints_are_written_from_the_command_line(tmp_path):
    command = [sys.executable, "-m", "docproc.engines.paligemma.tiny", str(tmp_path / "new")]
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "paligemma", "paligemma-things", "paligemma.npz", "paligemma2", "vae-oid.npz",
    ]  # fmt: skip


# The decoder of masks, once more in NumPy: sums over shifted views, nothing of torch.


def convolved(x, weight, bias, padding):
    """x[C, H, W], weight[out, in, k, k]."""
    size = weight.shape[-1]
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    high, wide = padded.shape[1] - size + 1, padded.shape[2] - size + 1
    found = np.tile(bias[:, None, None], (1, high, wide)).astype(np.float64)
    for row in range(size):
        for column in range(size):
            found += np.tensordot(weight[:, :, row, column], padded[:, row : row + high, column : column + wide], 1)
    return found


def doubled(x, weight, bias):
    """A transposed convolution, 4 x 4, stride 2, padding 1: every pixel paints a patch; weight[in, out, 4, 4]."""
    _, high, wide = x.shape
    canvas = np.zeros((weight.shape[1], 2 * high + 2, 2 * wide + 2))
    for row in range(4):
        for column in range(4):
            painted = np.tensordot(weight[:, :, row, column], x, (0, 0))
            canvas[:, row : row + 2 * high : 2, column : column + 2 * wide : 2] += painted
    return canvas[:, 1:-1, 1:-1] + bias[:, None, None]


def decoded_by_hand(arrays, codes):
    def layer(name):
        return arrays[f"{name}.weight"].astype(np.float64), arrays[f"{name}.bias"].astype(np.float64)

    x = np.zeros((512, 4, 4))
    for place, code in enumerate(codes):
        x[:, place // 4, place % 4] = arrays["_vq_vae._embedding"][code]
    x = np.maximum(convolved(x, *layer("decoder.0"), 0), 0)
    for block in ("decoder.2.net", "decoder.3.net"):
        inside = np.maximum(convolved(x, *layer(f"{block}.0"), 1), 0)
        inside = np.maximum(convolved(inside, *layer(f"{block}.2"), 1), 0)
        x = x + convolved(inside, *layer(f"{block}.4"), 0)
    for number in (4, 6, 8, 10):
        x = np.maximum(doubled(x, *layer(f"decoder.{number}")), 0)
    return convolved(x, *layer("decoder.12"), 0)[0]


def test_masks_are_those_of_another_implementation(tiny_checkpoints):
    path = tiny_checkpoints / "vae-oid.npz"
    codes = np.random.default_rng(3).integers(0, 128, (3, 16))
    with np.load(path) as arrays:
        expected = np.stack([decoded_by_hand(arrays, row) for row in codes])
    found = seg.MaskDecoder(path)(codes)
    assert found.shape == (3, 64, 64)
    assert expected.std() > 1e-3
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_no_masks_of_no_codes(tiny_checkpoints):
    assert seg.MaskDecoder(tiny_checkpoints / "vae-oid.npz")(np.zeros((0, 16), np.int64)).shape == (0, 64, 64)


@pytest.mark.parametrize("codes", [[[0] * 15], [[128] * 16], [[-1] * 16], [0] * 16])
def test_codes_that_are_none_are_told(tiny_checkpoints, codes):
    with pytest.raises(ValueError, match="16 codes"):
        seg.MaskDecoder(tiny_checkpoints / "vae-oid.npz")(np.array(codes))


def test_decoders_that_are_none_are_told(tiny_checkpoints, tmp_path):
    with pytest.raises(Unavailable, match="decoder of masks"):
        seg.MaskDecoder(tmp_path / "none.npz")
    with pytest.raises(Usage, match="is no decoder"):
        seg.MaskDecoder(tiny_checkpoints / "paligemma.npz")
    whole = (tiny_checkpoints / "vae-oid.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-5000])
    with pytest.raises(Usage, match="no whole"):
        seg.MaskDecoder(tmp_path / "cut.npz")
    np.savez(tmp_path / "turned.npz", **{name: np.zeros(shape[::-1]) for name, shape in seg.shapes().items()})
    with pytest.raises(Usage, match="has the shape"):
        seg.MaskDecoder(tmp_path / "turned.npz")
