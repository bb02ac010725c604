"""Caches of fixed size, compiled steps and models over several devices: the same tokens as the plain way."""

import pytest
from paligemma_tiny import GENERATIONS, engine_of, picture, prompt_ids

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma import decoding
from docproc.engines.paligemma.checkpoint import check
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.engines.paligemma.loading import load
from docproc.errors import Usage
from docproc.settings import Settings

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")
REQUESTS = [VisionRequest(picture(at), "answer en " + "long " * at + "x", Limits(12 + at)) for at in range(3)]


def written(folder, decode):
    engine = PaliGemmaEngine(Settings(threads=1, vision_decode=decode), folder, device="cpu", batch=4)
    return [(one.token_ids, one.stopped) for one in engine.generate(REQUESTS)], engine


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_cache_of_fixed_size_gives_the_same(tiny_checkpoints, name):
    """That of PaliGemma 2 fails in transformers as it comes; rows of different length stand in one batch."""
    growing, _ = written(tiny_checkpoints / name, "")
    fixed, engine = written(tiny_checkpoints / name, "static")
    assert fixed == growing
    assert decoding.fixed_cache(engine._loaded.model, "static", 257).layers[1].max_cache_len == 512


@pytest.mark.parametrize("name", GENERATIONS)
def test_compiled_steps_give_the_same(tiny_checkpoints, name, monkeypatch):
    """Traced as for CUDA graphs, and run without them: there is no GPU here. One trace serves all steps."""
    traced = []

    def backend(graph, _):
        traced.append(graph)
        return graph.forward

    monkeypatch.setattr(decoding, "BACKEND", backend)
    torch.compiler.reset()
    assert written(tiny_checkpoints / name, "compiled")[0] == written(tiny_checkpoints / name, "")[0]
    assert 0 < len(traced) < 4


def test_another_word_is_told(tiny_checkpoints):
    with pytest.raises(Usage, match="static, compiled"):
        written(tiny_checkpoints / "paligemma", "fast")


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_model_over_two_places_computes_the_same(tiny_checkpoints, name):
    """What main memory may not hold lies on the disk: the way in which 28 billion parameters lie on several GPUs."""
    whole = load(tiny_checkpoints / name, device="cpu")
    half = sum(weight.numel() for weight in whole.model.parameters()) * 4 // 2
    apart = load(tiny_checkpoints / name, device="spread", room={"cpu": half})
    assert {"cpu", "disk"} <= set(map(str, apart.model.hf_device_map.values()))
    ids = torch.tensor([prompt_ids(type("Engine", (), {"_loaded": whole}), "ocr")])
    pixels = torch.full((1, 3, 56, 56), 0.3)
    with torch.inference_mode():
        one, other = (
            loaded.model(input_ids=ids, token_type_ids=torch.zeros_like(ids), pixel_values=pixels).logits
            for loaded in (whole, apart)
        )
    assert torch.allclose(one, other, atol=1e-5)


def test_an_engine_answers_from_a_model_that_is_spread(tiny_checkpoints):
    folder = tiny_checkpoints / "paligemma2"
    spread = PaliGemmaEngine(Settings(threads=1, vision_devices="spread"), folder)
    assert [one.token_ids for one in spread.generate(REQUESTS)] == [
        one.token_ids for one in engine_of(folder).generate(REQUESTS)
    ]
    with pytest.raises(Usage, match="cannot be spread"):
        load(folder, device="spread", weights="int8")


@pytest.mark.parametrize("name", GENERATIONS)
def test_memory_counts_with_quantised_weights(tiny_checkpoints, name):
    """Of the layers of the language model, as loading has them."""
    found = check(tiny_checkpoints / name)
    layers = load(tiny_checkpoints / name, device="cpu").model.model.language_model.layers
    assert found.linear == sum(
        one.weight.numel() for one in layers.modules() if isinstance(one, torch.nn.Linear)
    )  # fmt: skip
    full, int8, int4 = (found.needs(width=2, weights=kind) for kind in ("", "int8", "int4"))
    assert full.weights == 2 * found.parameters
    assert full.weights - int8.weights == pytest.approx(found.linear * 0.99, abs=2)
    assert full.weights - int4.weights == pytest.approx(found.linear * 1.4375, abs=2)
    assert (full.cache, full.activations) == (int8.cache, int4.activations)
