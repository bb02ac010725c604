"""Exported models: equal to the original, without torch; every option of a request; what cannot be done."""

import subprocess
import sys

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS, engine_of, make_adapter, picture

from docproc.engines import Limits, VisionEngine, VisionRequest, load_vision
from docproc.engines.paligemma import exported as exported_module
from docproc.engines.paligemma.exported import ExportedEngine
from docproc.errors import Conflict, Unavailable, Usage
from docproc.raster import PageImage
from docproc.registry import Registry
from docproc.registry.exporting import export_model
from docproc.registry.sources import Wanted, add
from docproc.settings import Settings
from docproc.vision import open_model

pytestmark = pytest.mark.slow

pytest.importorskip("openvino", reason="OpenVINO is not installed")
PROMPTS = ("ocr", "detect the thing ; an other thing", "answer en what is the sum?", "caption en", "ocr")


@pytest.fixture(scope="module")
def settings(tiny_checkpoints, tmp_path_factory):
    """Both generations and an adapter of the second, each registered and exported."""
    folder = tmp_path_factory.mktemp("exported")
    settings = Settings(data_dir=folder, threads=1)
    registry = Registry(settings)
    make_adapter(folder / "mine", tiny_checkpoints / "paligemma2", projector=True)
    for source in (*(tiny_checkpoints / name for name in GENERATIONS), folder / "mine"):
        add(registry, str(source), Wanted(), accept=lambda _: True)
    for name in (*GENERATIONS, "mine"):
        export_model(registry, name)
    return settings


@pytest.fixture(scope="module", params=GENERATIONS)
def pair(request, settings, tiny_checkpoints):
    return ExportedEngine(settings, f"{request.param}-openvino"), engine_of(tiny_checkpoints / request.param)


def requests(**limits):
    return [
        VisionRequest(picture(at % 3), prompt, Limits(**{"tokens": 4 + 2 * at} | limits))
        for at, prompt in enumerate(PROMPTS)
    ]


def test_it_writes_what_the_original_writes(pair):
    """In batches with padding, with images in common, for several images, one of them very wide."""
    engine, original = pair
    asked = [*requests(), VisionRequest([picture(1), picture(2, 900, 3)], "ocr", Limits(6))]
    for one, other in zip(engine.generate(asked), original.generate(asked), strict=True):
        assert (one.text, one.token_ids, one.stopped) == (other.text, other.token_ids, other.stopped)
        assert np.allclose(one.scores, other.scores, atol=1e-5)


def test_images_and_tokens_are_those_of_transformers(pair):
    engine, original = pair
    image = picture(3, 91, 33)
    processor = original._loaded.images
    expected = processor([image.pixels], return_tensors="np", input_data_format="channels_last").pixel_values[0]
    assert np.allclose(engine._pixels(image), expected, atol=1e-6)
    text = "answer en what is \t the  sum?\n"
    ids = engine._tokenizer.encode(text, add_special_tokens=False).ids
    assert ids == original._loaded.tokenizer(text, add_special_tokens=False).input_ids


def test_it_needs_no_torch(settings):
    code = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from pathlib import Path\n"
        "from docproc.settings import Settings\n"
        "from docproc.registry.probe import smoke_page\n"
        "from docproc.tasks import Ask\n"
        "from docproc.tasks.pages import find\n"
        "from docproc.vision import open_model\n"
        f"settings = Settings(data_dir=Path({str(settings.data_dir)!r}), threads=1)\n"
        "model = open_model(settings, model='paligemma-openvino')\n"
        "print(model.engine.name, len(find(model, Ask(task='caption'), smoke_page()).views))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("openvino 1\n", 0), done.stderr


def test_it_is_chosen_by_its_name(settings):
    engine = open_model(settings, model="paligemma2-openvino").engine
    assert isinstance(engine, VisionEngine)
    assert (engine.name, engine.variant, engine.side) == ("openvino", "mix", 56)
    assert engine.version.endswith(":openvino")
    with pytest.raises(Usage, match="no exported model"):
        load_vision("openvino", settings, "paligemma")


