"""What is set otherwise than a checkpoint's files say, and why; what stops a generation."""

import json
import shutil

import pytest
from paligemma_tiny import GENERATIONS, by_hand, engine_of, picture, prompt_ids

from docproc.engines import Limits, VisionRequest, load_vision
from docproc.engines.paligemma.loading import load
from docproc.engines.paligemma.repeats import LONGEST_PERIOD, SHORTEST_LOOP, loops
from docproc.engines.paligemma.stopping import Certainty, Stops
from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

torch = pytest.importorskip("torch")


def copied(folder, target, **changes):
    """A checkpoint with other values in the `text_config` of its config.json."""
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    config["text_config"] |= changes
    (target / "config.json").write_text(json.dumps(config))
    return target


def write(engine, tokens=12, prompt="ocr"):
    return list(engine.generate([VisionRequest(picture(), prompt, Limits(tokens))])[0].token_ids)


def first_logits(loaded, prompt="ocr"):
    model = loaded.model
    ids = torch.tensor([prompt_ids(type("Engine", (), {"_loaded": loaded}), prompt)])
    pixels = torch.full((1, 3, 56, 56), 0.3)
    with torch.inference_mode():
        return model(input_ids=ids, token_type_ids=torch.zeros_like(ids), pixel_values=pixels).logits[0, -1]


def test_each_generation_has_the_kernel_that_it_needs(tiny_checkpoints):
    kernels = [load(tiny_checkpoints / name, device="cpu").model for name in GENERATIONS]
    assert [model.config.text_config._attn_implementation for model in kernels] == ["sdpa", "eager"]
    assert [model.config.vision_config._attn_implementation for model in kernels] == ["sdpa", "sdpa"]


def test_kernels_agree_in_the_first_generation(tiny_checkpoints):
    one, other = (load(tiny_checkpoints / "paligemma", device="cpu", attention=name) for name in ("sdpa", "eager"))
    assert torch.allclose(first_logits(one), first_logits(other), atol=1e-5)


def test_the_cap_of_the_second_generation_is_what_eager_is_for(tiny_checkpoints, tmp_path):
    """The measure: without the official cap of 50 logits move by a few thousandths here; with a low cap by more."""
    source = tiny_checkpoints / "paligemma2"
    capped = first_logits(load(source, device="cpu"))
    without = first_logits(load(copied(source, tmp_path / "none", attn_logit_softcapping=None), device="cpu"))
    low = first_logits(load(copied(source, tmp_path / "low", attn_logit_softcapping=1.0), device="cpu"))
    moved, much = (float((other - without).abs().max()) for other in (capped, low))
    print(f"largest change of a logit: {moved:.2g} by a cap of 50, {much:.2g} by a cap of 1")
    assert 0 < moved < 0.5
    assert much > 10 * moved
    try:
        fast = first_logits(load(source, device="cpu", attention="sdpa"))
    except Usage as refused:  # as transformers does from some version on
        assert "does not support" in str(refused.__cause__)  # noqa: PT017
    else:
        assert torch.allclose(fast, without, atol=1e-5)


def test_the_window_of_gemma_2_is_undone(tiny_checkpoints, tmp_path):
    """With it, what comes after 4,096 tokens (one image of 896 pixels) no longer sees the top of the page."""
    narrow = copied(tiny_checkpoints / "paligemma2", tmp_path / "narrow", sliding_window=8)
    wide = engine_of(tiny_checkpoints / "paligemma2")
    assert write(engine_of(narrow)) == write(wide) == by_hand(wide, picture(), "ocr", 12)[0]
    kept = load(narrow, device="cpu")
    for layer in kept.model.model.language_model.layers:
        assert getattr(layer.self_attn, "sliding_window", None) in {None, 1 << 20}


