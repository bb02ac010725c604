"""Webhooks: what is sent, to whom, how often, and by whom."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from read_documents import add_document
from sqlalchemy import select, update
from web_servers import Request, Server, serve

from docproc.errors import NotFound, Rejected
from docproc.settings import Settings
from docproc.store import events, webhooks
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.tables import Delivery, User, Webhook, utc_now

ANN = Principal("ann", "ann", "reviewer")
DONE = {"status": "done", "run_status": "done", "run": "r", "problem": None, "pages": 2, "remaining": 0}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, webhook_networks="127.0.0.0/8", public_url="https://docs.example/")


@pytest.fixture
def document_id(database: Database) -> str:
    with database.write() as session:
        session.add_all([User(id=name, name=name, role="reviewer") for name in ("ann", "otto")])
        session.flush()
        return add_document(session, "ann")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


def add_webhook(database: Database, settings: Settings, url: str, owner: str = "ann") -> tuple[str, str]:
    with database.write() as session:
        row, text = webhooks.add(session, settings, owner, url)
        return row.id, text


def end(database: Database, document_id: str, **changes: Any) -> None:
    with database.write() as session:
        events.emit(session, document_id, "document", DONE | changes)


def the_delivery(database: Database) -> Delivery:
    with database.read() as session:
        return session.scalars(select(Delivery)).one()


def make_due(database: Database) -> None:
    with database.write() as session:
        session.execute(update(Delivery).values(next_at=utc_now() - timedelta(seconds=1)))


def verified(request: Request, text: str) -> dict[str, Any]:
    """Check a signature as a receiver would, by the specification alone."""
    key = base64.b64decode(text[len("whsec_") :])
    signed = b".".join(
        [request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body]
    )
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert request.headers["webhook-signature"].split(" ") == [f"v1,{expected}"]
    assert abs(int(request.headers["webhook-timestamp"]) - utc_now().timestamp()) < 60
    return json.loads(request.body)


def test_the_end_of_a_document_is_told_signed_and_without_text(database, settings, document_id, server):
    _, text = add_webhook(database, settings, server.url)
    end(database, document_id)
    assert webhooks.deliver_due(database, settings) == 1
    [request] = server.requests
    told = verified(request, text)
    assert told["type"] == "document.done"
    assert told["data"] == {
        "id": document_id,
        "status": "done",
        "run": "r",
        "pages": 2,
        "problem": None,
        "links": {
            "document": f"https://docs.example/api/v1/documents/{document_id}",
            "events": f"https://docs.example/api/v1/documents/{document_id}/events",
        },
    }
    assert request.headers["Content-Type"] == "application/json"
    kept = the_delivery(database)
    assert (kept.status, kept.response, kept.attempts, kept.problem) == ("delivered", 200, 1, None)
    assert kept.id == request.headers["webhook-id"]
    assert webhooks.deliver_due(database, settings) == 0


def test_the_secret_is_not_kept_in_plain_text(database, settings, document_id):
    webhook_id, text = add_webhook(database, settings, "https://example.com/")
    assert len(base64.b64decode(text.removeprefix("whsec_"))) == 32
    with database.read() as session:
        assert text.encode() not in session.get_one(Webhook, webhook_id).sealed_secret


def test_only_ends_are_told_and_only_to_the_owner(database, settings, document_id, server):
    add_webhook(database, settings, server.url, owner="otto")
    add_webhook(database, settings, server.url)
    with database.write() as session:
        events.emit(session, document_id, "page", {"number": 1, "status": "done"})
        events.emit(session, document_id, "document", DONE | {"status": "running", "run_status": "running"})
    assert webhooks.deliver_due(database, settings) == 0
    for status in ("partial", "rejected", "failed", "cancelled"):
        end(database, document_id, status=status, run_status=status, problem={"code": "x", "message": "secret text"})
    assert webhooks.deliver_due(database, settings) == 4
    told = [json.loads(request.body)["type"] for request in server.requests]
    assert sorted(told) == ["document.cancelled", "document.failed", "document.partial", "document.rejected"]
    assert not any(b"secret" in request.body for request in server.requests)


def test_a_message_of_a_transaction_that_fails_is_never_sent(database, settings, document_id, server):
    add_webhook(database, settings, server.url)
    with suppress(ZeroDivisionError), database.write() as session:
        events.emit(session, document_id, "document", DONE)
        raise ZeroDivisionError
    assert webhooks.deliver_due(database, settings) == 0


def test_what_fails_is_tried_again_later_with_the_same_id(database, settings, document_id):
    with serve([500, 503], body=b"down\x00 <b>") as server:
        _, text = add_webhook(database, settings, server.url)
        end(database, document_id)
        for attempt, delay in ((1, 5), (2, 20)):
            before = utc_now()
            assert webhooks.deliver_due(database, settings) == 1
            assert webhooks.deliver_due(database, settings) == 0  # not yet
            kept = the_delivery(database)
            assert (kept.status, kept.attempts) == ("waiting", attempt)
            assert kept.problem == f"HTTP {(500, 503)[attempt - 1]}: down <b>"
            assert 0.8 * delay <= (kept.next_at - before).total_seconds() <= 1.2 * delay + 5
            make_due(database)
        webhooks.deliver_due(database, settings)
    assert the_delivery(database).status == "delivered"
    assert the_delivery(database).problem is None
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert len({request.body for request in server.requests}) == 1
    for request in server.requests:
        verified(request, text)


def test_after_the_last_attempt_it_has_failed_and_can_be_replayed(database, settings, document_id):
    with serve([500] * (len(webhooks.DELAYS) + 1)) as server:
        webhook_id, text = add_webhook(database, settings, server.url)
        end(database, document_id)
        for _ in range(len(webhooks.DELAYS) + 1):
            assert the_delivery(database).status == "waiting"
            make_due(database)
            webhooks.deliver_due(database, settings)
        assert (the_delivery(database).status, the_delivery(database).next_at) == ("failed", None)
        with database.write() as session:
            row = webhooks.get(session, ANN, webhook_id)
            webhooks.replay(session, row, the_delivery(database).id)
        assert webhooks.deliver_due(database, settings) == 1
    assert the_delivery(database).status == "delivered"
    verified(server.requests[-1], text)
    assert server.requests[-1].headers["webhook-id"] == server.requests[0].headers["webhook-id"]


def test_together_the_attempts_take_about_a_day():
    assert 18 * 3600 < sum(webhooks.DELAYS) < 30 * 3600


def test_who_says_gone_is_told_no_more(database, settings, document_id):
    with serve([410]) as server:
        webhook_id, _ = add_webhook(database, settings, server.url)
        end(database, document_id)
        webhooks.deliver_due(database, settings)
        end(database, document_id)
        assert webhooks.deliver_due(database, settings) == 0
    assert the_delivery(database).status == "failed"
    with database.read() as session:
        assert not session.get_one(Webhook, webhook_id).active


def test_two_workers_do_not_send_the_same(database, settings, document_id, server):
    add_webhook(database, settings, server.url)
    for _ in range(10):
        end(database, document_id)
    sent: list[int] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        sent.append(webhooks.deliver_due(database, settings))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 10
    assert len({request.headers["webhook-id"] for request in server.requests}) == len(server.requests) == 10


def test_a_worker_that_died_leaves_its_messages_to_others(database, settings, document_id, server):
    add_webhook(database, settings, server.url)
    end(database, document_id)
    with database.write() as session:
        [lost] = webhooks._claim(session)
    assert webhooks.deliver_due(database, settings) == 0  # under its lease
    make_due(database)
    assert webhooks.deliver_due(database, settings) == 1
    with database.write() as session:  # the one that was taken for dead comes back with bad news
        webhooks._record(session, lost, webhooks._Outcome(None, "no answer"))
    assert the_delivery(database).status == "delivered"


def test_private_addresses_are_not_reached_unless_allowed(database, settings, document_id, server, tmp_path):
    closed = Settings(data_dir=tmp_path)
    with pytest.raises(Rejected, match=r"127\.0\.0\.1"):
        webhooks.check(closed, server.url)
    webhooks.check(settings, server.url)
    add_webhook(database, closed, server.url)  # as if its address had been a public one when it was added
    end(database, document_id)
    webhooks.deliver_due(database, closed)
    assert server.requests == []
    kept = the_delivery(database)
    assert (kept.status, kept.response) == ("waiting", None)
    assert "not a public" in (kept.problem or "")


def test_a_name_that_turns_private_is_not_followed(database, document_id, server, tmp_path):
    closed = Settings(data_dir=tmp_path)
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    url = f"http://rebind.example:{server.port}/"

    def resolver(host: str, port: int) -> list[str]:
        return next(answers)

    webhooks.check(closed, url, resolver)
    add_webhook(database, closed, url)
    end(database, document_id)
    webhooks.deliver_due(database, closed, resolver)
    assert server.requests == []
    assert "127.0.0.1" in (the_delivery(database).problem or "")


def test_a_name_that_nobody_knows_is_refused_at_once_and_tried_again_later(database, settings, document_id):
    def resolver(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    with pytest.raises(Rejected, match="not known"):
        webhooks.check(settings, "https://example.com/", resolver)
    add_webhook(database, settings, "https://example.com/")
    end(database, document_id)
    webhooks.deliver_due(database, settings, resolver)
    assert the_delivery(database).status == "waiting"


def test_a_redirect_is_a_failure(database, settings, document_id, server):
    with serve([307], location=server.url) as first:
        add_webhook(database, settings, first.url)
        end(database, document_id)
        webhooks.deliver_due(database, settings)
    assert server.requests == []
    assert the_delivery(database).response == 307


def test_a_ping_and_the_log(database, settings, document_id, server):
    webhook_id, text = add_webhook(database, settings, server.url)
    with database.write() as session:
        row = webhooks.get(session, ANN, webhook_id)
        ids = [webhooks.ping(session, row).id for _ in range(3)]
    webhooks.deliver_due(database, settings)
    assert {verified(request, text)["type"] for request in server.requests} == {"ping"}
    with database.read() as session:
        row = webhooks.get(session, ANN, webhook_id)
        newest = webhooks.deliveries(session, row, limit=2)
        rest = webhooks.deliveries(session, row, after=newest[-1].id)
    assert [one.id for one in [*newest, *rest]] == sorted(ids, reverse=True)


def test_webhooks_are_their_owners(database, settings, document_id):
    webhook_id, _ = add_webhook(database, settings, "https://example.com/")
    with database.write() as session:
        made = webhooks.ping(session, webhooks.get(session, ANN, webhook_id))
    otto, admin = Principal("otto", "otto", "reviewer"), Principal("root", "root", "admin")
    with database.read() as session:
        assert [row.id for row in webhooks.listing(session, admin)] == [webhook_id]
        assert webhooks.listing(session, otto) == []
        with pytest.raises(NotFound):
            webhooks.get(session, otto, webhook_id)
    other_id, _ = add_webhook(database, settings, "https://example.com/", owner="otto")
    with database.write() as session, pytest.raises(NotFound):
        webhooks.replay(session, webhooks.get(session, otto, other_id), made.id)


def test_there_is_a_limit_and_deleting_makes_room(database, settings, document_id):
    ids = [add_webhook(database, settings, "https://example.com/")[0] for _ in range(webhooks.MOST)]
    with pytest.raises(Rejected):
        add_webhook(database, settings, "https://example.com/")
    with database.write() as session:
        row = webhooks.get(session, ANN, ids[0])
        webhooks.ping(session, row)
        webhooks.remove(session, row)
    with database.read() as session:
        assert session.scalars(select(Delivery)).all() == []
    add_webhook(database, settings, "https://example.com/")


def test_old_messages_are_forgotten(database, settings, document_id, server):
    webhook_id, _ = add_webhook(database, settings, server.url)
    with database.write() as session:
        session.add(
            Delivery(
                id="0" * 28, webhook_id=webhook_id, event="ping", payload={"data": {}}, status="failed", next_at=None
            )
        )
    end(database, document_id)
    webhooks.deliver_due(database, settings)
    assert the_delivery(database).status == "delivered"
