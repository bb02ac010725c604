"""The engine remote against a server process that speaks the protocol and asks the tiny checkpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from paligemma_tiny import engine_of, picture

from docproc.engines import Limits, VisionEngine, VisionRequest, load_vision
from docproc.engines import remote as module
from docproc.engines.remote import RemoteEngine, token_id
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.settings import Settings
from docproc.tasks.locations import token_scores

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
NAME = "tiny/paligemma-3b-mix-448"


@pytest.fixture(scope="module")
def server(tiny_checkpoints):
    command = [sys.executable, "tests/vision_server.py", str(tiny_checkpoints / "paligemma")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    port = running.stdout.readline().strip()
    yield f"http://127.0.0.1:{port}/v1"
    running.stdin.close()
    running.wait(20)
    running.stdout.close()


@pytest.fixture
def engine_for(server):
    made = []

    def make(model, **more):
        settings = Settings(**{"vision_url": server, "vision_key": "let-me-in", **more})
        made.append(RemoteEngine(settings, model))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "_pause", lambda *_: 0.0)


def told(server):
    return httpx.get(server + "/told").json()


def ask(engine, *prompts, tokens=12):
    return engine.generate([VisionRequest(picture(at), prompt, Limits(tokens)) for at, prompt in enumerate(prompts)])


def test_it_says_what_the_model_says_in_process(engine_for, tiny_checkpoints):
    prompts = ("caption en", "detect stamp ; signature", "answer en who?")
    far = engine_for(NAME)
    assert isinstance(far, VisionEngine)
    assert (far.variant, far.side, far.version) == ("mix", 448, NAME)
    near = engine_of(tiny_checkpoints / "paligemma")
    for one, other in zip(ask(far, *prompts), ask(near, *prompts), strict=True):
        assert (one.text, one.stopped) == (other.text, "end" if other.stopped == "end" else "tokens")
        assert one.scores == pytest.approx(other.scores, abs=1e-4)
        assert token_scores(one) == pytest.approx(token_scores(other), abs=1e-4)


def test_several_images_go_with_one_prompt(engine_for, tiny_checkpoints):
    request = VisionRequest([picture(1), picture(2)], "answer en what differs?", Limits(6))
    [far] = engine_for(NAME).generate([request])
    [near] = engine_of(tiny_checkpoints / "paligemma").generate([request])
    assert far.text == near.text


def test_models_that_do_not_tell_their_kind_are_asked_as_chats(engine_for):
    assert (engine_for("quiet").variant, engine_for("quiet").side) == ("chat", 0)
    [written] = ask(engine_for("quiet"), "What is this?")
    assert (written.text, written.token_ids, written.scores) == ("a", (), ())


def test_a_server_that_is_busy_for_a_moment_is_asked_again(engine_for, server):
    before = told(server)["asked"].get("busy", 0)
    assert len(ask(engine_for("busy"), "caption en")) == 1
    assert told(server)["asked"]["busy"] == before + 3


def test_a_server_that_is_down_is_not_stormed(engine_for, server):
    engine = engine_for("down")
    for _ in range(10):
        with pytest.raises(Unavailable, match="503"):
            ask(engine, "caption en")
    assert told(server)["asked"]["down"] == 10 + module.BUDGET, "once each, and the retries that there are"


def test_no_more_are_under_way_than_may(engine_for, server):
    ask(engine_for("quiet", vision_requests=3), *["x"] * 12)
    assert 2 <= told(server)["most"] <= 3


@pytest.mark.parametrize(
    ("model", "error", "said"),
    [
        ("unknown", Usage, "does not exist"),
        ("broken", EngineFailed, "no JSON"),
        ("other", EngineFailed, "not that of chat/completions"),
        ("endless", EngineFailed, "does not end"),
    ],
)
def test_answers_that_are_none_are_told(engine_for, server, model, error, said):
    before = told(server)["asked"].get(model, 0)
    with pytest.raises(error, match=said):
        ask(engine_for(model), "caption en")
    assert told(server)["asked"][model] == before + 1, "asking again would not help"


def test_a_server_that_takes_too_long_is_left(engine_for, server):
    with pytest.raises(EngineFailed, match=r"longer than 0\.5 s"):
        ask(engine_for("slow", vision_seconds=0.5), "caption en")
    assert told(server)["asked"]["slow"] == 1


def test_a_wrong_key_an_address_where_nobody_listens_and_none(engine_for):
    with pytest.raises(Unavailable, match="refuses the key"):
        ask(engine_for(NAME, vision_key="wrong"), "caption en")
    with pytest.raises(Unavailable, match="cannot be reached"):
        ask(engine_for(NAME, vision_url="http://127.0.0.1:9/v1"), "caption en")
    for url in ("", "file:///etc/passwd"):
        with pytest.raises(Usage, match="DOCPROC_VISION_URL"):
            load_vision("remote", Settings(vision_url=url), NAME)


def test_what_is_cancelled_before_its_turn_is_not_sent(engine_for, server):
    gone = threading.Event()
    gone.set()
    limits = Limits(5, cancelled=gone.is_set)
    [written] = engine_for("never").generate([VisionRequest(picture(), "caption en", limits)])
    assert written.stopped == "cancelled"
    assert "never" not in told(server)["asked"]


def test_tokens_of_places_are_numbered_as_in_the_model():
    assert token_id("<loc0000>") + 1024 == token_id("<seg000>")
    assert token_id("<loc1023>") - token_id("<loc0000>") == 1023
    assert all(token_id(text) < token_id("<loc0000>") for text in ("a", " the", "", "\n", "<loc"))
