"""The engine against decoding by hand, batches against single rows, and the traps on the way into the model."""

import functools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paligemma_tiny import GENERATIONS, by_hand, engine_of, picture, prompt_ids

from docproc.engines import Limits, VisionEngine, VisionRequest, load_vision
from docproc.engines.paligemma.prompts import clean
from docproc.errors import EngineFailed, Usage
from docproc.raster import PageImage
from docproc.settings import Settings

torch = pytest.importorskip("torch")

PROMPTS = ("ocr", "detect the thing ; an other thing", "answer en what is the sum?", "caption en")


@pytest.fixture(scope="module", params=GENERATIONS)
def engine(request, tiny_checkpoints):
    return engine_of(tiny_checkpoints / request.param)


@pytest.fixture
def forwards(engine, monkeypatch):
    """What the model is called with."""
    seen = []
    forward = engine._loaded.model.forward

    @functools.wraps(forward)
    def spy(*args, **kwargs):
        seen.append(kwargs)
        return forward(*args, **kwargs)

    monkeypatch.setattr(engine._loaded.model, "forward", spy)
    return seen


def ask(engine, *prompts, tokens=12, seconds=None):
    limits = Limits(tokens, seconds)
    return engine.generate([VisionRequest(picture(at), prompt, limits) for at, prompt in enumerate(prompts)])


def test_it_is_a_vision_engine(tiny_checkpoints):
    loaded = load_vision("paligemma", Settings(), str(tiny_checkpoints / "paligemma"))
    assert isinstance(loaded, VisionEngine)
    assert (loaded.name, loaded.side, loaded.variant) == ("paligemma", 56, "mix")
    assert loaded.version.startswith("1@")


def test_a_batch_writes_what_a_computation_by_hand_writes(engine):
    """Left padding, positions, the mask, the cache and the features of images are all in it."""
    found = ask(engine, *PROMPTS)
    for at, prompt in enumerate(PROMPTS):
        tokens, scores = by_hand(engine, picture(at), prompt, 12)
        assert list(found[at].token_ids) == tokens
        assert np.allclose(found[at].scores, scores, atol=1e-5)
    assert len({generation.token_ids for generation in found}) == len(PROMPTS), "every prompt is answered alike"


def test_a_batch_writes_what_its_requests_write_one_by_one(engine):
    requests = [VisionRequest(picture(at % 3), prompt, Limits(4 + at)) for at, prompt in enumerate(PROMPTS)]
    together = engine.generate(requests)
    for request, one in zip(requests, together, strict=True):
        alone = engine.generate([request])[0]
        assert (alone.text, alone.token_ids, alone.stopped) == (one.text, one.token_ids, one.stopped)
        assert np.allclose(alone.scores, one.scores, atol=1e-5)
        assert len(one.scores) == len(one.token_ids) <= request.limits.tokens


def test_padding_on_the_right_would_be_wrong(engine):
    """What the engine would write if it padded on the other side: the test above can fail."""
    model = engine._loaded.model
    ids = prompt_ids(engine, "ocr")
    pixels = pixels_of(engine, picture())
    mask = torch.tensor([[1] * len(ids) + [0] * 9])
    padded = torch.tensor([[*ids, *[0] * 9]])
    kwargs = {"token_type_ids": torch.zeros_like(padded), "pixel_values": pixels, "max_new_tokens": 12}
    wrong = model.generate(input_ids=padded, attention_mask=mask, **kwargs)[0, padded.shape[1] :].tolist()
    assert wrong != by_hand(engine, picture(), "ocr", 12)[0]


def test_without_token_types_a_padded_row_is_another_one(engine):
    """Why they are always given: without them the prefix of a padded row is causal, silently."""
    model = engine._loaded.model
    ids = torch.tensor([[0] * 5 + prompt_ids(engine, "ocr")])
    mask = (torch.arange(ids.shape[1]) >= 5).long()[None]
    kwargs = {"input_ids": ids, "attention_mask": mask, "pixel_values": pixels_of(engine, picture())}
    with torch.inference_mode():
        positions = (mask.cumsum(-1)).clamp(min=1)
        right = model(**kwargs, position_ids=positions, token_type_ids=torch.zeros_like(ids)).logits[0, -1]
        wrong = model(**kwargs, position_ids=positions).logits[0, -1]
    expected = by_hand(engine, picture(), "ocr", 1)[0][0]
    assert int(right.argmax()) == expected
    assert float((right - wrong).abs().max()) > 0.1