def test_an_adapter_is_exported_with_its_base(settings, tiny_checkpoints):
    engine = ExportedEngine(settings, "mine-openvino")
    asked = requests()
    adapted = [request._replace(adapter=str(settings.data_dir / "mine")) for request in asked]
    expected = [one.token_ids for one in engine_of(tiny_checkpoints / "paligemma2").generate(adapted)]
    assert [one.token_ids for one in engine.generate(asked)] == expected
    with pytest.raises(Usage, match="Export mine itself"):
        engine.generate([asked[0]._replace(adapter="mine")])


def test_limits_end_a_row(pair):
    engine, _ = pair
    assert {one.stopped for one in engine.generate(requests(tokens=20, seconds=0.0))} == {"time"}
    assert {one.stopped for one in engine.generate(requests(tokens=20, cancelled=lambda: True))} == {"cancelled"}
    with pytest.raises(Usage, match="more than the 8192 tokens"):
        engine.generate(requests(tokens=9000))
    for wrong in (
        VisionRequest([], "ocr"),
        VisionRequest(picture(), "ocr", Limits(0)),
        VisionRequest(picture(), "x " * 900),
    ):
        with pytest.raises(Usage):
            engine.generate([wrong])


def test_an_end_token_and_repetition_end_a_row(settings, monkeypatch):
    """The third token of a row is made the end; then any token written twice is a loop."""
    engine = ExportedEngine(settings, "paligemma-openvino")
    asked = VisionRequest(picture(), "detect the thing", Limits(12))
    tokens = engine.generate([asked])[0].token_ids
    end = next(token for at, token in enumerate(tokens) if at >= 2 and token not in tokens[:at])
    monkeypatch.setitem(engine._facts, "eos", end)
    found = engine.generate([asked])[0]
    assert (found.token_ids, found.stopped) == (tokens[: tokens.index(end)], "end")
    monkeypatch.setitem(engine._facts, "eos", -1)
    monkeypatch.setattr(exported_module, "loops", lambda rows: {0: len(rows[0]) - 3})
    found = engine.generate([asked])[0]
    assert (found.token_ids, found.stopped) == (tokens[:5], "repetition")
    assert len(found.scores) == 5


def test_prompts_are_cleaned_and_pixels_may_be_views(pair):
    engine, _ = pair
    page = picture(2, 90, 90)
    view = PageImage(page.pixels[::2, ::-1], 72.0)
    copy = PageImage(np.ascontiguousarray(view.pixels), 72.0)
    one, other = engine.generate(
        [VisionRequest(view, "ocr<eos>\n", Limits(4)), VisionRequest(copy, "ocr", Limits(4))]
    )
    assert one == other


@pytest.mark.parametrize("weights", ["int8", "int4"])
def test_compressed_decoders_are_near_and_smaller(settings, weights):
    pytest.importorskip("nncf", reason="nncf is not installed")
    registry = Registry(settings)
    card = export_model(registry, "paligemma2", weights=weights)
    assert (card.name, card.dtype) == (f"paligemma2-openvino-{weights}", weights)
    sizes = [
        (registry.path(registry.get(name)) / "decoder.bin").stat().st_size
        for name in (card.name, "paligemma2-openvino")
    ]
    assert sizes[0] < 0.5 * sizes[1]
    engines = [ExportedEngine(settings, name) for name in (card.name, "paligemma2-openvino")]
    images = [engine._features([picture()]) for engine in engines]
    assert np.array_equal(*images), "the vision tower is left alone"
    scores = [engine.generate(requests(tokens=1))[0].scores[0] for engine in engines]
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


def test_what_cannot_be_exported_is_told(settings, tiny_checkpoints):
    registry = Registry(settings)
    add(registry, str(tiny_checkpoints / "vae-oid.npz"), Wanted(), accept=lambda _: True)
    with pytest.raises(Usage, match="no checkpoint that can be"):
        export_model(registry, "vae-oid")
    with pytest.raises(Unavailable, match="no model"):
        export_model(registry, "nothing")
    with pytest.raises(Conflict, match="already"):
        export_model(registry, "paligemma")
    with pytest.raises(Usage, match="int8, int4"):
        export_model(registry, "paligemma", weights="int2")