def test_a_window_that_stays_changes_what_is_written(tiny_checkpoints, tmp_path, monkeypatch):
    """The test above can fail."""
    narrow = copied(tiny_checkpoints / "paligemma2", tmp_path / "narrow", sliding_window=8)
    expected = write(engine_of(narrow), 24)
    monkeypatch.setattr("docproc.engines.paligemma.loading.NO_WINDOW", 8)
    assert write(engine_of(narrow), 24) != expected


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_checkpoint_cannot_ask_for_a_static_cache_or_sampling(tiny_checkpoints, tmp_path, name):
    """The static cache of transformers fails with PaliGemma 2; samples are no readings."""
    target = copied(tiny_checkpoints / name, tmp_path / "asked")
    asked = {"cache_implementation": "static", "do_sample": True, "temperature": 9.0, "num_beams": 2, "top_k": 3}
    settings = json.loads((target / "generation_config.json").read_text()) | asked
    (target / "generation_config.json").write_text(json.dumps(settings))
    assert write(engine_of(target)) == write(engine_of(tiny_checkpoints / name))


def test_the_static_cache_is_equal_or_fails_but_is_never_silently_wrong(tiny_checkpoints):
    """Says so once transformers can do it for the second generation too, which is worth having on a GPU."""
    for name in GENERATIONS:
        engine = engine_of(tiny_checkpoints / name)
        ids = torch.tensor([prompt_ids(engine, "ocr")])
        kwargs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "max_new_tokens": 6}
        pixels = torch.full((1, 3, 56, 56), 0.3)
        grown = engine._loaded.model.generate(**kwargs, pixel_values=pixels)
        try:
            fixed = engine._loaded.model.generate(**kwargs, pixel_values=pixels, cache_implementation="static")
        except AttributeError as error:
            assert name == "paligemma2"
            print(f"the static cache fails for {name}: {error}")
        else:
            assert torch.equal(grown, fixed)


def test_the_cap_of_the_last_logits_stays_where_it_was_trained(tiny_checkpoints, tmp_path):
    """Only pre-training capped them; transfers and mixes are trained without."""
    pretrained = copied(tiny_checkpoints / "paligemma2", tmp_path / "pt")
    (pretrained / "docproc.json").write_text('{"variant": "pt"}')
    assert load(pretrained, device="cpu").model.config.text_config.final_logit_softcapping == 30.0
    mixed = load(tiny_checkpoints / "paligemma2", device="cpu").model.config.text_config
    assert mixed.final_logit_softcapping is None


def test_truncation_by_the_processor_would_cost_the_newline(tiny_checkpoints):
    """Why too long a prompt is an error: the tokenizer cuts at the end, where the answer is to begin."""
    engine = engine_of(tiny_checkpoints / "paligemma")
    ids = prompt_ids(engine, "ocr")
    text = "<image>" * 16 + "<bos>ocr\n"
    cut = engine._loaded.tokenizer(text, add_special_tokens=False, truncation=True, max_length=len(ids) - 1)
    assert ids[-1] == engine._loaded.tokenizer.convert_tokens_to_ids("\n")
    assert ids[-1] not in cut.input_ids


@pytest.mark.parametrize("name", GENERATIONS)
def test_an_image_token_without_a_row_is_never_looked_up(tiny_checkpoints, name):
    """That of the second generation lies behind the last row of the embedding."""
    loaded = load(tiny_checkpoints / name, device="cpu")
    rows = loaded.model.get_input_embeddings().num_embeddings
    assert (loaded.image_token < rows) == (name == "paligemma")


def test_weights_that_are_missing_are_told(tiny_checkpoints, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = copied(tiny_checkpoints / "paligemma", tmp_path / "less")
    tensors = load_file(folder / "model.safetensors")
    del tensors["language_model.model.norm.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(Usage, match="lack 1 tensors"):
        load(folder, device="cpu")


def test_weights_of_another_shape_are_told(tiny_checkpoints, tmp_path):
    folder = copied(tiny_checkpoints / "paligemma", tmp_path / "other", intermediate_size=96)
    with pytest.raises(Usage, match=r"do not fit|lack"):
        load(folder, device="cpu")


def test_a_tokenizer_with_other_numbers_is_told(tiny_checkpoints, tmp_path):
    folder = copied(tiny_checkpoints / "paligemma", tmp_path / "shifted")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"image_token_index": 7}))
    with pytest.raises(Usage, match="numbers <loc>"):
        load(folder, device="cpu")


