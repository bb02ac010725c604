"""Fine-tuning on tiny models: losses against transformers and a mask drawn by hand, kills, several processes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from paligemma_tiny import GENERATIONS, engine_of, logits_by_hand
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")
pytest.importorskip("peft", reason="the extra `paligemma` is not installed")

from docproc.engines import Limits, VisionRequest  # noqa: E402
from docproc.engines.paligemma.engine import PaliGemmaEngine  # noqa: E402
from docproc.engines.paligemma.loading import load  # noqa: E402
from docproc.errors import Unavailable  # noqa: E402
from docproc.learn.dataset import Example, write  # noqa: E402
from docproc.learn.tune.batches import collate, pixels_of  # noqa: E402
from docproc.learn.tune.devices import Devices  # noqa: E402
from docproc.learn.tune.feed import order  # noqa: E402
from docproc.learn.tune.loop import Work, train  # noqa: E402
from docproc.learn.tune.loss import Seen, summed_loss  # noqa: E402
from docproc.learn.tune.parts import part_of, prepare, trained  # noqa: E402
from docproc.learn.tune.plan import Plan  # noqa: E402
from docproc.learn.tune.rows import rows_of  # noqa: E402
from docproc.learn.tune.run import Request, finetune  # noqa: E402
from docproc.raster import PageImage  # noqa: E402
from docproc.registry import Registry  # noqa: E402
from docproc.registry.sources import Wanted, add  # noqa: E402
from docproc.settings import Settings  # noqa: E402
from docproc.tasks.grammar import Trained  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = ("abc", "face", "hi, you", "d")
ASKED = "answer en what is it?"
MIX = Trained("mix")


def drawn(folder, word):
    folder.mkdir(exist_ok=True)
    sheet = Image.new("RGB", (56, 56), ("white", "silver", "gold", "navy")[WORDS.index(word)])
    ImageDraw.Draw(sheet).text((4, 20), word, fill="black")
    sheet.save(folder / f"{word[:2]}.png")
    return folder / f"{word[:2]}.png"


def examples(folder, words=WORDS):
    return [
        Example(image=drawn(folder / "drawn", word), prefix=ASKED, suffix=word, task="answer", document=word)
        for word in words
    ]


@pytest.fixture
def dataset(tmp_path):
    made = examples(tmp_path)
    write(tmp_path / "data", {"train": made, "validation": made[:1]})
    return tmp_path / "data"


@pytest.fixture
def settings(tmp_path, tiny_checkpoints):
    """A data folder with the tiny model of the first generation, as `base`."""
    made = Settings(data_dir=tmp_path / "kept", threads=1)
    add(Registry(made), str(tiny_checkpoints / "paligemma"), Wanted(name="base"), accept=lambda _: True)
    return made


def rows(folder, loaded, longest=100):
    return rows_of(examples(folder), loaded, MIX, longest).rows


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of the processor of transformers
@pytest.mark.parametrize("generation", GENERATIONS)
def test_batches_and_losses_are_those_of_transformers(tiny_checkpoints, tmp_path, generation):
    """Its processor makes the tokens and labels, its model the loss: a mean over all tokens."""
    from transformers import PaliGemmaProcessor

    loaded = load(tiny_checkpoints / generation, device="cpu")
    own = rows(tmp_path, loaded)
    batch = collate(own, loaded)
    processor = PaliGemmaProcessor.from_pretrained(tiny_checkpoints / generation)
    theirs = processor(
        images=[Image.open(row.image).convert("RGB") for row in own], text=[f"<image>{ASKED}"] * len(own),
        suffix=list(WORDS), return_tensors="pt", padding="longest", padding_side="right",
    )  # fmt: skip
    assert torch.equal(batch.ids, theirs["input_ids"])
    assert torch.equal(batch.mask, theirs["attention_mask"])
    assert torch.equal(batch.types * batch.mask, theirs["token_type_ids"] * theirs["attention_mask"])
    assert torch.equal(batch.labels[:, :-1], theirs["labels"][:, 1:])
    assert torch.equal(pixels_of(own, loaded), theirs["pixel_values"])
    with torch.no_grad():
        expected = float(loaded.model(**theirs).loss)
        total, weight, tokens = summed_loss(batch, loaded, Plan(mean="token"), Seen(loaded))
        assert float(total) / weight == pytest.approx(expected, abs=1e-5)
        assert tokens == weight == sum(len(row.suffix) for row in own)
        one_by_one = [summed_loss(collate([row], loaded), loaded, Plan(mean="token"), Seen(loaded)) for row in own]
        total, weight, _ = summed_loss(batch, loaded, Plan(), Seen(loaded))
        means = [float(one) / count for one, count, _ in one_by_one]
        assert float(total) / weight == pytest.approx(sum(means) / len(means), abs=1e-5)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_token_sees_what_it_shall_learn(tiny_checkpoints, tmp_path, generation):
    """Against attention drawn cell by cell: image and prompt see each other, the answer only what is before it."""
    engine = engine_of(tiny_checkpoints / generation)
    loaded = engine._loaded
    row = rows(tmp_path, loaded)[1]
    with torch.no_grad():
        features = loaded.model.get_image_features(pixels_of([row], loaded)).pooler_output[0]
        ids = [loaded.image_token] * loaded.checkpoint.image_tokens + [*row.prefix]
        lost = 0.0
        for at, token in enumerate(row.suffix):
            logits = logits_by_hand(loaded.model, [*ids, *row.suffix[:at]], len(ids), features)
            lost -= float(logits.log_softmax(-1)[token])
        total, _, _ = summed_loss(collate([row], loaded), loaded, Plan(mean="token"), Seen(loaded))
    assert float(total) == pytest.approx(lost, abs=2e-4)


def test_an_answer_that_is_cut_does_not_end(tiny_checkpoints, tmp_path):
    loaded = load(tiny_checkpoints / "paligemma", device="cpu")
    found = rows_of(examples(tmp_path), loaded, MIX, 3)
    assert [row.whole for row in found.rows] == [True, False, False, True]
    ends = [row.suffix[-1] == loaded.tokenizer.eos_token_id for row in found.rows]
    assert ends == [row.whole for row in found.rows]
    assert len(found.rows[1].suffix) == 3
    assert "2 of 4" in found.notes[0]


def test_smoothed_labels_cost_what_torch_says(tiny_checkpoints, tmp_path):
    loaded = load(tiny_checkpoints / "paligemma", device="cpu")
    batch = collate(rows(tmp_path, loaded)[:1], loaded)
    with torch.no_grad():
        sharp = float(summed_loss(batch, loaded, Plan(), Seen(loaded))[0])
        smooth = float(summed_loss(batch, loaded, Plan(smoothing=0.3), Seen(loaded))[0])
        logits = loaded.model(
            input_ids=batch.ids, attention_mask=batch.mask, token_type_ids=batch.types,
            pixel_values=pixels_of(batch.rows, loaded),
        ).logits[0]  # fmt: skip
        uniform = -logits.log_softmax(-1).mean(-1)[batch.labels[0] != -100].mean()
    assert smooth == pytest.approx(0.7 * sharp + 0.3 * float(uniform), abs=1e-4)


@pytest.mark.parametrize(
    ("plan", "parts"),
    [
        (Plan(), {"decoder", "projector"}),
        (Plan(frozen=("embeddings",)), {"decoder", "projector", "vision"}),
        (Plan(frozen=("vision", "projector", "embeddings")), {"decoder"}),
        (Plan(method="full", frozen=()), {"decoder", "projector", "vision", "embeddings"}),
        (Plan(method="full", frozen=("vision", "embeddings")), {"decoder", "projector"}),
    ],
    ids=["lora", "lora-vision", "lora-decoder", "full", "full-frozen"],
)
def test_only_what_is_not_frozen_changes(tiny_checkpoints, tmp_path, plan, parts):
    """The names of the vision tower's layers are those of the decoder: adapters must tell them apart."""
    loaded = load(tiny_checkpoints / "paligemma", device="cpu")
    before = {name: weight.clone() for name, weight in loaded.model.state_dict().items()}
    model = prepare(loaded, replace(plan, steps=2, rate=1e-2, batch=2))
    assert {part_of(name) for name in trained(model)} == parts
    work = Work(
        loaded, model, replace(plan, steps=2, rate=1e-2, batch=2), rows(tmp_path, loaded), Devices(0, 1, "cpu"),
        tmp_path / "work", {},
    )  # fmt: skip
    train(work, lambda *_: None)
    after = {name.replace(".base_layer", ""): weight for name, weight in loaded.model.state_dict().items()}
    changed = {part_of(name) for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert changed == (parts if plan.method == "full" else set()), "adapters leave the weights as they are"
    sides = [weight for name, weight in trained(model).items() if ".lora_B" in name]
    assert all(bool(weight.any()) for weight in sides), "an adapter learnt nothing"


def test_every_epoch_has_an_order_of_its_own_and_can_be_entered_anywhere():
    def first(count, start):
        stream = order(5, 7, start)
        return [next(stream) for _ in range(count)]

    whole = first(15, 0)
    assert [sorted(whole[at : at + 5]) for at in (0, 5, 10)] == [[0, 1, 2, 3, 4]] * 3
    assert len({tuple(whole[at : at + 5]) for at in (0, 5, 10)}) == 3
    assert all(first(15 - start, start) == whole[start:] for start in range(15))


def request(dataset, **changes):
    said = {"steps": 6, "batch": 4, "rate": 1e-2, "rehearse": 0.0} | changes.pop("said", {})
    return Request(**{"folder": dataset, "model": "base", "name": "mine", "said": said, "device": "cpu"} | changes)


def weights_of(settings, version, name="mine"):
    from safetensors.torch import load_file

    folder = Registry(settings).root / name / str(version)
    return load_file(next(path for path in folder.iterdir() if path.suffix == ".safetensors"))


@pytest.mark.parametrize(
    ("method", "rate", "words"), [("lora", 1e-2, ("abc", "d")), ("full", 3e-3, WORDS)], ids=["lora", "full"]
)
def test_what_was_learnt_is_said_by_the_engine_that_serves_it(tmp_path, settings, method, rate, words):
    """And the version is not in use, has a card that tells how it came about, and a curve."""
    made = examples(tmp_path, words)
    write(tmp_path / "data", {"train": made, "validation": made[:1]})
    said = {"steps": 100, "rate": rate, "method": method, "batch": len(words), "rehearse": 0.0}
    card = finetune(request(tmp_path / "data", said=said), settings, print)
    assert card.id == "mine@1"
    registry = Registry(settings)
    assert registry.current("mine").version == 0
    with pytest.raises(Unavailable, match="No version of mine is in use yet"):
        registry.locate("mine")
    engine = PaliGemmaEngine(settings, "mine@1", device="cpu")
    pictures = [np.asarray(Image.open(one.image).convert("RGB")) for one in made]
    asked = [VisionRequest(PageImage(pixels, 72.0), ASKED, Limits(12)) for pixels in pictures]
    assert [one.text for one in engine.generate(asked)] == list(words)
    about = card.about
    assert about["base"]["weights"] == registry.get("base").weights
    # an adapter cannot make a random model surer: the size of its last states and its embedding are frozen
    assert about["figures"]["loss_last"] < (0.05 if method == "full" else 1.7)
    assert about["figures"]["validation_loss_after"] < about["figures"]["validation_loss_before"]
    assert len(about["data"]["sha256"]) == 64
    assert about["recipe"]["steps"] == 100
    assert "100 steps" in (registry.path(card) / about["curve"]).read_text("utf-8")
    assert not (settings.data_dir / "training" / "mine").exists()


CHILD = """
import sys
from docproc.learn.tune import standing
standing.SAVE_SECONDS = standing.SAVE_SHARE = 0
from docproc.cli import main
main()
"""


def arguments(dataset, steps, rehearse):
    said = ("--name", "mine", "--model", "base", "--steps", str(steps), "--batch", "4", "--rate", "1e-2")
    more = ("--rehearse", str(rehearse), "--dropout", "0.1", "--device", "cpu")
    return ["finetune", "paligemma", str(dataset), *said, *more]


def surroundings(settings):
    return os.environ | {"DOCPROC_DATA_DIR": str(settings.data_dir), "DOCPROC_THREADS": "1"}


@pytest.mark.timeout(900)  # a busy machine takes minutes to import torch
def test_a_killed_training_goes_on_to_the_same_weights(dataset, settings):
    """SIGKILL in the midst of steps, with dropout; then the same command, and once without any kill."""
    threads = torch.get_num_threads()
    steps = 200
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments(dataset, steps, 0)], env=surroundings(settings),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    path = settings.data_dir / "training" / "mine" / "checkpoint"
    end = time.monotonic() + 600
    while not path.is_file() and child.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL, "it was done before it was killed"
    done = torch.load(path, weights_only=True)["steps"]
    assert 0 < done < steps
    said = {"steps": steps, "dropout": 0.1}
    told = []
    assert finetune(request(dataset, said=said), settings, told.append).version == 1
    assert told == [f"Going on after {done} steps."]
    assert finetune(request(dataset, said=said), settings, told.append).version == 2
    one, other = weights_of(settings, 1), weights_of(settings, 2)
    assert all(torch.equal(one[name], other[name]) for name in one)
    torch.set_num_threads(threads)


