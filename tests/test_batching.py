"""Requests of many threads in batches: who goes together, who is told to wait, who gives up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from docproc.engines import Generation, Limits, VisionRequest
from docproc.engines.batching import Batching
from docproc.engines.fake import FakeVision
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.raster import PageImage


def picture(value=0, side=8):
    return PageImage(np.full((side, side, 3), value, np.uint8), 72.0)


class Slow(FakeVision):
    """Answers when it is let; keeps the batches that it was given."""

    def __init__(self, script=lambda request: request.prompt):
        super().__init__(script)
        self.batches: list[list[str]] = []
        self.let, self.begun = threading.Event(), threading.Event()

    def generate(self, requests):
        self.batches.append([request.prompt for request in requests])
        self.begun.set()
        assert self.let.wait(20)
        return super().generate(requests)


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(20) as made:
        yield made


def ask(engine, prompt, tokens=16, **more):
    return engine.generate([VisionRequest(picture(), prompt, Limits(tokens))], **more)


def waiting(engine, count):
    """Wait until so many requests are in the queue."""
    with engine._changed:
        assert engine._changed.wait_for(lambda: len(engine._queue) == count, 20)


def test_requests_of_many_threads_go_together_and_each_gets_its_own(slow, pool):
    engine = Batching(slow, moment=0)
    first = pool.submit(ask, engine, "first")
    assert slow.begun.wait(20)
    rest = [pool.submit(ask, engine, f"number {index}") for index in range(6)]
    long = pool.submit(ask, engine, "long", 500)
    waiting(engine, 7)
    slow.let.set()
    assert [one.result()[0].text for one in (first, long)] == ["first", "long"]
    assert [one.result()[0].text for one in rest] == [f"number {index}" for index in range(6)]
    assert [sorted(batch) for batch in slow.batches[:1]] == [["first"]]
    together = [sorted(batch) for batch in slow.batches[1:]]
    assert sorted(together) == [["long"], [f"number {index}" for index in range(6)]]
    engine.close()


def test_what_is_cancelled_before_its_turn_is_never_asked(slow, pool):
    engine = Batching(slow, moment=0)
    first = pool.submit(ask, engine, "first")
    assert slow.begun.wait(20)
    gone = threading.Event()
    second = pool.submit(ask, engine, "second", cancelled=gone.is_set)
    waiting(engine, 1)
    gone.set()
    with pytest.raises(EngineFailed, match="cancelled"):
        second.result(20)
    waiting(engine, 0)
    slow.let.set()
    assert first.result()[0].text == "first"
    assert slow.batches == [["first"]]
    engine.close()


def test_what_is_cancelled_under_way_is_told_to_the_model(slow, pool):
    engine = Batching(slow, moment=0)
    gone = threading.Event()
    first = pool.submit(ask, engine, "first", cancelled=gone.is_set)
    assert slow.begun.wait(20)
    gone.set()
    with pytest.raises(EngineFailed):
        first.result(20)
    slow.let.set()
    engine.close()
    assert slow.asked[0].limits.cancelled()


def test_no_more_waits_than_may(slow, pool):
    one = picture().pixels.nbytes
    engine = Batching(slow, moment=0, most_bytes=2 * one, patience=0.2)
    running = [pool.submit(ask, engine, "first")]
    assert slow.begun.wait(20)
    running += [pool.submit(ask, engine, str(index)) for index in range(2)]
    waiting(engine, 2)
    with pytest.raises(Unavailable, match="Too many requests"):
        ask(engine, "one too many")
    slow.let.set()
    assert [len(found.result()) for found in running] == [1, 1, 1]
    assert ask(engine, "there is room again")[0].text == "there is room again"
    engine.close()


def test_one_that_cannot_be_done_costs_itself_alone(pool):
    def script(request):
        if request.prompt == "bad":
            raise Usage("No.")
        return request.prompt

    slow = Slow(script)
    engine = Batching(slow, moment=0)
    first = pool.submit(ask, engine, "first")
    assert slow.begun.wait(20)
    good, bad = pool.submit(ask, engine, "good"), pool.submit(ask, engine, "bad")
    waiting(engine, 2)
    slow.let.set()
    assert (first.result()[0].text, good.result()[0].text) == ("first", "good")
    with pytest.raises(Usage):
        bad.result(20)
    engine.close()


def test_a_bug_of_the_model_is_told_and_the_next_request_is_served():
    def script(request):
        return {"good": "fine"}[request.prompt]

    engine = Batching(FakeVision(script))
    with pytest.raises(EngineFailed, match="bad"):
        ask(engine, "bad")
    assert ask(engine, "good")[0].text == "fine"
    engine.close()


def test_who_waits_is_told_when_it_is_closed(slow, pool):
    engine = Batching(slow, moment=0)
    first = pool.submit(ask, engine, "first")
    assert slow.begun.wait(20)
    second = pool.submit(ask, engine, "second")
    waiting(engine, 1)
    closing = pool.submit(engine.close)
    slow.let.set()
    closing.result(20)
    assert first.result()[0].text == "first"
    with pytest.raises(Unavailable):
        second.result(20)
    with pytest.raises(Unavailable):
        ask(engine, "after")


def test_limits_that_differ_in_who_cancels_are_the_same_limits():
    assert Limits(5) == Limits(5, cancelled=lambda: True)
    assert Generation("a") == Generation("a")