def test_too_little_memory_is_told_before_loading(tiny_checkpoints, monkeypatch):
    class Full:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", Full)
    with pytest.raises(Unavailable, match="GB of memory"):
        load(tiny_checkpoints / "paligemma", device="cpu")


def test_nothing_is_fetched(tmp_path, monkeypatch):
    """A name of the hub is no folder, and no connection is tried."""
    import socket

    def no(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", no)
    with pytest.raises(Unavailable, match="no checkpoint"):
        load_vision("paligemma", Settings(), "google/paligemma2-3b-mix-448")


def test_a_loop_is_noticed_and_cut_to_one_copy():
    once = torch.arange(50)
    assert loops(once[None]) == {}
    for period in (1, 7, LONGEST_PERIOD):
        looping = torch.cat([once, (torch.arange(period) + 100).repeat(99)])[None]
        length = loops(looping)[0]
        tail = max(4 * period, SHORTEST_LOOP)
        assert length == looping.shape[1] - tail + period
    rows = torch.stack([torch.arange(200), torch.zeros(200, dtype=torch.long)])
    assert set(loops(rows)) == {1}


def test_few_dots_are_no_loop():
    dots = torch.cat([torch.arange(100), torch.full((SHORTEST_LOOP - 1,), 7)])
    assert loops(dots[None]) == {}


def test_a_generation_that_never_ends_is_stopped(tiny_checkpoints):
    """The tiny model stammers once its last layers are silenced."""
    engine = engine_of(tiny_checkpoints / "paligemma2")
    with torch.no_grad():
        for layer in engine._loaded.model.model.language_model.layers:
            layer.post_feedforward_layernorm.weight.fill_(-1.0)
            layer.post_attention_layernorm.weight.fill_(-1.0)
    found = engine.generate(
        [VisionRequest(picture(), "ocr", Limits(1000)), VisionRequest(picture(), "ocr", Limits(9))]
    )
    assert [one.stopped for one in found] == ["repetition", "tokens"]
    assert len(found[0].token_ids) < 20
    assert len(found[0].scores) == len(found[0].token_ids)


def test_an_end_token_ends_a_row_and_is_not_told(tiny_checkpoints):
    """The third token of one row is made the end token."""
    engine = engine_of(tiny_checkpoints / "paligemma")
    tokens = write(engine, 12)
    end = next(token for at, token in enumerate(tokens) if at >= 2 and token not in tokens[:at])
    engine._loaded.model.generation_config.eos_token_id = end
    engine._loaded.tokenizer.eos_token = engine._loaded.tokenizer.convert_ids_to_tokens(end)
    found = engine.generate(
        [VisionRequest(picture(), "ocr", Limits(12)), VisionRequest(picture(5), "cap", Limits(12))]
    )
    assert list(found[0].token_ids) == tokens[: tokens.index(end)]
    assert found[0].stopped == "end"
    assert found[1].stopped == "tokens"


def test_rows_stop_at_limits_of_their_own():
    stops = Stops([Limits(2), Limits(5), Limits(5, seconds=0.0)], prompt=3)
    assert stops(torch.zeros(3, 4, dtype=torch.long), None).tolist() == [False, False, True]
    assert stops(torch.zeros(3, 5, dtype=torch.long), None).tolist() == [True, False, True]
    assert stops.ends == {0: (2, "tokens"), 2: (1, "time")}


def test_certainty_is_the_probability_of_the_likeliest():
    certainty = Certainty()
    logits = torch.tensor([[0.0, 1.0, 2.0], [5.0, 5.0, -1e9]])
    assert certainty(None, logits) is logits
    expected = logits.softmax(-1).max(-1).values
    assert torch.allclose(torch.tensor(certainty.rows())[:, 0], expected)
