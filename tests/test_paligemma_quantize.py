"""Weights of 8 and 4 bits: of the language model's layers alone, near the full ones, with adapters beside them."""

import pytest
from paligemma_tiny import GENERATIONS, engine_of, make_adapter, picture, prompt_ids

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.engines.paligemma.loading import load
from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

torch = pytest.importorskip("torch")
PACKAGES = {"int8": "torchao", "int4": "bitsandbytes"}
FAR = {"int8": 0.1, "int4": 0.6}
"""Share that logits of the tiny models may move: their random weights have no favourite token to hold on to."""


@pytest.fixture(params=PACKAGES)
def weights(request):
    pytest.importorskip(PACKAGES[request.param], reason="the extra `quantized` is not installed")
    return request.param


def logits(loaded):
    ids = torch.tensor([prompt_ids(type("Engine", (), {"_loaded": loaded}), "ocr")])
    pixels = torch.full((1, 3, 56, 56), 0.3)
    with torch.inference_mode():
        return loaded.model(input_ids=ids, token_type_ids=torch.zeros_like(ids), pixel_values=pixels).logits[0, -1]


@pytest.mark.parametrize("name", GENERATIONS)
def test_logits_move_a_little(tiny_checkpoints, name, weights):
    full = logits(load(tiny_checkpoints / name, device="cpu"))
    small = logits(load(tiny_checkpoints / name, device="cpu", weights=weights))
    moved = float((full - small).norm() / full.norm())
    print(f"{name}, {weights}: logits move by {moved:.3f}")
    assert 0 < moved < FAR[weights]


def test_only_layers_of_the_language_model_change(tiny_checkpoints, weights):
    """The vision tower, the projector and the embedding, which is the head, are as they were, and images too."""
    full = load(tiny_checkpoints / "paligemma2", device="cpu").model
    small = load(tiny_checkpoints / "paligemma2", device="cpu", weights=weights).model
    kept = dict(small.named_parameters())
    for name, weight in full.named_parameters():
        if not (".language_model.layers." in name and "_proj" in name):
            assert torch.equal(kept[name], weight), name
    changed = [
        type(one.weight).__name__
        for one in small.model.language_model.layers[0].mlp.children()
        if hasattr(one, "weight")
    ]
    assert set(changed) == {"Int8Tensor" if weights == "int8" else "Params4bit"}
    assert small.lm_head.weight is small.get_input_embeddings().weight
    pixels = torch.full((1, 3, 56, 56), 0.3)
    with torch.inference_mode():
        images = [model.get_image_features(pixels).pooler_output for model in (full, small)]
    assert torch.equal(*images)


def test_the_setting_is_used_and_told(tiny_checkpoints, tmp_path, weights):
    base = tiny_checkpoints / "paligemma2"
    make_adapter(tmp_path / "mine", base)
    engine = PaliGemmaEngine(Settings(vision_weights=weights), base, device="cpu")
    assert engine.version == f"{engine_of(base).version}:{weights}"
    requests = [VisionRequest(picture(), "ocr", Limits(8), adapter) for adapter in ("", str(tmp_path / "mine"), "")]
    own, adapted, again = (one.token_ids for one in engine.generate(requests))
    assert own == again
    assert own != adapted
    assert adapted == engine_of(base).generate(requests)[1].token_ids, "what the adapter adds is in full"


def test_other_words_and_missing_packages_are_told(tiny_checkpoints, monkeypatch):
    with pytest.raises(Usage, match="int8, int4"):
        PaliGemmaEngine(Settings(vision_weights="int2"), tiny_checkpoints / "paligemma")
    monkeypatch.setitem(__import__("sys").modules, "torchao.quantization", None)
    with pytest.raises(Unavailable, match=r"docproc\[quantized\]"):
        PaliGemmaEngine(Settings(vision_weights="int8"), tiny_checkpoints / "paligemma")
