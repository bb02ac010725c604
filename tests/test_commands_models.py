"""`docproc models` from the first command to the last, and models asked by what it calls them."""

from __future__ import annotations

import json

import pytest
from paligemma_tiny import make_adapter

from docproc.cli import run
from docproc.registry import Card, Registry
from docproc.settings import Settings
from docproc.tasks import Ask
from docproc.vision import open_model

pytestmark = pytest.mark.slow

LETTER = "examples/report.pdf"


@pytest.fixture(scope="module")
def home(tmp_path_factory, tiny_checkpoints):
    """A data folder with all that the tiny checkpoints and an adapter of them are."""
    folder = tmp_path_factory.mktemp("home")
    make_adapter(folder / "lora", tiny_checkpoints / "paligemma2", projector=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCPROC_DATA_DIR", str(folder / "data"))
        for arguments in (
            [tiny_checkpoints / "paligemma"],
            [tiny_checkpoints / "paligemma2"],
            [tiny_checkpoints / "paligemma.npz", "--name", "from-npz", "--variant", "pt"],
            [tiny_checkpoints / "vae-oid.npz"],
            [folder / "lora", "--task", "answer", "--prompt", "answer=field: {thing}"],
        ):
            assert run(["models", "add", *map(str, arguments)]) == 0
    return folder / "data"


@pytest.fixture(autouse=True)
def there(home, monkeypatch):
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(home))


def test_all_of_them_are_listed(capfd):
    assert run(["models", "list"]) == 0
    told = capfd.readouterr().out
    for line in (
        "paligemma\n    PaliGemma mix, 56 px, F32",
        "paligemma2\n    PaliGemma 2 mix, 56 px, F32",
        "from-npz\n    PaliGemma pt, 56 px, F32",
        "vae-oid\n    decoder of masks",
        "lora\n    LoRA adapter of paligemma2, for answer",
        "nano\n    PaliGemma nano, ",
        "AGPL-3.0-or-later; comes with docproc, always here",
    ):
        assert line in told
    assert "PP-OCRv6_det_small" in told


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("paligemma", ("mix, 56 x 56 px (16 tokens per image)", "in bfloat16", "free here", "smoke page, caption")),
        ("from-npz", ("PaliGemma pt", "smoke page, caption")),
        ("vae-oid", ("decoder of masks: loads and draws",)),
        ("lora", ("rank 4 on 13 modules of the language model and what images pass", "smoke page")),
    ],
)  # fmt: skip
def test_a_model_is_tried_out(name, lines, capfd):
    """The adapter changes three layers in each of four, and replaces the projector."""
    assert run(["models", "check", name]) == 0
    told = capfd.readouterr().out
    for line in (*lines, "all as they were when added"):
        assert line in told


def test_a_folder_is_tried_out_too(tiny_checkpoints, capfd):
    assert run(["models", "check", str(tiny_checkpoints / "paligemma2")]) == 0
    assert "smoke page" in capfd.readouterr().out
    assert run(["models", "check", "nothing"]) == 1
    assert "no registered model" in capfd.readouterr().err


def test_all_files_are_checked(capfd, tiny_checkpoints):
    assert run(["models", "add", str(tiny_checkpoints / "vae-oid.npz"), "--name", "broken"]) == 0
    path = Registry(Settings.from_environment()).path(Registry(Settings.from_environment()).get("broken"))
    assert run(["models", "check"]) == 0
    assert "broken/vae-oid.npz" in capfd.readouterr().out
    (path / "vae-oid.npz").unlink()
    assert run(["models", "check"]) == 1
    assert "broken/vae-oid.npz" in capfd.readouterr().err
    assert run(["models", "check", "broken"]) == 1
    assert run(["models", "remove", "broken"]) == 0
    assert run(["models", "check"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "nowhere"], 1, "There is no nowhere"),
        (["add", LETTER, "--name", "x"], 2, "no .npz file"),
        (["add", "x", "--prompt", "answer"], 2, "no TASK=PROMPT"),
        (["add", "x", "--variant", "best"], 2, "no variant"),
        (["remove", "nothing"], 1, "no model nothing"),
        (["remove", "paligemma2"], 1, "lora belong to paligemma2"),
        (["remove", "nano"], 1, "comes with docproc and cannot be removed"),
        (["add", "docproc", "--name", "nano"], 1, "a model called nano already"),
        (["export", "vae-oid"], 2, "no checkpoint that can be exported"),
    ],
)
def test_what_cannot_be_done_says_why(arguments, code, said, capfd):
    assert run(["models", *arguments]) == code
    assert said in capfd.readouterr().err


