"""What becomes of answers: how sure they have to be, what people say of them, and a vision model's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from read_documents import add_pages
from search_pages import page as made_page
from web_client import Client, Service

from docproc.findings import Answer, Finding
from docproc.qa import ENGINE, confidence
from docproc.qa.confidence import Calibration, least_confidence, only_sure
from docproc.qa.ranker import ranker
from docproc.store import jobs
from docproc.store.database import Database
from docproc.store.findings import Outcome

BILL = made_page("Invoice number INV-7", "Total £120.00")


@pytest.fixture
def seeing(database: Database, tmp_path: Path) -> Iterator[Service]:
    made = Service(database, tmp_path / "data", vision_engine="fake", vision_model="x")
    yield made
    made.close()


def document(service: Service, who: Client) -> str:
    with service.database.write() as session:
        return add_pages(session, who.user_id, [BILL])


def ask(who: Client, path: str, status: int = 200, **body: object) -> dict:
    answer = who.post(path, json={"question": "What is the total?", **body})
    assert answer.status_code == status, answer.text
    return answer.json


def test_no_confidence_is_enough_for_a_precision_that_was_never_reached():
    sure = least_confidence(0.9)
    assert least_confidence(0) == 0.0
    assert 0 < least_confidence(0.7) <= sure <= 1.01
    assert sure < 1, "the shipped ranker reaches nine in ten"
    answer = Answer(text="5", confidence=sure, engine=ENGINE)
    assert only_sure(answer, 0.9) == answer
    doubtful = Answer(text="5", confidence=sure - 0.01, engine=ENGINE)
    assert only_sure(doubtful, 0.9).not_found
    assert only_sure(doubtful, 0) == doubtful
    of_others = Answer(text="5", confidence=0.01, engine="paligemma 1")
    assert only_sure(of_others, 0.9) == of_others


def test_confidences_follow_what_people_said():
    assert Calibration.of([])(0.7) == 0.7
    said = [(0.9, number % 2 == 0) for number in range(200)] + [(0.4, number % 5 == 0) for number in range(200)]
    turned = Calibration.of(said)
    assert turned(0.9) == pytest.approx(0.5, abs=0.05)
    assert turned(0.4) == pytest.approx(0.2, abs=0.05)
    assert np.all(np.diff([turned(one) for one in np.linspace(0, 1, 21)]) >= 0), "the order stays"
    few = Calibration.of([(0.9, False)])
    assert turned(0.9) < few(0.9) < 0.9, "a few turn it a little"
    assert all(0 <= Calibration.of([(1.0, False)] * 50)(one) <= 1 for one in (0.0, 0.5, 1.0))


def test_verdicts_turn_the_confidence_and_are_one_for_each_user(service: Service, anna: Client):
    path = f"/documents/{document(service, anna)}/questions"
    first = ask(anna, path)
    there = f"{path}/{first['id']}/verdict"
    [wrong, right] = [anna.ask("PUT", there, json={"right": right}).json for right in (False, True)]
    assert wrong["confidence"] < min(first["confidence"], right["confidence"])
    assert ask(anna, path)["confidence"] == right["confidence"]
    assert anna.get(path).json["answers"][0]["confidence"] == right["confidence"]
    assert (first["right"], ask(anna, path)["right"]) == (None, True)
    assert anna.get(path).json["answers"][0]["right"] is True
    back = anna.ask("DELETE", there).json
    assert (back["right"], back["confidence"]) == (None, pytest.approx(first["confidence"]))
    assert anna.get(path).json["answers"][0]["right"] is None
    assert anna.ask("DELETE", there).status_code == 200, "nothing is left to take back"
    for method, more in (("PUT", {"json": {"right": True}}), ("DELETE", {})):
        assert anna.ask(method, f"{path}/none/verdict", **more).status_code == 404
    nothing = ask(anna, path, question="Who won the football match?")
    assert nothing["not_found"]
    assert anna.ask("PUT", f"{path}/{nothing['id']}/verdict", json={"right": True}).status_code == 409


def test_a_precision_leaves_out_what_is_less_sure(service: Service, anna: Client, monkeypatch):
    path = f"/documents/{document(service, anna)}/questions"
    told = np.array([[1.0, 1.0], [0.99999, 0.0]], np.float32)
    model = replace(ranker(), told=told)  # held-out answers below 1 were wrong half of the time
    monkeypatch.setattr(confidence, "ranker", lambda: model)
    best = ask(anna, path, precision=0)
    assert best["text"] == "£120.00"
    strict = ask(anna, path, precision=0.9)
    assert (strict["not_found"], strict["sure"], strict["evidence"]) == (True, False, [])
    assert ask(anna, path)["text"] == best["text"], "the best guess is what is kept"
    assert ask(anna, path, 422, precision=1.0)["code"]


def test_a_vision_model_is_asked_in_the_background(seeing: Service):
    anna = seeing.client("vera")
    key = document(seeing, anna)
    path = f"/documents/{key}/questions"
    asked = anna.post(path, json={"question": "What is the total?", "engine": "model"})
    assert (asked.status_code, asked.json["status"], asked.json["answer"]) == (202, "queued", None)
    there = asked.headers["Location"]
    assert there.endswith(f"{path}/{asked.json['id']}")
    held = jobs.claim(seeing.database, ["gpu"], "w", seeing.settings)
    [request] = jobs.asked(seeing.database, held)
    said = Finding(task="answer", prompt="answer en What is the total?", page=1, text="£120.00", confidence=0.8)
    assert jobs.found(seeing.database, held, [Outcome(request.id, findings=[said])], "fake 1")
    found = anna.get(f"{path}/{asked.json['id']}").json
    assert (found["status"], found["answer"]["text"], found["answer"]["engine"]) == ("done", "£120.00", "fake 1")
    assert [one["text"] for one in found["answer"]["evidence"]] == ["£120.00"]
    assert seeing.client("bob").get(f"{path}/{asked.json['id']}").status_code == 404
    assert ask(anna, path, 422, engine="model", precision=0.9)["code"]


def test_without_a_vision_model_a_question_to_it_is_refused(service: Service, anna: Client):
    answer = anna.post(f"/documents/{document(service, anna)}/questions", json={"question": "x?", "engine": "model"})
    assert (answer.status_code, answer.json["code"]) == (503, "no-vision-model")
