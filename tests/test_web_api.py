"""What all of the API has in common: errors as problem+json, its description, health and numbers."""

import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select
from web_client import Client, Service

from docproc.store.database import Database
from docproc.store.tables import AuditRow, Worker

PROBLEM = {"type", "title", "status", "detail", "code", "hint", "request_id"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/documents/nothing", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("PATCH", "/documents", 405, "method-not-allowed"),
        ("GET", "/documents?limit=many", 422, "invalid"),
        ("GET", "/documents?limit=1000000", 422, "invalid"),
        ("GET", "/documents?status=lost", 422, "invalid"),
    ],
)
def test_every_error_is_a_problem(anna: Client, method: str, path: str, status: int, code: str):
    answer = anna.ask(method, path)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json) == PROBLEM
    assert (answer.json["status"], answer.json["code"]) == (status, code)
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


def test_without_a_token_nothing_is_told(service: Service, anna: Client):
    answer = service.app.test_client().get("/api/v1/documents")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (
        service.app.test_client().get("/api/v1/documents", headers={"Authorization": "Bearer x"}).status_code == 401
    )


def test_what_is_unexpected_tells_nothing_of_the_inside(
    anna: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr("docproc.store.documents.page_of", broken)
    answer = anna.get("/documents", headers={"X-Request-ID": "from-the-proxy-1"})
    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "42" not in answer.text
    assert answer.json["request_id"] == "from-the-proxy-1"
    assert "the secret is 42" in caplog.text


def test_the_api_describes_itself(service: Service):
    document = service.app.test_client().get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    assert {"get", "post"} <= set(paths["/api/v1/documents"])
    assert "multipart/form-data" in paths["/api/v1/documents"]["post"]["requestBody"]["content"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["security"] == [{"bearer": []}], f"{method} {path}"


def test_every_api_route_is_described(service: Service):
    described = service.app.test_client().get("/api/v1/openapi.json").json["paths"]
    for rule in service.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or rule.endpoint.startswith("docs."):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert method.lower() in described.get(path, {}), f"{method} {rule.rule}"


def test_the_documentation_needs_nothing_from_elsewhere(service: Service):
    client = service.app.test_client()
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) == 4
    for source in sources:
        assert source.startswith("/")
        assert client.get(source, buffered=True).status_code == 200, source
    assert not re.search(r"<script>|<style|\son\w+=", page.text)


def test_alive_and_ready(service: Service):
    client = service.app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    lonely = client.get("/readyz")
    assert lonely.status_code == 503
    assert set(lonely.json["checks"]) == {"database", "storage", "broker", "workers"}
    assert lonely.json["checks"]["database"] == "ok"
    assert "docproc worker" in lonely.json["checks"]["workers"]
    with service.database.write() as session:
        session.add(Worker(id="w1", queues="cpu", memory=1_000_000))
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "ok"), ready.json


def test_a_broker_that_is_down_is_named(database: Database, tmp_path: Path):
    service = Service(database, tmp_path, broker_url="redis://127.0.0.1:1/0")
    answer = service.app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["broker"] != "ok"
    service.close()


def test_metrics_for_this_machine_and_for_admins(service: Service):
    with service.database.write() as session:
        session.add(Worker(id="w1", queues="cpu", memory=1_000_000))
    text = service.app.test_client().get("/metrics").text
    assert 'docproc_worker_memory_bytes{worker="w1"} 1e+06' in text
    assert "docproc_workers 1.0" in text
    far = {"environ_base": {"REMOTE_ADDR": "10.0.0.9"}}
    assert service.app.test_client().get("/metrics", **far).status_code == 401
    assert service.client("vera", "viewer", "read").get("/metrics", **far).status_code == 403
    assert service.client("ada", "admin", "admin").get("/metrics", **far).status_code == 200
    proxied = service.app.test_client().get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"})
    assert proxied.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/documents?name=%00",
        "/documents?label=a%00b",
        "/documents?after=%00",
        "/documents/a%00b",
        "/search?q=a%00b",
        "/search?q=name:%00",
        "/search?q=owner:a%00",
    ],
)
def test_signs_that_a_database_does_not_take_are_the_callers_mistake(anna: Client, path: str):
    assert anna.get(path).status_code < 500


def test_labels_and_names_with_such_signs_are_refused_or_cleaned(anna: Client):
    uploaded = anna.upload(b"%PDF-1.4 a\0b", "a\0b.pdf")
    assert uploaded.status_code in {202, 422}
    assert anna.upload(b"%PDF-1.4 label", labels="a\0b").status_code in {202, 422}
    document = anna.upload(b"%PDF-1.4 whole").json["id"]
    assert anna.ask("PUT", f"/documents/{document}/labels/a%00b").status_code in {204, 404, 422}


def test_a_storage_that_is_gone_is_named(service: Service, tmp_path: Path):
    client = service.app.test_client()
    assert client.get("/readyz").json["checks"]["storage"] == "ok"
    shutil.rmtree(tmp_path)
    told = client.get("/readyz")
    assert told.status_code == 503
    assert str(tmp_path) in told.json["checks"]["storage"]
    tmp_path.mkdir()


@pytest.mark.parametrize(("trusted", "secure"), [(0, False), (1, True)])
def test_a_proxy_is_believed_when_it_is_trusted(database: Database, tmp_path: Path, trusted: int, secure: bool):
    service = Service(database, tmp_path, trusted_proxies=trusted)
    headers = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "docs.test"}
    answer = service.app.test_client().get("/sign-in", headers=headers)
    assert ("Strict-Transport-Security" in answer.headers) is secure
    anna = service.client()
    made = anna.upload(b"%PDF-1.4 proxied", headers=headers)
    with service.database.read() as session:
        address = session.scalars(select(AuditRow.address).where(AuditRow.action == "document.upload")).one()
    assert (made.status_code, address) == (202, "1.2.3.4" if trusted else "127.0.0.1")
    service.close()