@pytest.mark.timeout(900)
def test_two_processes_learn_what_one_does_with_all_examples(dataset, settings):
    """Over gloo on CPUs, each with half of every batch."""
    threads = torch.get_num_threads()
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29517", "-m",
               "docproc", *arguments(dataset, 6, 0.5)]  # fmt: skip
    done = subprocess.run(
        [one for one in command if one not in ("--dropout", "0.1")], env=surroundings(settings), capture_output=True,
        text=True, timeout=800, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    two = Registry(settings).get("mine@1")
    one = finetune(request(dataset, said={"rehearse": 0.5}), settings, print)
    assert two.about["figures"]["devices"] == 2
    for name in ("loss_first", "loss_last", "validation_loss_after"):
        assert two.about["figures"][name] == pytest.approx(one.about["figures"][name], abs=1e-4)
    before, after = weights_of(settings, 1), weights_of(settings, 2)
    apart = {name: (before[name] - after[name]).abs() for name in before}
    # Adam divides by the gradient's own size: where that is next to nothing, rounding alone moves a weight by a part
    # of the rate, which is 1e-2 here.
    assert max(float(one.max()) for one in apart.values()) < 1e-3
    assert max(float(one.mean()) for one in apart.values()) < 1e-5
    assert json.loads((Registry(settings).path(two) / "card.json").read_text())["version"] == 1
    torch.set_num_threads(threads)
