"""PaliGemma in JAX: what it computes against transformers, what it learns against the training in PyTorch."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS
from PIL import Image, ImageDraw

QUICKLY = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
"""What is compiled runs for milliseconds here; making it fast would take seconds."""
os.environ.setdefault("XLA_FLAGS", QUICKLY)
torch = pytest.importorskip("torch")
pytest.importorskip("peft", reason="the extra `paligemma` is not installed")
jax = pytest.importorskip("jax", reason="the extra `jax` is not installed")

from docproc.cli import run as docproc  # noqa: E402
from docproc.engines.paligemma import convert  # noqa: E402
from docproc.engines.paligemma.adapters import Adapters  # noqa: E402
from docproc.engines.paligemma.loading import load as load_torch  # noqa: E402
from docproc.errors import Usage  # noqa: E402
from docproc.learn.dataset import Example, write  # noqa: E402
from docproc.learn.jax import model, weights  # noqa: E402
from docproc.learn.jax.batches import collate  # noqa: E402
from docproc.learn.jax.run import write as write_result  # noqa: E402
from docproc.learn.jax.train import Trainer, Work, devices_called, measure, train  # noqa: E402
from docproc.learn.tune import batches as torch_batches  # noqa: E402
from docproc.learn.tune import devices as torch_devices  # noqa: E402
from docproc.learn.tune import loop as torch_loop  # noqa: E402
from docproc.learn.tune.loss import summed_loss as torch_loss  # noqa: E402
from docproc.learn.tune.parts import prepare, trained  # noqa: E402
from docproc.learn.tune.plan import Plan  # noqa: E402
from docproc.learn.tune.rows import rows_of  # noqa: E402
from docproc.registry import Registry  # noqa: E402
from docproc.registry.sources import Wanted, add  # noqa: E402
from docproc.settings import Settings  # noqa: E402
from docproc.tasks.grammar import Trained  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = ("abc", "face", "hi, you", "d")
ASKED = "answer en what is it?"
PLAIN = model.How()
HIDDEN = jax.jit(model.hidden, static_argnames="how")
FULL = Plan(method="full", frozen=("vision",), batch=4, steps=5, rate=1e-3)


def examples(folder):
    folder.mkdir()
    for word in WORDS:
        sheet = Image.new("RGB", (56, 56), "white")
        ImageDraw.Draw(sheet).text((4, 20), word, fill="black")
        sheet.save(folder / f"{word[:2]}.png")
    return [
        Example(image=folder / f"{word[:2]}.png", prefix=ASKED, suffix=word, task="answer", document=word)
        for word in WORDS
    ]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return examples(tmp_path_factory.mktemp("drawn") / "pictures")


@pytest.fixture(scope="module")
def loaded(tiny_checkpoints):
    return {name: weights.load(tiny_checkpoints / name) for name in GENERATIONS}


@pytest.fixture
def settings(tmp_path, tiny_checkpoints, drawn, monkeypatch):
    """A data folder with a tiny model as `base`, and a dataset beside it."""
    made = Settings(data_dir=tmp_path / "kept", threads=1)
    add(Registry(made), str(tiny_checkpoints / "paligemma"), Wanted(name="base"), accept=lambda _: True)
    write(tmp_path / "data", {"train": drawn, "validation": drawn[:1]})
    monkeypatch.setenv("DOCPROC_DATA_DIR", str(made.data_dir))
    monkeypatch.setenv("DOCPROC_THREADS", "1")
    return made


def rows(drawn, loaded):
    return rows_of(drawn, loaded, Trained("mix"), 100).rows


def work_of(loaded, drawn, plan, folder):
    return Work(loaded, plan, rows(drawn, loaded), folder, {"seed": plan.seed}, devices_called("cpu"))


def logits_of(loaded, arrays, row, how=PLAIN):
    """JAX, of one row, at every place of image and text."""
    batch = collate([row], loaded, "example", 1)
    states = HIDDEN(arrays, batch["pixels"], batch["tokens"], batch["prefix"], how)
    length = loaded.checkpoint.image_tokens + len(row.prefix) + len(row.suffix)
    return np.asarray(model.logits_at(arrays, states, np.arange(length)[None]))[0]


def logits_of_torch(loaded, row):
    batch = torch_batches.collate([row], loaded)
    with torch.inference_mode():
        pixels = torch_batches.pixels_of([row], loaded)
        said = loaded.model(
            input_ids=batch.ids, attention_mask=batch.mask, token_type_ids=batch.types, pixel_values=pixels
        )
    return said.logits[0].numpy()


@pytest.mark.parametrize("name", GENERATIONS)
def test_it_computes_what_transformers_does(tiny_checkpoints, loaded, drawn, name):
    row = rows(drawn, loaded[name])[2]
    expected = logits_of_torch(load_torch(tiny_checkpoints / name, device="cpu"), row)
    found = logits_of(loaded[name], loaded[name].arrays, row)
    assert np.abs(found - expected).max() < 1e-4 * expected.std() * 10
    half = logits_of(loaded[name], loaded[name].arrays, row, model.How(weights.bfloat16))
    moved = np.abs(half - expected).max() / expected.std()
    assert 1e-4 < moved < 0.3


def test_nothing_sees_padding_or_what_it_shall_say(loaded, drawn):
    one = loaded["paligemma"]
    row = rows(drawn, one)[1]
    said = logits_of(one, one.arrays, row)
    learnt = one.checkpoint.image_tokens + len(row.prefix)
    other = logits_of(one, one.arrays, replace(row, suffix=(*row.suffix[:-1], 7)))
    assert np.array_equal(said[:-1], other[:-1])
    asked = logits_of(one, one.arrays, replace(row, prefix=(*row.prefix[:-2], 7, row.prefix[-1])))
    assert np.abs(said[0] - asked[0]).max() > 1e-3, "the first piece of the image sees the prompt"
    longer = replace(row, suffix=row.suffix * 20)
    assert np.allclose(said[:learnt], logits_of(one, one.arrays, longer)[:learnt], atol=1e-5)


def test_archives_of_big_vision_are_read_and_written_as_they_are(tiny_checkpoints, loaded, drawn, tmp_path):
    arrays = weights.read_npz(tiny_checkpoints / "paligemma.npz")
    assert arrays["llm/embedder/input_embedding"].dtype == weights.bfloat16
    weights.write_npz(tmp_path / "again.npz", arrays)
    with np.load(tiny_checkpoints / "paligemma.npz") as before, np.load(tmp_path / "again.npz") as after:
        assert sorted(before.files) == sorted(after.files)
        assert all(before[name].tobytes() == after[name].tobytes() for name in before.files)
    row = rows(drawn, loaded["paligemma"])[0]
    convert.convert(tiny_checkpoints / "paligemma.npz", tiny_checkpoints / "paligemma", tmp_path / "folder")
    expected = logits_of_torch(load_torch(tmp_path / "folder", device="cpu"), row)
    assert np.abs(logits_of(loaded["paligemma"], arrays, row) - expected).max() < 1e-3


@pytest.mark.parametrize("mean", ["example", "token"])
def test_the_loss_is_that_of_pytorch(tiny_checkpoints, loaded, drawn, tmp_path, mean):
    theirs = load_torch(tiny_checkpoints / "paligemma2", device="cpu")
    plan = replace(FULL, mean=mean)
    own = rows(drawn, theirs)
    batch = replace(torch_batches.collate(own, theirs), pixels=torch_batches.pixels_of(own, theirs))
    with torch.inference_mode():
        total, weight, _ = torch_loss(batch, theirs, plan, None)
    work = work_of(loaded["paligemma2"], drawn, plan, tmp_path)
    assert measure(work, Trainer(work), work.rows) == pytest.approx(float(total) / weight, abs=1e-4)


def test_all_weights_learn_as_in_pytorch(tiny_checkpoints, loaded, drawn, tmp_path):
    """The same losses step by step, and the same weights after them: rate, clipping, decay, smoothing, parts."""
    plan = replace(FULL, decay=1e-4, smoothing=0.1, micro=2)
    theirs = load_torch(tiny_checkpoints / "paligemma", device="cpu")
    tuned = prepare(theirs, plan)
    alone = torch_devices.Devices(0, 1, "cpu")
    torch_work = torch_loop.Work(theirs, tuned, plan, rows(drawn, theirs), alone, tmp_path / "torch", {})
    expected = torch_loop.train(torch_work, lambda *_: None)
    work = work_of(loaded["paligemma"], drawn, plan, tmp_path / "jax")
    trainer = Trainer(work)
    assert not any(name.startswith("img/") and "head" not in name for name in trainer.learnt)
    found = train(work, trainer, lambda *_: None)
    assert found.losses == pytest.approx(expected.losses, abs=2e-4)
    assert (found.steps, found.tokens) == (expected.steps, expected.tokens)
    folder = tmp_path / "result"
    folder.mkdir()
    write_result(work.weights, trainer.arrays(), plan, "", folder)
    again = load_torch(folder, device="cpu").model
    for name, weight in again.named_parameters():
        assert torch.allclose(weight, dict(theirs.model.named_parameters())[name], atol=3e-4), name
    assert len(trained(tuned)) > 20


def test_an_adapter_is_served_by_pytorch_as_it_was_trained(tiny_checkpoints, loaded, drawn, tmp_path):
    """In every matrix of both towers, of the second generation; logits are equal."""
    plan = Plan(frozen=("embeddings",), batch=4, steps=3, rate=3e-2, rank=4, checkpointing=True)
    work = work_of(loaded["paligemma2"], drawn, plan, tmp_path / "jax")
    trainer = Trainer(work)
    row = work.rows[2]
    before = logits_of(work.weights, work.weights.arrays, row)
    assert np.allclose(before, logits_of(work.weights, {**work.weights.arrays, **trainer.arrays()}, row, work.how))
    train(work, trainer, lambda *_: None)
    expected = logits_of(work.weights, {**work.weights.arrays, **trainer.arrays()}, row, work.how)
    assert np.abs(expected - before).max() > 0.05
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_result(work.weights, trainer.arrays(), plan, "base", folder)
    theirs = load_torch(tiny_checkpoints / "paligemma2", device="cpu")
    beside = Adapters(theirs, Registry(Settings(data_dir=tmp_path)))
    with beside.using(str(folder)):
        assert np.abs(logits_of_torch(theirs, row) - expected).max() < 1e-3
    pairs = sum(len(array) if "einsum" in name or "linear" in name or "Transformer" in name else 1
                for name, array in trainer.learnt.items() if name.endswith(":b"))  # fmt: skip
    assert pairs == 4 * 5 + 2 * 6 + 1


def test_a_part_at_a_time_learns_what_all_at_once_do(loaded, drawn, tmp_path):
    losses = []
    for micro in (0, 3):
        work = work_of(loaded["paligemma"], drawn, replace(FULL, micro=micro, steps=3), tmp_path / str(micro))
        losses.append(train(work, Trainer(work), lambda *_: None).losses)
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_what_is_trained_elsewhere_is_told(tiny_checkpoints, tmp_path):
    config = json.loads((tiny_checkpoints / "paligemma" / "config.json").read_text())
    for path in (tiny_checkpoints / "paligemma").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config["text_config"]["rms_norm_eps"] = 1e-5
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(Usage, match="rms_norm_eps"):
        weights.load(tmp_path)
    with pytest.raises(Usage, match="JAX finds no abacus"):
        devices_called("abacus")


CHILD = """
import sys
sys.modules["torch"] = None  # nothing here may need it
from docproc.learn.jax import train
from docproc.learn.tune import standing
standing.SAVE_SECONDS, standing.SAVE_SHARE, train.SHARED = 0.0, 0, 1 << 10
from docproc.cli import main
main()
"""


def command(settings, name, *more):
    data = settings.data_dir.parent / "data"
    said = (
        "--model",
        "base",
        "--name",
        name,
        "--framework",
        "jax",
        "--device",
        "cpu",
        "--batch",
        "4",
        "--rate",
        "1e-2",
    )
    return ["finetune", "paligemma", str(data), *said, *more]


def child(arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], env=os.environ | environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def adapter_of(settings, name):
    return (settings.data_dir / "models" / name / "1" / "adapter_model.safetensors").read_bytes()


@pytest.mark.timeout(900)
def test_a_killed_training_goes_on_to_the_same_adapter(settings, capsys):
    """SIGKILL in the midst of steps, with dropout; then the same command, and once without any kill."""
    arguments = command(settings, "mine", "--rehearse", "0", "--steps", "150", "--dropout", "0.1")
    running = child(arguments)
    path = settings.data_dir / "training" / "mine" / "checkpoint"
    end = time.monotonic() + 200
    while not path.is_file() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    told, _ = running.communicate(timeout=30)
    assert running.returncode == -signal.SIGKILL, told
    assert docproc(arguments) == 0
    assert "Going on after" in capsys.readouterr().err
    assert docproc(command(settings, "again", *arguments[-6:])) == 0
    assert adapter_of(settings, "mine") == adapter_of(settings, "again")
    card = Registry(settings).get("mine@1")
    assert card.about["figures"]["loss_last"] < card.about["figures"]["loss_first"]
    assert card.kind == "adapter"


@pytest.mark.timeout(900)
def test_two_devices_learn_what_one_does(settings):
    """Virtual ones, on which large arrays and every batch are divided; the whole model, which is then served."""
    arguments = ["--steps", "4", "--method", "full", "--seed", "3"]
    flags = f"{QUICKLY} --xla_force_host_platform_device_count=2"
    running = child(command(settings, "two", *arguments), XLA_FLAGS=flags)
    told, _ = running.communicate(timeout=600)
    assert running.returncode == 0, told
    assert docproc(command(settings, "one", *arguments)) == 0
    registry = Registry(settings)
    one, two = registry.get("one@1"), registry.get("two@1")
    assert (one.about["figures"]["devices"], two.about["figures"]["devices"]) == (1, 2)
    for figure in ("loss_first", "loss_last", "validation_loss_after"):
        assert two.about["figures"][figure] == pytest.approx(one.about["figures"][figure], abs=1e-3)
    first, second = (
        dict(load_torch(registry.path(card), device="cpu").model.named_parameters()) for card in (one, two)
    )
    assert all(torch.allclose(first[name], second[name], atol=2e-3) for name in first)
    assert registry.get("one") is None, "nobody uses it before it is promoted"
    divided, arrays = re.search(r"(\d+) of (\d+) arrays are divided among 2 devices", told).groups()
    assert 10 < int(divided) < int(arrays)
