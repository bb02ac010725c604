"""Fine-tuning: what is refused before it begins, what is kept on disk, recipes, other resolutions, 4 bits."""

import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from paligemma_tiny import engine_of
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("peft", reason="the extra `paligemma` is not installed")

from docproc.commands.finetune import command  # noqa: E402
from docproc.engines import Limits, VisionRequest  # noqa: E402
from docproc.engines.paligemma.checkpoint import check  # noqa: E402
from docproc.errors import Conflict, EngineFailed, Unavailable, Usage  # noqa: E402
from docproc.learn.dataset import Example, write  # noqa: E402
from docproc.learn.tune import kept  # noqa: E402
from docproc.learn.tune.plan import LORA_RATE, Plan, make_plan, recipes  # noqa: E402
from docproc.learn.tune.request import Request  # noqa: E402
from docproc.learn.tune.run import finetune  # noqa: E402
from docproc.raster import PageImage  # noqa: E402
from docproc.registry import Registry  # noqa: E402
from docproc.registry.sources import Wanted, add  # noqa: E402
from docproc.settings import Settings  # noqa: E402

pytestmark = pytest.mark.slow

GREY = Image.new("RGB", (56, 56), "grey")


@pytest.fixture
def settings(tmp_path, tiny_checkpoints):
    made = Settings(data_dir=tmp_path / "kept", threads=1)
    for name in ("paligemma", "paligemma2"):
        add(Registry(made), str(tiny_checkpoints / name), Wanted(), accept=lambda _: True)
    return made


def dataset(folder, *, prefix="answer en who?", suffix="me", count=2, **changes):
    folder.mkdir(exist_ok=True)
    GREY.save(folder / "grey.png")
    one = Example(image=folder / "grey.png", prefix=prefix, suffix=suffix, task="answer", document="1", **changes)
    write(folder / "data", {"train": [one] * count})
    return folder / "data"


def tuned(settings, data, **changes):
    said = {"steps": 2, "batch": 2, "rate": 1e-2, "rehearse": 0.0} | changes.pop("said", {})
    wanted = {"model": "paligemma", "name": "mine", "said": said, "device": "cpu"} | changes
    told = []
    return finetune(Request(folder=data, **wanted), settings, told.append), told


def test_prompts_that_nobody_would_ask_are_refused_until_they_are_said(settings, tmp_path):
    data = dataset(tmp_path / "own", prefix="read the gauge")
    with pytest.raises(Usage, match="never asked 'read the gauge'") as caught:
        tuned(settings, data)
    assert "--prompt 'answer=read the gauge'" in caught.value.hint
    card, _ = tuned(settings, data, prompts={"answer": "read the {thing}"})
    assert card.prompts == {"answer": "read the {thing}"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prefix": "<image>"}, "empty"),
        ({"prefix": "answer en " + "why " * 600}, "tokens; at most 512"),
        ({"count": 0}, "no example to train on"),
    ],
)
def test_examples_that_cannot_be_asked_are_refused(settings, tmp_path, changes, said):
    with pytest.raises(Usage, match=said):
        tuned(settings, dataset(tmp_path / "bad", **changes))


def test_a_picture_that_is_broken_is_named(settings, tmp_path):
    data = dataset(tmp_path / "bad")
    picture = next((data / "images").iterdir())
    picture.write_bytes(picture.read_bytes()[:60])
    with pytest.raises(Usage, match=picture.name):
        tuned(settings, data)
    picture.unlink()
    with pytest.raises(Usage, match="there is no"):
        tuned(settings, data)


def test_long_answers_are_cut_and_specials_in_them_are_not_learnt(settings, tmp_path):
    _, told = tuned(settings, dataset(tmp_path / "long", suffix="<eos>abc<bos>"), said={"longest": 2})
    assert told == ["2 of 2 answers have more than 2 tokens and are cut; raise --longest."]


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"model": "nothing"}, Unavailable, "no checkpoint"),
        ({"model": "mine@1"}, Usage, "only models can be trained"),
        ({"model": "paligemma2"}, Conflict, "an adapter of paligemma already"),
        ({"said": {"method": "full"}}, Conflict, "already"),
        ({"name": "../up"}, Usage, "no name"),
        ({"name": "paligemma"}, Conflict, "already"),
        ({"side": 112}, Usage, "56 pixels, not 112"),
        ({"preset": "bread"}, Usage, "no recipe 'bread'"),
        ({"said": {"frozen": ("vision", "projector", "decoder")}}, Usage, "Everything is frozen"),
        ({"said": {"rate": 2.0}}, Usage, "a rate of 2.0"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_what_cannot_end_well_does_not_begin(settings, tmp_path, changes, error, said):
    data = dataset(tmp_path / "good")
    registry = Registry(settings)
    with registry.staged() as staged:  # an adapter of paligemma, as far as anybody looks
        base = registry.get("paligemma")
        registry.put(staged, replace(base, name="mine", kind="adapter", base="paligemma", version=1), promote=False)
    with pytest.raises(error, match=said):
        tuned(settings, data, **changes)
    assert len(registry.versions("mine")) == 1


def test_an_adapter_of_a_folder_is_refused_with_what_to_do(settings, tmp_path, tiny_checkpoints):
    with pytest.raises(Unavailable, match="needs a registered base") as caught:
        tuned(settings, dataset(tmp_path / "good"), model=str(tiny_checkpoints / "paligemma"))
    assert "docproc models add" in caught.value.hint


def test_a_training_begun_otherwise_is_not_mixed_up(settings, tmp_path):
    """The folder keeps what was begun; another rate, or other data, must not go on with it."""
    data = dataset(tmp_path / "good")
    plan = Plan(steps=2, batch=2, rate=1e-3, epochs=0)
    identity = asdict(plan) | {"frozen": list(plan.frozen)}
    kept.save(tmp_path / "work", {"identity": identity | {"data": "?"}}, torch.save)
    with pytest.raises(Usage, match=r"rate: 0.001, now 0.01"):
        tuned(settings, data, output=tmp_path / "work")
    card, _ = tuned(settings, data, output=tmp_path / "work", restart=True)
    assert card.version == 1
    (tmp_path / "work" / kept.CHECKPOINT).write_bytes(b"half")
    with pytest.raises(Usage, match="--restart"):
        tuned(settings, data, output=tmp_path / "work")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path):
    kept.save(tmp_path, {"identity": {}, "steps": 1}, torch.save)
    (tmp_path / kept.CHECKPOINT).with_suffix(".new").symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="could not be written") as caught:
        kept.save(tmp_path, {"identity": {}, "steps": 2, "much": torch.zeros(100_000)}, torch.save)
    assert "goes on from the last checkpoint" in caught.value.hint
    assert kept.load(tmp_path, {}, torch.load)["steps"] == 1
    with pytest.raises(Unavailable, match="are free"):
        kept.require_room(tmp_path / "not" / "there", 10**18)


