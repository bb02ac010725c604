"""Webhooks over the API: added, tested, logged, replayed, deleted; by their owner alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_client import Client, Service
from web_servers import Server, serve

from docproc.store import webhooks
from docproc.store.database import Database


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Service]:
    made = Service(database, tmp_path, webhook_networks="127.0.0.0/8")
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve([500]) as running:
        yield running


def test_a_webhook_lives(service: Service, anna: Client, server: Server):
    made = anna.post("/webhooks", json={"url": server.url})
    assert made.status_code == 201, made.text
    assert made.json["secret"].startswith("whsec_")
    assert made.headers["Cache-Control"] == "no-store"
    where = made.headers["Location"]
    assert "secret" not in anna.get(where).json
    assert anna.get("/webhooks").json["items"] == [anna.get(where).json]
    sent = anna.post(f"{where}/ping")
    assert (sent.status_code, sent.json["status"]) == (202, "waiting")
    webhooks.deliver_due(service.database, service.settings)
    [kept] = anna.get(f"{where}/deliveries").json["items"]
    assert (kept["id"], kept["response"], kept["attempts"]) == (sent.json["id"], 500, 1)
    assert anna.post(f"{where}/deliveries/{kept['id']}/replay").status_code == 202
    webhooks.deliver_due(service.database, service.settings)
    [kept] = anna.get(f"{where}/deliveries").json["items"]
    assert kept["status"] == "delivered"
    assert [request.headers["webhook-id"] for request in server.requests] == [kept["id"]] * 2
    assert anna.ask("DELETE", where).status_code == 204
    assert anna.get(where).status_code == 404


def test_the_log_has_pages(anna: Client):
    where = anna.post("/webhooks", json={"url": "http://127.0.0.1:9/"}).headers["Location"]
    ids = [anna.post(f"{where}/ping").json["id"] for _ in range(3)]
    first = anna.get(f"{where}/deliveries?limit=2").json
    rest = anna.get(f"{where}/deliveries?limit=2&after={first['next']}").json
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None


def test_a_webhook_that_rests_is_told_when_it_wakes(service: Service, anna: Client):
    with serve() as server:
        where = anna.post("/webhooks", json={"url": server.url}).headers["Location"]
        anna.post(f"{where}/ping")
        assert anna.ask("PATCH", where, json={"active": False}).json["active"] is False
        assert webhooks.deliver_due(service.database, service.settings) == 0
        assert anna.ask("PATCH", where, json={"active": True}).json["active"] is True
        assert webhooks.deliver_due(service.database, service.settings) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://example.com/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
        5,
        None,
    ],
)
def test_what_may_not_be_reached_is_refused(anna: Client, url: object):
    answer = anna.post("/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json["code"] in ("bad-address", "invalid")
    assert anna.get("/webhooks").json["items"] == []


def test_webhooks_of_others_are_not_there(service: Service, anna: Client):
    where = anna.post("/webhooks", json={"url": "http://127.0.0.1:9/"}).headers["Location"]
    delivery = anna.post(f"{where}/ping").json["id"]
    otto, reader = service.client("otto"), service.client("reader", "viewer", "read")
    for who in (otto, reader):
        assert who.get("/webhooks").json["items"] == []
        for method, path in (("GET", ""), ("GET", "/deliveries")):
            assert who.ask(method, where + path).status_code == 404
    for method, path in (("DELETE", ""), ("POST", "/ping"), ("POST", f"/deliveries/{delivery}/replay")):
        assert otto.ask(method, where + path).status_code == 404
        assert reader.ask(method, where + path).status_code == 403
    assert otto.ask("PATCH", where, json={"active": False}).status_code == 404
    assert reader.post("/webhooks", json={"url": "http://127.0.0.1:9/"}).status_code == 403
    admin = service.client("root", "admin", "admin")
    assert len(admin.get("/webhooks").json["items"]) == 1