def test_a_checkpoint_of_unknown_variant_is_told(tiny_checkpoints, capfd):
    assert run(["models", "add", str(tiny_checkpoints / "paligemma.npz"), "--name", "unknown"]) == 0
    assert "--variant" in capfd.readouterr().err
    assert run(["models", "check", "unknown"]) == 0
    assert "no smoke page" in capfd.readouterr().out
    assert run(["models", "remove", "unknown"]) == 0


def test_a_task_is_answered_by_its_adapter_and_others_by_the_base(home):
    settings = Settings(data_dir=home, threads=1)
    model = open_model(settings, model="paligemma2")
    assert model.adapters == {"answer": "lora@1"}
    assert model.own == {"answer": "field: {thing}"}
    assert model.decoder is not None, "the registered decoder of masks"
    adapter = open_model(settings, model="lora")
    assert (adapter.adapters, adapter.own) == ({}, {"answer": "field: {thing}"})
    from paligemma_tiny import picture

    from docproc.tasks.pages import find_all

    image = picture(3, 50, 40)
    asks = [Ask(task="answer", thing="the sum"), Ask(task="caption")]
    seen = []
    engine = model.engine
    generate = engine.generate

    def spy(requests):
        seen.extend((request.prompt, request.adapter) for request in requests)
        return generate(requests)

    engine.generate = spy
    find_all(model, asks, image)
    assert seen == [("field: the sum", "lora@1"), ("caption en", "")]


def test_masks_come_from_the_registered_decoder(capfd):
    code = run(["segment", LETTER, "figure", "--model", "from-npz", "--pages", "1", "--dpi", "36", "--json"])
    assert (code, json.loads(capfd.readouterr().out)["task"]) == (0, "segment")


def test_the_size_is_that_of_the_task(home, tiny_checkpoints, monkeypatch):
    """Three of one family: their inputs are said to be of the official sizes."""
    from dataclasses import replace

    registry = Registry(Settings(data_dir=home))
    source = registry.get("paligemma")
    for side in (224, 896):
        with registry.staged() as staged:
            for path in registry.path(source).iterdir():
                if path.name in source.files:
                    (staged / path.name).write_bytes(path.read_bytes())
            registry.put(staged, replace(source, name=f"family-{side}", side=side))
    loaded = []
    monkeypatch.setattr("docproc.vision.load_vision", lambda *given: loaded.append(given[-1]))
    settings = Settings(data_dir=home)
    for task in ("caption", "detect", "ocr", ""):
        open_model(settings, model="family", task=task)
    open_model(settings, model="family-224", task="ocr")
    assert loaded == ["family-224@1", "family-896@1", "family-896@1", "family-896@1", "family-224@1"]


def test_the_model_that_comes_with_docproc_needs_no_adding(capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(tmp_path))
    for arguments, said in (
        (["models", "show", "nano"], "nano: what comes with docproc is in use"),
        (["models", "check", "nano"], "smoke page, caption"),
        (["models", "promote", "nano"], "nano@0 is in use already"),
        (["caption", "examples/page-with-boxes.png", "--model", "nano"], "page 1: "),
    ):
        assert run(arguments) == 0
        assert said in capfd.readouterr().out
    assert not any(tmp_path.iterdir())


def test_its_figures_are_told_where_its_card_has_them(capfd, monkeypatch, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(2_000_000))
    Card(
        name="small", kind="paligemma", source="comes with docproc", added="2026-11-21", version=0,
        files={"model.safetensors": ""}, about={"figures": {"cer_clean": 0.1471}},
    ).write(folder)  # fmt: skip
    monkeypatch.setattr("docproc.registry.folder.BUILT_IN", tmp_path)
    assert run(["models", "list"]) == 0
    assert "2.0 MB; comes with docproc, always here; cer_clean 0.147\n" in capfd.readouterr().out