def test_token_types_always_go_along_and_labels_never(engine, forwards):
    """With the labels that the processor of transformers makes, the loss at inference is not a number."""
    ask(engine, "ocr", "caption en")
    assert forwards
    assert all("labels" not in kwargs for kwargs in forwards)
    assert forwards[0]["token_type_ids"].eq(0).all()


def test_only_the_last_logits_of_a_prompt_are_computed(engine, forwards):
    """Those of all 4,112 positions of a page of 896 pixels would be 4.2 GB."""
    ask(engine, "ocr", "caption en")
    assert all(kwargs["logits_to_keep"] == 1 for kwargs in forwards)


def test_nothing_asked_is_nothing_written(engine):
    assert engine.generate([]) == []


def test_labels_at_inference_have_no_loss(engine):
    model = engine._loaded.model
    ids = torch.tensor([prompt_ids(engine, "ocr")])
    kwargs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "pixel_values": pixels_of(engine, picture())}
    with torch.inference_mode():
        assert torch.isnan(model(**kwargs, labels=torch.full_like(ids, -100)).loss)


def test_an_image_is_encoded_once_for_all_its_prompts(engine, monkeypatch):
    """The processor of transformers ends in a bare StopIteration for one image with two prompts."""
    engine._features.clear()
    model, encoded = engine._loaded.model, []
    encode = model.get_image_features

    def count(pixels, **kwargs):
        encoded.extend(pixels)
        return encode(pixels, **kwargs)

    monkeypatch.setattr(model, "get_image_features", count)
    page = picture(7)
    found = engine.generate([VisionRequest(page, prompt, Limits(8)) for prompt in PROMPTS])
    engine.generate([VisionRequest(page, "what is it", Limits(2))])
    assert len(encoded) == 1
    for prompt, generation in zip(PROMPTS, found, strict=True):
        assert list(generation.token_ids) == by_hand(engine, page, prompt, 8)[0]


def test_encoded_images_are_exact(engine):
    """Features given to generate() and pixels given to it lead to the same logits, to the last bit."""
    model = engine._loaded.model
    ids = torch.tensor([prompt_ids(engine, "ocr")])
    pixels = pixels_of(engine, picture())
    kwargs = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids)}
    with torch.inference_mode():
        features = model.get_image_features(pixels)
        one = model(**kwargs, pixel_values=pixels).logits
        other = model(**kwargs, mm_encoder_outputs={"image": features}).logits
    assert torch.equal(one, other)


def test_no_more_images_are_kept_than_agreed(engine, monkeypatch):
    monkeypatch.setattr("docproc.engines.paligemma.engine.KEPT_IMAGES", 3)
    engine.generate([VisionRequest(picture(seed), "ocr", Limits(1)) for seed in range(9)])
    assert len(engine._features) == 3


def test_several_images_are_one_request(engine):
    two = engine.generate([VisionRequest([picture(1), picture(2)], "ocr", Limits(8)), (picture(1), "ocr", Limits(8))])
    swapped = engine.generate([VisionRequest([picture(2), picture(1)], "ocr", Limits(8))])
    assert len({two[0].token_ids, two[1].token_ids, swapped[0].token_ids}) == 3


def test_the_newline_is_there_once(engine):
    """Two newlines are one other token in Gemma."""
    newline, double = engine._loaded.tokenizer.convert_tokens_to_ids(["\n", "\n\n"])
    for prompt in ("ocr", "ocr\n", " ocr \r\n\n"):
        ids = engine._ids(prompt, 1)
        assert ids[-1] == newline
        assert ids.count(newline) == 1
        assert double not in ids
        assert ids == tuple(prompt_ids(engine, "ocr"))


def test_the_prompt_is_what_the_processor_of_transformers_makes(engine, tiny_checkpoints):
    from transformers import PaliGemmaProcessor

    processor = PaliGemmaProcessor.from_pretrained(engine._loaded.checkpoint.folder, local_files_only=True)
    image = picture(3)
    made = processor(images=[image.pixels], text=["<image>answer en what is the sum?"])
    assert tuple(made["input_ids"][0]) == engine._ids("answer en what is the sum?", 1)
    assert np.array_equal(np.asarray(made["pixel_values"]), pixels_of(engine, image).numpy())


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("what<image>is<bos>it<eos>", "what is it"),
        ("<loc0001><loc0002><loc0003><loc0004> caption", "caption"),
        ("<lo<loc0001>c0002> ocr", "<lo c0002> ocr"),
        ("<<image>image> ocr", "< image> ocr"),
        ("caption <loc0001><loc0002><loc0003><loc0004>", "caption <loc0001><loc0002><loc0003><loc0004>"),
        ("caption <loc0001><loc0002><loc0003>", "caption"),
        ("a\x00b\ud800c", "ab?c"),
        ("one\ntwo\u2028three", "one two three"),
        ("choose from: a \t b", "choose from: a \t b"),
        ("1 < 2 and <b>bold</b>", "1 < 2 and <b>bold</b>"),
    ],
)
def test_prompts_are_cleaned(prompt, meant):
    assert " ".join(clean(prompt).split(" ")).split() == meant.split()


