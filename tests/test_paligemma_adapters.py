"""LoRA adapters beside the base: equal to merged ones, one per request, and none leaks into another."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS, engine_of, make_adapter, picture

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma import adapters as adapters_module
from docproc.engines.paligemma.adapters import Adapters
from docproc.engines.paligemma.engine import PaliGemmaEngine
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.registry import Registry
from docproc.registry.sources import Wanted, add
from docproc.settings import Settings

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")
PROMPTS = ("ocr", "caption en", "answer en what is it?")


@pytest.fixture(scope="module", params=GENERATIONS)
def family(request, tiny_checkpoints, tmp_path_factory):
    """A base with three adapters: on the language model alone, with the projector, and on both towers."""
    folder = tmp_path_factory.mktemp("adapters")
    base = tiny_checkpoints / request.param
    make_adapter(folder / "plain", base, seed=1)
    make_adapter(folder / "projector", base, seed=2, projector=True)
    make_adapter(folder / "vision", base, seed=3, vision=True)
    return base, folder


def requests(adapter="", seed=0):
    return [VisionRequest(picture(seed), prompt, Limits(10), str(adapter)) for prompt in PROMPTS]


def tokens(engine, asked):
    return [one.token_ids for one in engine.generate(asked)]


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks for it
@pytest.mark.parametrize("name", ["plain", "projector", "vision"])
def test_an_adapter_beside_the_base_writes_what_a_merged_one_writes(family, tmp_path, name):
    """The merged model is saved and loaded as a checkpoint of its own."""
    from peft import PeftModel

    base, folder = family
    engine = engine_of(base)
    own = engine.generate(requests(folder / name))
    merged = PeftModel.from_pretrained(engine_of(base)._loaded.model, folder / name).merge_and_unload()
    shutil.copytree(base, tmp_path / "merged")
    merged.save_pretrained(tmp_path / "merged")
    expected = engine_of(tmp_path / "merged").generate(requests())
    assert [one.token_ids for one in own] == [one.token_ids for one in expected]
    for one, other in zip(own, expected, strict=True):
        assert np.allclose(one.scores, other.scores, atol=1e-4)
    assert tokens(engine, requests()) != [one.token_ids for one in own], "the adapter changes nothing"


def test_adapters_in_one_run_do_not_leak_into_each_other(family):
    """In turn, of one picture, base between them: features of images are kept apart where adapters change them."""
    base, folder = family
    names = ["", *(folder / name for name in ("plain", "projector", "vision"))]
    alone = {name: tokens(engine_of(base), requests(name)) for name in names}
    assert len({str(one) for one in alone.values()}) == len(names)
    engine = engine_of(base)
    mixed = [requests(name)[at] for at in range(len(PROMPTS)) for name in names]
    for _ in range(2):
        written = iter(tokens(engine, mixed))
        for at in range(len(PROMPTS)):
            for name in names:
                assert next(written) == alone[name][at]
    assert tokens(engine, requests()) == alone[""]


def test_only_adapters_of_what_images_pass_have_features_of_their_own(family):
    base, folder = family
    engine = engine_of(base)
    engine.generate([*requests(), *requests(folder / "plain")])
    assert len(engine._features) == 1
    engine.generate([*requests(folder / "projector"), *requests(folder / "vision")])
    assert len(engine._features) == 3


def test_adapters_with_names_of_older_versions_are_put_in_the_right_place(family, tmp_path):
    """Since 4.52 modules are called otherwise in memory; peft passes over names that it does not know."""
    from safetensors.torch import load_file, save_file

    base, folder = family
    old = shutil.copytree(folder / "projector", tmp_path / "old")
    state = load_file(old / "adapter_model.safetensors")
    names = {name: name.replace("model.model.language_model.", "model.language_model.model.") for name in state}
    names = {name: new.replace("model.model.multi_modal", "model.multi_modal") for name, new in names.items()}
    assert all(name != new for name, new in names.items())
    save_file({names[name]: tensor for name, tensor in state.items()}, old / "adapter_model.safetensors")
    assert tokens(engine_of(base), requests(old)) == tokens(engine_of(base), requests(folder / "projector"))


def test_what_does_not_arrive_is_told(family, monkeypatch):
    base, folder = family
    monkeypatch.setattr(adapters_module, "_renamed", lambda name, _: f"somewhere.else.{name}")
    with pytest.raises(EngineFailed, match="has no place"):
        engine_of(base).generate(requests(folder / "plain"))


def test_more_adapters_than_are_kept_take_turns(family, monkeypatch):
    base, folder = family
    names = [folder / name for name in ("plain", "projector", "vision")]
    expected = {name: tokens(engine_of(base), requests(name)) for name in names}
    monkeypatch.setattr(adapters_module, "KEPT", 1)
    engine = engine_of(base)
    written = tokens(engine, [one for name in names for one in requests(name)])
    assert written == [one for name in names for one in expected[name]]
    assert len(engine._adapters._known) == 1
    assert len(engine._loaded.model.peft_config) == 1


def test_an_adapter_of_another_base_is_refused_when_it_is_asked(tiny_checkpoints, tmp_path):
    make_adapter(tmp_path / "mine", tiny_checkpoints / "paligemma2")
    with pytest.raises(Usage, match="trained on another model"):
        engine_of(tiny_checkpoints / "paligemma").generate(requests(tmp_path / "mine"))


@pytest.fixture
def registered(tiny_checkpoints, tmp_path):
    settings = Settings(data_dir=tmp_path / "data", threads=1)
    registry = Registry(settings)
    make_adapter(tmp_path / "mine", tiny_checkpoints / "paligemma", seed=5)
    for source in (tiny_checkpoints / "paligemma", tmp_path / "mine"):
        add(registry, str(source), Wanted(), accept=lambda _: True)
    return settings, registry


def test_names_of_the_registry_are_models_and_adapters(registered, tiny_checkpoints, tmp_path):
    settings, _ = registered
    by_adapter = PaliGemmaEngine(settings, "mine", device="cpu")
    by_base = PaliGemmaEngine(settings, "paligemma", device="cpu")
    expected = tokens(engine_of(tiny_checkpoints / "paligemma"), requests(tmp_path / "mine"))
    assert tokens(by_adapter, requests()) == tokens(by_base, requests("mine")) == expected
    assert tokens(by_base, requests()) != expected
    assert by_adapter.version.startswith(by_base.version + "+")


def test_weights_that_changed_since_are_another_base(registered, tiny_checkpoints):
    """An adapter belongs to weights, not to a name or a shape."""
    settings, registry = registered
    engine = PaliGemmaEngine(settings, "paligemma", device="cpu")
    checkpoint = replace(engine._loaded.checkpoint, version="another")
    with pytest.raises(Usage, match="belongs to paligemma with the weights") as told:
        Adapters(replace(engine._loaded, checkpoint=checkpoint), registry).add("mine")
    assert told.value.code == "wrong-base"
    assert told.value.hint == "Ask it with --model mine."  # its own weights are still here


def test_an_adapter_whose_base_is_gone_is_to_be_trained_again(registered, tiny_checkpoints):
    settings, registry = registered
    engine = PaliGemmaEngine(settings, "paligemma", device="cpu")
    card = registry.get("paligemma")
    replace(card, weights="another").write(registry.path(card))
    loaded = replace(engine._loaded, checkpoint=replace(engine._loaded.checkpoint, version="another"))
    with pytest.raises(Usage, match="belongs to paligemma") as told:
        Adapters(loaded, registry).add("mine")
    assert "train the adapter again" in told.value.hint


@pytest.mark.parametrize(
    ("name", "error", "said"), [("nothing", Unavailable, "no adapter"), ("paligemma", Usage, "no adapter")]
)
def test_what_is_no_adapter_is_told(registered, name, error, said):
    settings, _ = registered
    with pytest.raises(error, match=said):
        PaliGemmaEngine(settings, "paligemma", device="cpu").generate(requests(name))
