"""What an adapter must not forget: what is drawn for it, how far it strays, and that rehearsing keeps it near."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")
pytest.importorskip("peft", reason="the extra `paligemma` is not installed")

from docproc.engines.paligemma.loading import load  # noqa: E402
from docproc.errors import Usage  # noqa: E402
from docproc.learn.dataset import Example, read  # noqa: E402
from docproc.learn.mask_codes import encoder_of  # noqa: E402
from docproc.learn.tune import rehearsal  # noqa: E402
from docproc.learn.tune.batches import collate  # noqa: E402
from docproc.learn.tune.devices import Devices  # noqa: E402
from docproc.learn.tune.loop import Work, _steps, train  # noqa: E402
from docproc.learn.tune.loss import Seen, strayed  # noqa: E402
from docproc.learn.tune.parts import prepare, trained  # noqa: E402
from docproc.learn.tune.plan import REHEARSED, Plan, make_plan  # noqa: E402
from docproc.learn.tune.rows import rows_of  # noqa: E402
from docproc.registry import Registry  # noqa: E402
from docproc.settings import Settings  # noqa: E402
from docproc.tasks.grammar import Trained  # noqa: E402
from docproc.vision import masks_of  # noqa: E402

pytestmark = pytest.mark.slow

MIX = Trained("mix")
PLAN = Plan(batch=2, steps=30, epochs=0, rate=1e-2, rehearse=1.0, seed=3)


def rows(folder, loaded, words, asked):
    folder.mkdir(exist_ok=True)
    made = []
    for word in words:
        sheet = Image.new("RGB", (56, 56), "white")
        ImageDraw.Draw(sheet).text((4, 20), word, fill="black")
        sheet.save(folder / f"{word}.png")
        image = folder / f"{word}.png"
        made.append(Example(image=image, prefix=asked, suffix=word, task="answer", document=word))
    return rows_of(made, loaded, MIX, 50).rows


@pytest.fixture
def loaded(tiny_checkpoints):
    return load(tiny_checkpoints / "paligemma", device="cpu")


@pytest.fixture
def new(loaded, tmp_path):
    return rows(tmp_path / "new", loaded, ("abc", "face"), "answer en what is it?")


@pytest.fixture
def old(loaded, tmp_path):
    return rows(tmp_path / "old", loaded, ("dig", "elf", "gold"), "answer en who?")


def test_adapters_rehearse_unless_they_are_told_otherwise():
    assert make_plan("", 224, {})[0].rehearse == REHEARSED
    assert make_plan("", 224, {"rehearse": 0.5, "batch": 8})[0].besides == 4
    assert make_plan("", 224, {"method": "full"})[0].rehearse == 0
    with pytest.raises(Usage, match="all of whose weights change"):
        make_plan("", 224, {"method": "full", "rehearse": 1.0})


def test_how_far_an_adapter_strays_is_the_divergence_from_its_base(loaded, old):
    model = prepare(loaded, PLAN)
    batch = collate(old, loaded)
    assert strayed(batch, loaded, model, PLAN, Seen(loaded)).item() == pytest.approx(0, abs=1e-6)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in trained(model).items():
            if "lora_B" in name:
                weight.normal_(std=0.2)
    found = strayed(batch, loaded, model, PLAN, Seen(loaded))
    expected = 0.0
    model.eval()
    for row in old:
        one = collate([row], loaded)
        told = {"input_ids": one.ids, "attention_mask": one.mask, "token_type_ids": one.types}
        told["pixel_values"] = loaded.images([Image.open(row.image)], return_tensors="pt").pixel_values
        with torch.no_grad():
            now = loaded.model(**told).logits[one.labels != -100].log_softmax(-1)
            with model.disable_adapter():
                before = loaded.model(**told).logits[one.labels != -100].log_softmax(-1)
        expected += float((before.exp() * (before - now)).sum(-1).mean())
    assert found.item() == pytest.approx(expected, rel=1e-3)
    assert found.item() > 0.01
    found.backward()
    assert any(weight.grad.abs().max() > 0 for weight in trained(model).values())


def test_jax_strays_as_far(tiny_checkpoints, loaded, old):
    jax = pytest.importorskip("jax", reason="the extra `jax` is not installed")
    from docproc.learn.jax import model as computed
    from docproc.learn.jax import weights
    from docproc.learn.jax.adapters import ALPHA, fresh
    from docproc.learn.jax.batches import collate as stack
    from docproc.learn.jax.train import strayed as in_jax
    from docproc.learn.tune.standing import KEEP

    ours = weights.load(tiny_checkpoints / "paligemma")
    adapter, random = fresh(ours.arrays, PLAN), np.random.default_rng(2)
    batch, how = stack(list(old), ours, "example", len(old)), computed.How(lora=ALPHA)
    assert float(in_jax(adapter, ours.arrays, batch, how=how)) == pytest.approx(0, abs=1e-5)
    changed = {
        name: random.normal(0, 0.1, one.shape).astype(np.float32) if name.endswith(":b") else one
        for name, one in adapter.items()
    }
    found = float(in_jax(changed, ours.arrays, batch, how=how)) / KEEP
    width = {"pixels": batch["pixels"], "tokens": batch["tokens"], "prefix": batch["prefix"]}
    now, before = (
        jax.nn.log_softmax(
            computed.logits_at(ours.arrays, computed.hidden(params, *width.values(), how), batch["places"])
        )
        for params in ({**ours.arrays, **changed}, ours.arrays)
    )
    apart = np.asarray((np.exp(before) * (before - now)).sum(-1) * batch["weights"]).sum()
    assert found == pytest.approx(float(apart), rel=1e-3)
    assert found > 0.001
    moves = jax.grad(lambda one: in_jax(one, ours.arrays, batch, how=how))(changed)
    assert all(np.isfinite(np.asarray(one)).all() for one in moves.values())


def test_jax_compiles_what_is_rehearsed_once(tiny_checkpoints, loaded, tmp_path, new):
    """Whatever is in a batch of it, it is of one shape."""
    pytest.importorskip("jax", reason="the extra `jax` is not installed")
    from docproc.learn.jax import weights
    from docproc.learn.jax.train import Work as JaxWork
    from docproc.learn.jax.train import _steps as jax_steps

    old = rows(tmp_path / "long", loaded, ("abc", "d" * 40, "face"), "answer en who?")
    ours = weights.load(tiny_checkpoints / "paligemma")
    plan = replace(PLAN, batch=1, rehearse=1.0)
    work = JaxWork(ours, plan, new, tmp_path, {}, [None], old)
    shown = [step.old[0]["tokens"] for step in islice(jax_steps(work, 0), 3)]
    assert len({tuple(one[0]) for one in shown}) == 3, "each of the three once"
    assert len({one.shape for one in shown}) == 1


def test_what_is_rehearsed_stays_while_the_new_is_learnt(tiny_checkpoints, tmp_path, new, old):
    """The same training with and without."""
    lost, learnt = [], []
    for number, rehearsed in enumerate(((), old)):
        fresh = load(tiny_checkpoints / "paligemma", device="cpu")
        model = prepare(fresh, PLAN)
        work = Work(fresh, model, PLAN, new, Devices(0, 1, "cpu"), tmp_path / str(number), {}, rehearsed)
        standing = train(work, lambda *_: None)
        with torch.no_grad():
            lost.append(float(strayed(collate(old, fresh), fresh, model, PLAN, Seen(fresh))))
        learnt.append(standing.losses[-1])
    assert lost[1] < 0.5 * lost[0]
    assert learnt[1] < 0.5 * standing.losses[0]


def test_a_training_that_is_taken_up_rehearses_what_it_would_have(loaded, tmp_path, new, old):
    plan = replace(PLAN, rehearse=1.5)
    work = Work(loaded, None, plan, new, Devices(0, 1, "cpu"), tmp_path, {}, old)

    def rehearsed(start, count):
        steps = islice(_steps(work, start, with_pixels=False), count)
        return [[row for batch in old for row in batch.rows] for _, old in steps]

    shown, later = rehearsed(0, 6), rehearsed(4, 2)
    assert [len(some) for some in shown] == [3] * 6
    assert later == shown[4:]


def test_the_small_model_rehearses_what_it_was_made_of(tmp_path):
    registry = Registry(Settings(data_dir=tmp_path / "kept"))
    folder = registry.path(registry.get("nano"))
    small, plan = load(folder, device="cpu"), Plan(batch=4, rehearse=1.0)
    rehearsal.draw(tmp_path, small, Trained("nano"), plan, 5)
    found = list(read(tmp_path / rehearsal.FOLDER))
    assert [one.task for one in found] == list(rehearsal.TURNS) * 2
    with Image.open(found[0].image) as image:
        assert image.size == (small.checkpoint.side,) * 2
    rehearsal.draw(tmp_path, small, Trained("nano"), replace(plan, batch=8), 5)
    assert len(list(read(tmp_path / rehearsal.FOLDER))) == 20, "what is there stays"
    known = rehearsal.rehearsed(tmp_path, small, Trained("nano"), plan, encoder_of(masks_of(registry, folder)))
    assert (len(known.rows), list(known.notes)) == (20, [])
    assert rehearsal.rehearsed(tmp_path, small, Trained("nano"), replace(plan, rehearse=0.0), None).rows == ()


def test_other_models_rehearse_documents_in_their_own_words(loaded, tmp_path):
    rehearsal.draw(tmp_path, loaded, Trained("mix", {"answer": "gauge: {thing}"}), Plan(batch=3, rehearse=1.0), 4)
    found = list(read(tmp_path / rehearsal.FOLDER))
    assert len(found) == 12
    assert not any(one.prefix.startswith("gauge") for one in found), "that is new"
    assert rehearsal.rehearsed(tmp_path, loaded, MIX, Plan(rehearse=1.0), None).rows