def test_a_loss_that_is_no_number_ends_it(settings, tmp_path, tiny_checkpoints):
    """Here because a weight is none."""
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(tiny_checkpoints / "paligemma", tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["multi_modal_projector.linear.bias"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    add(Registry(settings), str(broken), Wanted(), accept=lambda _: True)
    with pytest.raises(EngineFailed, match="In step 1 the loss is nan") as caught:
        tuned(settings, dataset(tmp_path / "good"), model="broken")
    assert "--rate" in caught.value.hint
    assert Registry(settings).versions("mine") == []


def test_recipes_are_those_of_the_papers():
    plan, source = make_plan("docvqa", 448, {"method": "full"})
    assert (plan.epochs, plan.batch, plan.rate, plan.decay) == (10, 256, 1e-5, 1e-6)
    assert "docvqa.py" in source
    assert make_plan("docvqa", 448, {})[0].rate == pytest.approx(1e-5 * LORA_RATE)
    at_896, _ = make_plan("infovqa", 896, {"method": "full", "steps": 7})
    assert (at_896.batch, at_896.rate, at_896.smoothing, at_896.epochs, at_896.steps) == (32, 3e-6, 0.4, 0, 7)
    for name, recipe in recipes().items():
        assert recipe["source"]
        for side in (224, 448, 896):
            assert make_plan(name, side, {})[0].count(1000) > 0


def test_steps_of_epochs_are_rounded_up():
    assert Plan(epochs=3, batch=8).count(10) == 4
    assert Plan(epochs=3, batch=8, steps=2).count(10) == 2
    assert Plan(epochs=0, minutes=1).count(10) == 0


def test_a_whole_model_learns_to_see_more_pixels(settings, tmp_path):
    """In bfloat16, recomputing layers; the result is a checkpoint that loads and answers."""
    data = dataset(tmp_path / "good")
    said = {"method": "full", "bf16": True, "checkpointing": True, "micro": 1, "mean": "token"}
    card, _ = tuned(settings, data, side=112, said=said, model="paligemma2")
    folder = Registry(settings).path(card)
    assert (card.kind, card.side, check(folder).image_tokens, card.generation) == ("paligemma", 112, 64, 2)
    picture = PageImage(torch.zeros(40, 70, 3, dtype=torch.uint8).numpy(), 72.0)
    assert len(engine_of(folder).generate([VisionRequest(picture, "answer en who?", Limits(4))])) == 1


def test_an_adapter_is_learnt_beside_weights_of_4_bits(settings, tmp_path):
    pytest.importorskip("bitsandbytes", reason="the extra `quantized` is not installed")
    card, _ = tuned(settings, dataset(tmp_path / "good"), said={"method": "qlora"}, model="paligemma2")
    assert (card.kind, card.base, card.about["recipe"]["method"]) == ("adapter", "paligemma2", "qlora")


def test_the_command_says_what_came_of_it(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DOCPROC_THREADS", "1")
    arguments = [
        "paligemma",
        str(dataset(tmp_path / "good")),
        "--model",
        "paligemma",
        "--name",
        "mine",
        "--steps",
        "2",
    ]
    done = CliRunner().invoke(command, [*arguments, "--freeze", "vision", "--device", "cpu"], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stdout.startswith("mine@1: loss ")
    assert "docproc models promote mine" in done.stdout
    assert "tokens/s" in done.stderr
    assert Registry(settings).versions("mine")[0].about["recipe"]["frozen"] == ["vision"]


def test_a_package_that_is_missing_is_named_with_its_extra(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(Unavailable) as told:
        tuned(settings, dataset(tmp_path / "own"))
    assert str(told.value) == (
        "Adapters need peft, which is not installed. Install the extra: pip install 'docproc[paligemma]'."
    )
    assert told.value.code == "no-extra"