@given(st.text(st.sampled_from("<image>bosloc0123\n se"), max_size=80))
def test_no_prompt_has_special_tokens(prompt):
    """Whatever is typed, and however it is nested."""
    import re

    try:
        line = clean(prompt)
    except Usage:
        return
    if not line.startswith("caption"):
        assert not re.search(r"<(image|bos|eos|pad|unk|loc\d{4}|seg\d{3})>", line)
    assert "\n" not in line
    assert clean(line) == line


@pytest.mark.parametrize("prompt", ["", " \n", "<image>", "é" * 10_000, "what is it? " * 60])
def test_impossible_prompts_are_told(engine, prompt):
    """Longer ones are never cut: cutting takes the newline that begins the answer first."""
    with pytest.raises(Usage, match=r"prompt|empty"):
        ask(engine, prompt)


def test_more_than_the_model_can_hold_is_told(engine):
    with pytest.raises(Usage, match="more than the 8192 tokens"):
        ask(engine, "ocr", tokens=9000)
    with pytest.raises(Usage, match="needs an image"):
        engine.generate([VisionRequest([], "ocr")])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 10_000), (10_000, 1), (7, 3), (3, 7)])
def test_images_of_any_form_are_squeezed(engine, width, height):
    image = picture(1, width, height)
    assert pixels_of(engine, image).shape == (1, 3, 56, 56)
    assert len(engine.generate([VisionRequest(image, "ocr", Limits(2))])[0].token_ids) == 2


def test_pixels_that_are_a_view_of_a_page_are_read(engine):
    page = picture(2, 90, 90)
    view = PageImage(page.pixels[::2, ::-1], 72.0)
    copy = PageImage(np.ascontiguousarray(view.pixels), 72.0)
    one, other = engine.generate([VisionRequest(view, "ocr", Limits(4)), VisionRequest(copy, "ocr", Limits(4))])
    assert one.token_ids == other.token_ids


def test_it_computes_in_bfloat16_too(tiny_checkpoints):
    """As on a GPU: images are prepared in float32, scores are probabilities still."""
    engine = engine_of(tiny_checkpoints / "paligemma2")
    engine._loaded.model.to(torch.bfloat16)
    for one in ask(engine, *PROMPTS):
        assert len(one.scores) == 12
        assert all(0 < score <= 1 for score in one.scores)


def test_memory_that_runs_out_halves_the_batch(tiny_checkpoints, monkeypatch):
    engine = engine_of(tiny_checkpoints / "paligemma")
    expected = ask(engine, *PROMPTS)
    write, sizes = engine._write, []

    def small(rows, features):
        sizes.append(len(rows))
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return write(rows, features)

    monkeypatch.setattr(engine, "_write", small)
    assert [one.token_ids for one in ask(engine, *PROMPTS)] == [one.token_ids for one in expected]
    assert sizes == [4, 2, 1, 1, 2, 1, 1]
    sizes.clear()
    ask(engine, *PROMPTS)
    assert sizes == [1, 1, 1, 1], "it tries what failed again"


def test_memory_too_small_for_one_request_is_told(tiny_checkpoints, monkeypatch):
    engine = engine_of(tiny_checkpoints / "paligemma")

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(engine, "_write", full)
    with pytest.raises(EngineFailed, match="too little memory"):
        ask(engine, *PROMPTS)


def test_time_runs_out(engine):
    began = time.monotonic()
    found = ask(engine, "ocr", "caption en", tokens=2000, seconds=0.2)
    assert time.monotonic() - began < 10
    assert all(one.stopped in {"time", "repetition", "end"} and len(one.token_ids) < 2000 for one in found)


def pixels_of(engine, image):
    from PIL import Image

    loaded = engine._loaded
    squeezed = [Image.fromarray(np.ascontiguousarray(image.pixels))]
    return loaded.images(squeezed, return_tensors="pt", input_data_format="channels_last").pixel_values
