"""Questions over the API: answers with their words, kept until what they rest on changes, and who may not ask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from read_documents import add_pages
from web_client import Client, Service

from docproc.document import Page
from docproc.qa import confidence
from docproc.qa.ranker import ranker
from docproc.store.tables import DocumentRow, Share
from docproc.synth.sheet import Sheet, Style

BODY = Style("helv", 10.0)


def bill(total: str, number: str) -> Page:
    sheet = Sheet(None)
    rows = [
        ("Invoice number", number, 100),
        ("Invoice date", "3 May 2021", 130),
        ("Total", total, 160),
    ]
    for label, value, y in rows:
        lines = [sheet.write(60, y, label, BODY), sheet.write(220, y, value, BODY)]
        sheet.region("text", lines)
    return sheet.truth()


@pytest.fixture
def document(service: Service, anna: Client) -> str:
    with service.database.write() as session:
        return add_pages(session, anna.user_id, [bill("£120.00", "INV-7")])


def ask(who: Client, document: str, **body: object) -> dict:
    answer = who.post(f"/documents/{document}/questions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_question_is_answered_with_the_words_it_rests_on(anna: Client, document: str):
    answer = ask(anna, document, question="What is the total?")
    assert answer["text"] == "£120.00"
    assert (answer["not_found"], answer["ungrounded"], answer["complete"]) == (False, False, True)
    [word] = answer["evidence"]
    page = anna.get(f"/documents/{document}/pages/1").json
    [box] = [one["box"] for line in page["lines"] for one in line["words"] if one["text"] == "£120.00"]
    assert (word["page"], word["text"], word["box"]) == (1, "£120.00", box)


def test_what_the_document_does_not_say_is_not_found(anna: Client, document: str):
    answer = ask(anna, document, question="Who won the football match?")
    assert (answer["not_found"], answer["text"], answer["evidence"]) == (True, "", [])


def test_many_questions_are_answered_in_their_order_under_their_names(anna: Client, document: str):
    asked = [
        {"alias": "number", "question": "What is the invoice number?"},
        {"question": "invoice date", "pages": "1"},
    ]
    answers = ask(anna, document, questions=asked)["answers"]
    assert [(one["alias"], one["text"]) for one in answers] == [("number", "INV-7"), ("", "3 May 2021")]
    assert answers[1]["pages"] == [1]


def test_an_answer_is_kept_until_a_correction_touches_what_it_rests_on(anna: Client, document: str):
    first = ask(anna, document, question="What is the total?")
    assert ask(anna, document, question="What is the total?")["id"] == first["id"]
    page = anna.get(f"/documents/{document}/pages/1").json
    [wrong] = [one["id"] for line in page["lines"] for one in line["words"] if one["text"] == "£120.00"]
    operations = [{"op": "replace", "id": wrong, "text": "£128.00"}]
    sent = anna.post(f"/documents/{document}/pages/1/corrections", json=operations, headers={"If-Match": "*"})
    assert sent.status_code == 200, sent.text
    again = ask(anna, document, question="What is the total?")
    assert again["text"] == "£128.00"
    assert again["id"] != first["id"]
    history = anna.get(f"/documents/{document}/questions").json["answers"]
    assert [(one["text"], one["stale"]) for one in history] == [("£128.00", False), ("£120.00", True)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": "   "},
        {"question": "x" * 10_000},
        {"question": "total?", "pages": "7"},
        {"question": "total?", "pages": "one"},
        {"question": "total?", "questions": [{"question": "date?"}]},
        {"questions": []},
        {"question": 7},
        {"question": "total\ud800?"},
        {"question": "total?", "surprise": True},
        {"questions": [{"question": "date?"}] * 51},
    ],
)
def test_what_is_no_question_is_refused_with_a_reason(anna: Client, document: str, body: object):
    answer = anna.post(f"/documents/{document}/questions", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.mimetype == "application/problem+json"


def test_a_document_that_is_not_read_yet_says_so(service: Service, anna: Client, document: str):
    with service.database.write() as session:
        row = session.get(DocumentRow, document)
        row.status, row.run_id = "queued", None
    answer = anna.post(f"/documents/{document}/questions", json={"question": "What is the total?"})
    assert (answer.status_code, answer.json["code"]) == (409, "not-read")
    assert answer.json["hint"]


def test_a_document_of_others_is_not_there(service: Service, document: str):
    other = service.client("bob")
    assert other.post(f"/documents/{document}/questions", json={"question": "total?"}).status_code == 404
    assert other.get(f"/documents/{document}/questions").status_code == 404
    found = other.post("/questions", json={"question": "What is the total?"}).json
    assert found == {"answers": [], "not_found": True}


def test_all_documents_that_one_may_see_are_asked(service: Service, anna: Client, document: str):
    other = service.client("bob")
    with service.database.write() as session:
        more = add_pages(session, other.user_id, [bill("£77.00", "INV-8")], "1" * 64)
        session.add(Share(document_id=more, user_id=anna.user_id))
    found = anna.post("/questions", json={"question": "What is the total?"}).json["answers"]
    assert {(one["document"], one["text"]) for one in found} == {(document, "£120.00"), (more, "£77.00")}


def test_all_documents_give_answers_as_sure_as_asked_for(service: Service, anna: Client, document: str, monkeypatch):
    told = np.array([[1.0, 1.0], [0.99999, 0.0]], np.float32)  # held-out answers below 1 were wrong half of the time
    monkeypatch.setattr(confidence, "ranker", lambda: replace(ranker(), told=told))
    [best] = anna.post("/questions", json={"question": "What is the total?"}).json["answers"]
    assert (best["text"], best["sure"]) == ("£120.00", False)
    strict = anna.post("/questions", json={"question": "What is the total?", "precision": 0.9}).json
    assert strict == {"answers": [], "not_found": True}
    past = anna.get("/questions").json["items"][0]
    assert [one["text"] for one in past["answers"]] == ["£120.00"], "the best guess is what is kept"
    assert anna.post("/questions", json={"question": "total?", "precision": 1}).status_code == 422


def test_what_was_asked_of_all_documents_is_kept_for_who_asked(service: Service, anna: Client, document: str):
    other = service.client("bob")
    with service.database.write() as session:
        more = add_pages(session, other.user_id, [bill("£77.00", "INV-8")], "1" * 64)
        session.add(Share(document_id=more, user_id=anna.user_id))
    for question in ("What is the total?", "Who won the football match?"):
        anna.post("/questions", json={"question": question})
    [last, first] = anna.get("/questions").json["items"]
    assert (last["question"], last["not_found"], last["answers"]) == ("Who won the football match?", True, [])
    assert {(one["text"], one["stale"]) for one in first["answers"]} == {("£120.00", False), ("£77.00", False)}
    assert other.get("/questions").json["items"] == []
    page = anna.get(f"/documents/{document}/pages/1").json
    [name] = [one["id"] for line in page["lines"] for one in line["words"] if one["text"] == "£120.00"]
    operations = [{"op": "replace", "id": name, "text": "£128.00"}]
    assert anna.post(f"/documents/{document}/pages/1/corrections", json=operations, headers={"If-Match": "*"}).json
    with service.database.write() as session:
        session.delete(session.get(Share, (more, anna.user_id)))
    [answer] = anna.get("/questions").json["items"][1]["answers"]
    assert (answer["text"], answer["stale"]) == ("£120.00", True)
    assert not anna.get("/questions").json["items"][1]["not_found"]


@pytest.mark.parametrize("odd", ["\x00", "\x1b", "\u202e"])
def test_characters_that_no_database_keeps_do_no_harm(anna: Client, document: str, odd: str):
    answer = ask(anna, document, questions=[{"question": f"What is{odd} the total{odd}?", "alias": f"a{odd}b"}])
    assert answer["answers"][0]["text"] == "£120.00"
