"""The batching server around a tiny PaliGemma: batched equals one by one, cancelled rows end, memory is bounded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from paligemma_tiny import GENERATIONS, engine_of, picture

from docproc.engines import Limits, VisionRequest
from docproc.engines.batching import Batching
from docproc.errors import Usage
from docproc.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", name="folder")
def the_tiny_checkpoints(tiny_checkpoints):
    return tiny_checkpoints


def requests():
    prompts = ("caption en", "detect stamp ; signature", "answer en what is this?", "caption en")
    return [
        VisionRequest(picture(seed % 3), prompt, Limits(8 + 40 * (seed % 2)))
        for seed, prompt in enumerate(prompts * 2)
    ]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_asked_from_many_threads_it_says_what_it_says_alone(folder, generation):
    engine = engine_of(folder / generation)
    alone = [engine.generate([request])[0] for request in requests()]
    server = Batching(engine)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda request: server.generate([request])[0], requests()))
    server.close()
    for one, other in zip(alone, together, strict=True):
        assert (other.text, other.token_ids, other.stopped) == (one.text, one.token_ids, one.stopped)
        assert other.scores == pytest.approx(one.scores, abs=1e-4)


def test_a_row_that_is_cancelled_ends_and_the_others_go_on(folder):
    engine = engine_of(folder / "paligemma")
    whole = engine.generate([VisionRequest(picture(), "caption en", Limits(20))])[0]
    asked = 0

    def after_three() -> bool:
        nonlocal asked
        asked += 1
        return asked >= 3

    limits = (Limits(20, cancelled=after_three), Limits(20))
    gone, kept = engine.generate([VisionRequest(picture(), "caption en", one) for one in limits])
    assert gone.stopped == "cancelled"
    assert gone.token_ids == whole.token_ids[:3]
    assert (kept.text, kept.token_ids, kept.stopped) == (whole.text, whole.token_ids, whole.stopped)


def test_batches_stay_within_the_memory_that_requests_may_take(folder, monkeypatch):
    plain = engine_of(folder / "paligemma")
    rows = [plain._row(0, VisionRequest(picture(), "caption en", Limits(30)), {})]
    one = plain._bytes(rows)
    engine = type(plain)(
        Settings(threads=1, vision_memory=int(one * 2.5)), folder / "paligemma", device="cpu", batch=8
    )
    sizes = []
    write = engine._write
    monkeypatch.setattr(engine, "_write", lambda rows, features: sizes.append(len(rows)) or write(rows, features))
    asked = [VisionRequest(picture(seed), "caption en", Limits(30)) for seed in range(5)]
    assert [one.token_ids for one in engine.generate(asked)] == [one.token_ids for one in plain.generate(asked)]
    assert sizes == [2, 2, 1]
    with pytest.raises(Usage, match="DOCPROC_VISION_MEMORY"):
        engine.generate([VisionRequest(picture(), "caption en", Limits(300))])


def test_closing_ends_the_thread(folder):
    server = Batching(engine_of(folder / "paligemma"))
    server.close()
    assert not any(thread.name == "batches" and thread is server._thread for thread in threading.enumerate())
