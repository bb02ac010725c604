"""What a worker keeps at hand: real weights change between two questions, and the old ones leave memory."""

from __future__ import annotations

import gc
import weakref

import paligemma_tiny
import pytest

from docproc.engines import Limits, VisionRequest
from docproc.engines.paligemma import tiny
from docproc.errors import Unavailable
from docproc.promoted import Promoted
from docproc.registry import Card, Registry
from docproc.registry.sources import describe
from docproc.settings import Settings
from worker.desk import _for_threads

pytestmark = pytest.mark.slow

REQUESTS = [VisionRequest(paligemma_tiny.picture(), "caption en", Limits(8))]


def test_a_process_answers_with_the_weights_promoted_by_then(tmp_path):
    settings = Settings(data_dir=tmp_path, vision_model="m", threads=1)
    registry = Registry(settings)
    cards = []
    for seed in (0, 1):
        with registry.staged() as staged:
            tiny.build(1, staged, seed=seed)
            card = Card(name="m", kind="paligemma", source="tiny", added="2026-11-21T00:00:00+00:00")
            cards.append(registry.put(staged, describe(staged, card, "mix")))
    alone = [paligemma_tiny.engine_of(registry.path(card)).generate(REQUESTS)[0].token_ids for card in cards]
    following = Promoted(settings, wrap=_for_threads)

    def answer():
        with following.model() as model:
            assert model.engine.version == f"1@{registry.get('m').weights}"
            return model.engine.generate(REQUESTS)[0].token_ids

    assert answer() == alone[0]
    with following.model() as model:
        batching = model.engine
        weights = weakref.ref(batching._engine._loaded.model)
    registry.promote("m", 2)
    assert answer() == alone[1] != alone[0]
    del model
    gc.collect()
    assert weights() is None, "the weights before are gone"
    with pytest.raises(Unavailable, match=r"being closed|Too many"):
        batching.generate(REQUESTS)
    registry.rollback("m")
    assert answer() == alone[0]
