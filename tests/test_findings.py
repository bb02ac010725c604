"""Findings over the API: asked, done by a worker, listed, exported, drawn; and who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from read_documents import add_document
from sqlalchemy import func, select, update
from web_client import Client, Service

from docproc.exports.json_reader import Node, read_finding
from docproc.geometry import Box
from docproc.store import jobs, readings
from docproc.store.database import Database
from docproc.store.findings import Outcome
from docproc.store.tables import DocumentRow, FindingRow, Job, PageRow, Reading, Run
from docproc.tasks import TASKS
from docproc.tasks.grammar import LONGEST
from web.api import findings as routes
from worker.jobs import Worker

HALF = "<loc0000><loc0000><loc1023><loc0512> stamp ; <loc0001>"


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Service]:
    """The service with a model that writes the same to every prompt."""
    made = Service(database, tmp_path / "data", vision_engine="fake", vision_model=HALF)
    yield made
    made.close()


@pytest.fixture
def worker(service: Service, loaded: None) -> Iterator[Worker]:
    made = Worker(service.settings, ["gpu"], "here.1")
    yield made
    made.close()


@pytest.fixture
def document(service: Service, anna: Client, tmp_path: Path) -> str:
    return add_letter(service, anna, tmp_path)


def add_letter(service: Service, who: Client, folder: Path) -> str:
    """A document of two pages, read."""
    path = folder / "letter.pdf"
    with pymupdf.open() as made:
        for _ in range(2):
            made.new_page(width=420, height=595).insert_text((40, 50), "Letter")
        made.save(path)
    with path.open("rb") as file:
        stored = service.app.extensions["docproc"].files.put(file, limit=10**8)
    with service.database.write() as session:
        return add_document(session, who.user_id, stored.sha256)


def ask(who: Client, document: str, **body: Any) -> Any:
    return who.post(f"/documents/{document}/findings", json={"task": "detect", "prompt": "stamp", **body})


def work(worker: Worker) -> int:
    done = 0
    while (held := worker.claim()) is not None:
        worker.work(held)
        done += 1
    return done


def count(service: Service, table: Any) -> int:
    with service.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_things_are_asked_for_found_listed_and_exported(anna: Client, document: str, worker: Worker):
    answer = ask(anna, document)
    assert answer.status_code == 202, answer.text
    entry = answer.json
    assert (entry["status"], entry["waiting"], entry["findings"]) == ("queued", [1, 2], [])
    before = anna.get(f"/documents/{document}/pages/1").headers["ETag"]
    assert work(worker) >= 1
    entry = anna.get(answer.headers["Location"]).json
    assert (entry["status"], entry["waiting"], entry["problems"], entry["engine"]) == ("done", [], [], "fake 1")
    assert entry["invalid"] > 0
    assert {one["page"] for one in entry["findings"]} == {1, 2}
    for value in entry["findings"]:
        finding = read_finding(Node(value))
        assert (finding.label, finding.prompt, finding.run) == ("stamp", "detect stamp", entry["id"])
        assert finding.box is not None
        assert finding.box.clipped(Box(0, 0, 420, 595)) == finding.box
    page = anna.get(f"/documents/{document}/pages/1", headers={"If-None-Match": before})
    assert page.json["findings"] == [one for one in entry["findings"] if one["page"] == 1]
    assert page.headers["ETag"] != before
    word = page.json["lines"][0]["words"][0]["id"]
    operation = {"op": "replace", "id": word, "text": "Corrected"}
    where = f"/documents/{document}/pages/1/corrections"
    sent = anna.post(where, json=[operation], headers={"If-Match": before})
    assert sent.status_code == 200, "what was found meanwhile does not stand in the way of a correction"
    assert anna.post(where, json=[operation], headers={"If-Match": before}).status_code == 412
    exported = anna.get(f"/documents/{document}/exports/json").json
    assert [len(one["findings"]) > 0 for one in exported["pages"]] == [True, True]
    assert anna.get(f"/documents/{document}/findings").json == {"items": [entry], "next": None}
    told = anna.get(f"/documents/{document}/events").text
    assert re.findall(r'event: findings\ndata: .*"waiting": (\d)', told) == ["2", "1", "0"]


def test_one_job_does_all_that_is_asked_of_a_page(service: Service, anna: Client, document: str, worker: Worker):
    for _ in range(3):
        assert ask(anna, document, pages=[2]).status_code == 202
    assert count(service, Job) == 1
    work(worker)
    items = anna.get(f"/documents/{document}/findings?limit=2").json
    assert [one["status"] for one in items["items"]] == ["done", "done"]
    rest = anna.get(f"/documents/{document}/findings?after={items['next']}").json
    assert [one["status"] for one in rest["items"]] == ["done"]
    assert count(service, Job) == 0


def test_what_is_asked_while_a_page_is_looked_at_is_not_lost(service: Service, anna: Client, document: str):
    first = ask(anna, document, pages=[1]).json
    held = jobs.claim(service.database, ["gpu"], "w", service.settings)
    assert held is not None
    [asked] = jobs.asked(service.database, held)
    second = ask(anna, document, pages=[1]).json
    outcome = Outcome(asked.id)
    assert jobs.found(service.database, held, [outcome], "fake 1")
    assert not jobs.found(service.database, held, [outcome], "fake 1"), "the job is over"
    states = {one["id"]: one["status"] for one in anna.get(f"/documents/{document}/findings").json["items"]}
    assert states == {first["id"]: "done", second["id"]: "queued"}
    again = jobs.claim(service.database, ["gpu"], "w", service.settings)
    assert again is not None
    assert [one.id for one in jobs.asked(service.database, again)] == [second["id"]]


def test_what_the_model_cannot_do_fails_alone_and_says_why(anna: Client, document: str, worker: Worker):
    masks = ask(anna, document, task="segment").json
    table = ask(anna, document, task="table", prompt="").json
    good = ask(anna, document, task="caption", prompt="").json
    work(worker)
    found = {one["id"]: one for one in anna.get(f"/documents/{document}/findings").json["items"]}
    assert found[good["id"]]["status"] == "done"
    assert [one["code"] for one in found[masks["id"]]["problems"]] == ["no-mask-decoder"] * 2
    assert found[masks["id"]]["status"] == found[table["id"]]["status"] == "failed"
    assert "not trained for table" in found[table["id"]]["problems"][0]["message"]


def test_a_worker_that_dies_again_and_again_costs_the_request_a_page(service: Service, anna: Client, document: str):
    ask(anna, document, pages=[1])
    problem = {"code": "engine-failed", "message": "It fell over.", "hint": ""}
    held = jobs.claim(service.database, ["gpu"], "w", service.settings)
    assert held is not None
    assert jobs.failed(service.database, held, problem)
    [entry] = anna.get(f"/documents/{document}/findings").json["items"]
    assert (entry["status"], entry["problems"]) == ("failed", [{"page": 1, **problem}])
    assert anna.get(f"/documents/{document}").json["status"] == "done", "the document itself is as it was"


def test_a_request_is_cancelled_and_forgotten(service: Service, anna: Client, document: str, worker: Worker):
    first, second = ask(anna, document, pages=[1, 2]).json, ask(anna, document, pages=[2]).json
    path = f"/documents/{document}/findings/{first['id']}"
    assert anna.post(f"{path}/cancel").json["status"] == "cancelled"
    assert anna.post(f"{path}/cancel").status_code == 200
    assert count(service, Job) == 1, "page 2 is still asked about"
    work(worker)
    assert anna.get(f"/documents/{document}/findings/{second['id']}").json["status"] == "done"
    assert anna.get(path).json["findings"] == []
    assert anna.ask("DELETE", path).status_code == 204
    assert anna.get(path).status_code == 404
    assert anna.ask("DELETE", f"/documents/{document}/findings/{second['id']}").status_code == 204
    assert count(service, FindingRow) == 0
    assert anna.get(f"/documents/{document}/pages/2").json["findings"] == []


def test_cancelling_a_new_reading_leaves_what_is_asked_and_the_trash_ends_it(
    service: Service, anna: Client, document: str
):
    ask(anna, document)
    assert anna.post(f"/documents/{document}/runs", json={}).status_code == 202
    assert anna.post(f"/documents/{document}/cancel").status_code == 200
    assert count(service, Job) == 2
    assert anna.ask("DELETE", f"/documents/{document}").status_code == 204
    assert count(service, Job) == 0


def test_findings_lie_on_a_newer_reading_too(service: Service, anna: Client, document: str, worker: Worker):
    ask(anna, document, pages=[1])
    work(worker)
    found = anna.get(f"/documents/{document}/pages/1").json["findings"]
    assert found
    with service.database.write() as session:
        row = session.get_one(DocumentRow, document)
        run = Run(document_id=row.id, user_id=row.owner_id, status="done", options={}, page_count=1)
        session.add(run)
        session.flush()
        old = session.get_one(Reading, (row.run_id, 1))
        session.add_all(
            [PageRow(run_id=run.id, number=1, status="done"), Reading(run_id=run.id, number=1, data=old.data)]
        )
        row.run_id = run.id
    assert anna.get(f"/documents/{document}/pages/1").json["findings"] == found


def test_the_caption_of_a_picture_becomes_its_alternative_text(
    service: Service, anna: Client, document: str, worker: Worker
):
    with service.database.write() as session:
        row = session.get_one(DocumentRow, document)
        page = readings.load(session, row.run_id, 1)
        picture = replace(page.regions[1], label="picture")
        readings.save(session, row.run_id, 1, replace(page, regions=(page.regions[0], picture)))
    answer = ask(anna, document, task="caption", prompt="", pages=[1], box=picture.box.as_list())
    assert answer.status_code == 202
    work(worker)
    region = anna.get(f"/documents/{document}/pages/1").json["regions"][1]
    assert "stamp" in region["alt_text"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"task": "fly"}, 422, "task"),
        ({"prompt": " ; <image>"}, 422, "needs things"),
        ({"prompt": "x" * (LONGEST + 1)}, 422, "at most 2000"),
        ({"prompt": ""}, 422, "needs things"),
        ({"pages": [3]}, 404, "no page 3"),
        ({"pages": [0]}, 422, "pages"),
        ({"pages": list(range(1, 300))}, 422, "pages"),
        ({"language": "xx"}, 422, "language"),
        ({"box": [5, 5, 5, 9]}, 422, "no area"),
        ({"box": [1, 2]}, 422, "box"),
        ({"box": [0, 0, 1e400, 5]}, 422, "box"),
        ({"unknown": 1}, 422, "unknown"),
        ({"prompt": "a\x00b"}, 202, ""),
        ({"prompt": "\ud800"}, 422, ""),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_cannot_be_asked_is_refused_plainly(anna: Client, document: str, body: Any, status: int, said: str):
    answer = ask(anna, document, **body)
    assert answer.status_code == status, answer.text
    assert re.search(said, answer.text)
    if status != 202:
        assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_only_so_much_waits_for_a_document(anna: Client, document: str):
    for _ in range(20):
        assert ask(anna, document, pages=[1]).status_code == 202
    answer = ask(anna, document, pages=[1])
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-requests")


def test_pages_that_are_not_read_cannot_be_asked_about(service: Service, anna: Client, document: str):
    with service.database.write() as session:
        session.execute(update(PageRow).where(PageRow.number == 2).values(status="failed"))
    assert ask(anna, document, pages=[2]).json["code"] == "not-read"
    assert ask(anna, document).json["pages"] == [1]


def test_without_a_model_nothing_can_be_asked(database: Database, tmp_path: Path):
    bare = Service(database, tmp_path / "other")
    who = bare.client("otto")
    document = add_letter(bare, who, tmp_path)
    answer = ask(who, document)
    assert (answer.status_code, answer.json["code"]) == (503, "no-vision-model")
    assert "DOCPROC_VISION_MODEL" in answer.json["hint"]
    bare.close()


def test_others_see_and_change_nothing(service: Service, anna: Client, document: str):
    entry = ask(anna, document).json
    otto = service.client("otto")
    mine = add_letter(service, otto, service.settings.data_dir)
    assert ask(otto, document).status_code == 404
    for path in (f"/documents/{document}/findings", f"/documents/{document}/findings/{entry['id']}"):
        assert otto.get(path).status_code == 404
    assert otto.get(f"/documents/{mine}/findings/{entry['id']}").status_code == 404, "of another document"
    assert otto.ask("DELETE", f"/documents/{mine}/findings/{entry['id']}").status_code == 404
    assert otto.post(f"/documents/{mine}/findings/{entry['id']}/cancel").status_code == 404


def test_the_api_knows_the_tasks_and_their_longest_prompt():
    assert set(routes.TASK_NAMES.__args__) == set(TASKS)
    assert routes.LONGEST_PROMPT == LONGEST
