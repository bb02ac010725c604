"""Corrections over the API: If-Match, undo, history, and who may not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from read_documents import add_document
from sqlalchemy import select
from web_client import Client, Service
from werkzeug.test import TestResponse

from docproc.store import corrections
from docproc.store.tables import AuditRow, DocumentRow, Share

BROWN = {"op": "replace", "id": "aw2", "text": "brown"}


@pytest.fixture
def page(service: Service, anna: Client) -> str:
    with service.database.write() as session:
        return f"/documents/{add_document(session, anna.user_id)}/pages/1"


def correct(who: Client, page: str, operations: Any, if_match: str = "*") -> TestResponse:
    return who.post(f"{page}/corrections", json=operations, headers={"If-Match": if_match})


def text_of(page: dict[str, Any]) -> str:
    return page["text"].partition("\n\n")[2]


def test_a_page_is_corrected_and_the_correction_undone(service: Service, anna: Client, page: str):
    answer = correct(anna, page, [BROWN])
    assert answer.status_code == 200, answer.text
    assert text_of(answer.json) == "the quick brown fox"
    first = answer.headers["ETag"]
    answer = correct(anna, page, [{"op": "order", "id": "r1", "after": None}], first)
    assert answer.json["text"] == "the quick brown fox\n\nLetter"
    undone = anna.post(f"{page}/corrections/undo", headers={"If-Match": answer.headers["ETag"]})
    assert text_of(undone.json) == "the quick brown fox"
    assert undone.headers["ETag"] not in (first, answer.headers["ETag"])
    told = anna.get(page.removesuffix("/pages/1") + "/events").text
    assert re.findall(r'"revision": (\d+)', told) == ["1", "2", "3"], "others who look at the page learn of it"
    history = anna.get(f"{page}/corrections").json["items"]
    assert [(one["batch"], one["operation"], bool(one["undone_at"])) for one in history] == [
        (1, BROWN, False),
        (2, {"op": "order", "id": "r1", "after": None}, True),
    ]
    assert anna.get(page.removesuffix("/pages/1") + "/corrections").json["items"] == history
    with service.database.read() as session:
        done = list(session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("page."))))
    assert sorted(done) == ["page.correct", "page.correct", "page.undo"]


def test_who_has_seen_an_older_page_gets_412_and_without_if_match_428(anna: Client, page: str):
    seen = correct(anna, page, [BROWN]).headers["ETag"]
    assert correct(anna, page, [BROWN], seen).status_code == 200
    answer = correct(anna, page, [BROWN], f'"nonsense", {seen}')
    assert answer.status_code == 412
    assert answer.json["code"] == "changed"
    for path in ("/corrections", "/corrections/undo"):
        answer = anna.post(page + path, json=[BROWN])
        assert answer.status_code == 428
        assert "ETag" in answer.json["hint"]


@pytest.mark.parametrize(
    "operations",
    [
        None,
        {},
        "replace",
        [],
        [{}],
        [{"op": "explode"}],
        [BROWN, {"op": "delete", "id": "nothing"}],
        [{"op": "replace", "id": "aw2", "text": "\ud800"}],
        [{"op": "replace", "id": "aw2", "text": "a\x00b"}],
        [{"op": "replace", "id": "aw2\x00", "text": "b"}],
        [{"op": "add", "text": "x", "box": [0, 0, 1e400, 5]}],
        [{"op": "add", "text": "x", "box": [0, 0, 10**400, 5]}],
        [{"op": "split", "id": "aw2", "at": 10**30}],
        [BROWN] * 501,
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_is_no_correction_changes_nothing(anna: Client, page: str, operations: Any):
    answer = correct(anna, page, operations)
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] in ("invalid", "bad-correction")
    assert anna.get(f"{page}/corrections").json["items"] == []


def test_there_is_nothing_to_undo_at_first(anna: Client, page: str):
    answer = anna.post(f"{page}/corrections/undo", headers={"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (409, "nothing-to-undo")


def test_pages_that_are_not_there(anna: Client, page: str):
    for number, status in ((3, 404), (0, 422), (10**30, 422)):
        assert correct(anna, page.replace("pages/1", f"pages/{number}"), [BROWN]).status_code == status


def test_others_see_nothing_and_readers_change_nothing(service: Service, anna: Client, page: str):
    otto, robot = service.client("otto"), service.client("robot", scope="read")
    document_id = page.split("/")[2]
    assert correct(otto, page, [BROWN]).status_code == 404
    assert otto.get(f"{page}/corrections").status_code == 404
    with service.database.write() as session:
        session.add(Share(document_id=document_id, user_id=otto.user_id, may_write=False))
        session.add(Share(document_id=document_id, user_id=robot.user_id, may_write=True))
    for reader in (otto, robot):
        assert reader.get(f"{page}/corrections").status_code == 200
        assert correct(reader, page, [BROWN]).status_code == 403
        assert reader.post(f"{page}/corrections/undo", headers={"If-Match": "*"}).status_code == 403
    with service.database.read() as session:
        assert corrections.history(session, session.get_one(DocumentRow, document_id)) == []
