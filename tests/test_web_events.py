"""One stream for several documents, and streams that nobody listens to any more."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_site import Portal
from search_pages import page as made_page
from web_client import Client, Service

from docproc.store import documents
from docproc.store.database import Database
from web.api import events as stream

LONG_AGO = "0" * 28


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "EVERY", 0.02)
    monkeypatch.setattr(stream, "LONGEST", 0.3)


@pytest.fixture
def portal(database: Database, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(database, tmp_path)
    yield made
    made.close()


def told(body: str) -> list[dict[str, Any]]:
    """Return the data of events, all of which are about a document."""
    blocks = [block.splitlines() for block in body.split("\n\n") if "data: " in block]
    assert all(event == "event: document" for event, _ in blocks)
    return [json.loads(data.removeprefix("data: ")) for _, data in blocks]


def upload(who: Client, count: int) -> list[str]:
    return [who.upload(b"%PDF-1.4 " + str(number).encode(), f"{number}.pdf").json["id"] for number in range(count)]


def test_one_stream_tells_of_all_documents_from_one_on_and_of_nobody_elses(service: Service, anna: Client):
    ids = upload(anna, 4)
    bert = service.client("bert")
    [other] = upload(bert, 1)
    with service.database.write() as session:
        documents.trash(session, documents.get(session, ids[2]))
    found = told(anna.get(f"/documents/events?first={ids[1]}").text)
    assert [one["id"] for one in found] == [ids[1], ids[3]]
    assert [(one["status"], one["progress"]["pages"]) for one in found] == [("queued", 0)] * 2
    assert [one["id"] for one in told(bert.get("/documents/events").text)] == [other]
    admin = service.client("root", "admin", "admin")
    assert told(admin.get(f"/documents/events?first={LONG_AGO}").text) == [], "what others handed in is theirs"


def test_the_stream_tells_of_what_changes_and_of_what_comes_later(portal: Portal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "LONGEST", 20.0)
    anna = portal.client("anna")
    [first] = upload(anna, 1)
    seen: list[tuple[str, str, int]] = []

    def watch() -> None:
        answer = anna.get(f"/documents/events?first={first}", buffered=False)
        for chunk in answer.response:
            text = chunk if isinstance(chunk, str) else chunk.decode()
            seen.extend((one["id"], one["status"], one["progress"]["finished"]) for one in told(text))
            if any(status == "done" for _, status, _ in seen):  # what came with it in one look may stand behind it
                break
        answer.close()

    watcher = threading.Thread(target=watch)
    watcher.start()

    def until(*wanted: tuple[str, str, int]) -> None:
        end = time.monotonic() + 10
        while not set(wanted) <= set(seen):
            assert time.monotonic() < end, seen
            time.sleep(0.01)

    until((first, "queued", 0))
    portal.plan(2)
    portal.read([made_page("one")])
    until((first, "running", 1))
    later = anna.upload(b"%PDF-1.4 later", "later.pdf").json["id"]
    until((later, "queued", 0))
    portal.plan(2)
    portal.read([made_page("other"), made_page("two", number=2)])
    portal.finish()
    until((first, "done", 2), (later, "running", 1))
    watcher.join(10)
    assert not watcher.is_alive()
    assert len(seen) == len(set(seen)), "nothing is told twice"


def test_a_stream_ends_soon_after_the_other_end_hung_up(anna: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "LONGEST", 60.0)
    monkeypatch.setattr(stream, "_slots", threading.BoundedSemaphore(1))
    [document] = upload(anna, 1)
    for path in (f"/documents/{document}/events", "/documents/events"):
        ours, theirs = socket.socketpair()
        answer = anna.get(path, buffered=False, environ_overrides={"gunicorn.socket": ours})
        lines = iter(answer.response)
        assert next(lines).startswith(b"retry"), "while the line stands"
        assert b"document" in next(lines)
        theirs.close()
        began = time.monotonic()
        assert list(lines) == []
        assert time.monotonic() - began < 5, "far sooner than it would end"
        answer.close()
        ours.close()
    assert anna.get("/documents/events", buffered=False).status_code == 200, "their places are free again"
