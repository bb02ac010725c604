"""Every task on a page with tiny random models: nonsense is written, and all of it must find its place."""

import pytest
from paligemma_tiny import GENERATIONS, engine_of, picture

from docproc.engines import load_masks
from docproc.geometry import Box
from docproc.masks import to_grid
from docproc.tasks import TASKS, Ask
from docproc.tasks.pages import Model, find, find_all

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch")

ASKS = [
    Ask(task="answer", thing="what is the sum <image><eos>?"),
    Ask(task="caption"),
    Ask(task="caption", box=Box(10, 10, 60, 30)),
    Ask(task="detect", thing="stamp ; signature"),
    Ask(task="segment", thing="stamp"),
    Ask(task="refer", thing="the sum at the end"),
]


@pytest.fixture(scope="module", params=GENERATIONS)
def model(request, tiny_checkpoints):
    return Model(engine_of(tiny_checkpoints / request.param), decoder=load_masks(tiny_checkpoints / "vae-oid.npz"))


def within(inner, outer):
    return (
        outer.left - 0.01 <= inner.left <= inner.right <= outer.right + 0.01
        and outer.top - 0.01 <= inner.top <= inner.bottom <= outer.bottom + 0.01
    )


def test_what_is_found_lies_on_the_page(model):
    image = picture(4, 200, 280)
    for ask, found in zip(ASKS, find_all(model, ASKS, image, seconds=0.2), strict=True):
        assert found.views, ask
        for finding in found.findings:
            assert finding.task == ask.task
            assert finding.box is None or within(finding.box, image.box)


def test_things_the_model_places_become_boxes_and_masks(model, monkeypatch):
    """Its own words are replaced by an object in its own tokens: the way from tokens to the page is the real one."""
    engine = model.engine
    tokenizer = engine._loaded.tokenizer
    spoken = "<loc0102><loc0204><loc0921><loc0818>" + "".join(f"<seg{7 * at:03}>" for at in range(16)) + " stamp"
    ids = [*tokenizer(spoken, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
    generate = engine._loaded.model.generate

    def dictated(**kwargs):
        written = generate(**kwargs | {"max_new_tokens": len(ids)})
        kwargs["stopping_criteria"][0].ends.clear()
        rows, start = len(written), kwargs["input_ids"].shape[1]
        return torch.cat([written[:, :start], torch.tensor([ids] * rows)], 1)

    monkeypatch.setattr(engine._loaded.model, "generate", dictated)
    image = picture(4, 56, 48)  # one view: no details
    found = find(model, Ask(task="segment", thing="stamp"), image)
    finding = found.findings[0]
    assert len(found.views) == 1
    page = image.box
    assert finding.label == "stamp"
    assert finding.box.as_list() == pytest.approx(
        [page.width * 204 / 1023, page.height * 102 / 1023, page.width * 818 / 1023, page.height * 921 / 1023],
        abs=0.5,
    )
    assert within(finding.mask.box, page)
    assert 0.1 < to_grid(finding.mask).mean() < 0.9
    assert found.invalid == 0


def test_all_tasks_of_a_mix_are_tried():
    """Those of pre-training and fine-tunes are not for a mix; a new task is added above."""
    tried = {ask.task for ask in ASKS}
    assert tried <= set(TASKS)
    assert set(TASKS) - tried <= {"ocr", "describe", "question", "table"}
