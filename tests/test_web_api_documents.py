"""Documents over the API: handed in, listed, cancelled, thrown away, and what is refused."""

from pathlib import Path

import pytest
from web_client import EXAMPLES, Client, Service

from docproc.store.database import Database

LETTER = (EXAMPLES / "report.pdf").read_bytes()
PNG = (EXAMPLES / "page-with-boxes.png").read_bytes()


def test_an_upload_is_queued_and_can_be_looked_at(anna: Client):
    answer = anna.upload(LETTER, "Prüfbericht.pdf", labels="tax, 2026", dpi="200", languages="en,de")
    assert answer.status_code == 202, answer.text
    assert answer.json["status"] == "queued"
    assert answer.json["duplicate"] is False
    detail = anna.get(answer.headers["Location"]).json
    assert detail["id"] == answer.json["id"]
    assert detail["status"] == "queued"
    assert detail["source"]["filename"] == "Prüfbericht.pdf"
    assert detail["source"]["media_type"] == "application/pdf"
    assert detail["source"]["bytes"] == len(LETTER)
    assert detail["progress"] == {"pages": 0, "finished": 0, "fraction": 0.0, "done": 0, "failed": 0}
    assert detail["labels"] == ["2026", "tax"]
    assert detail["options"] == {"dpi": 200, "languages": ["en", "de"]}
    assert detail["pages"] == []
    assert detail["engines"] == {}


def test_the_same_bytes_again_are_the_same_document_unless_a_second_is_asked_for(anna: Client):
    first = anna.upload(LETTER).json["id"]
    again = anna.upload(LETTER, "other name.pdf")
    assert (again.status_code, again.json["id"], again.json["duplicate"]) == (200, first, True)
    second = anna.upload(LETTER, query="?duplicate=allow")
    assert second.status_code == 202
    assert second.json["id"] != first


def test_a_key_makes_sending_again_harmless(anna: Client):
    key = {"Idempotency-Key": "upload-1"}
    first = anna.upload(LETTER, query="?duplicate=allow", headers=key)
    again = anna.upload(LETTER, query="?duplicate=allow", headers=key)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json["id"] == again.json["id"]
    other = anna.upload(PNG, query="?duplicate=allow", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key")


def test_two_users_do_not_see_each_others_documents(service: Service, anna: Client):
    bert = service.client("bert")
    mine = anna.upload(LETTER).json["id"]
    his = bert.upload(LETTER)
    assert his.status_code == 202, "the same bytes of another user are not mine"
    assert [item["id"] for item in anna.get("/documents").json["items"]] == [mine]
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/runs")]:
        assert bert.ask(method, f"/documents/{mine}{path}").status_code == 404


def test_lists_go_on_where_they_stopped(anna: Client):
    ids = [anna.upload(LETTER, f"{n}.pdf", query="?duplicate=allow").json["id"] for n in range(5)]
    first = anna.get("/documents?limit=3").json
    rest = anna.get(f"/documents?limit=3&after={first['next']}").json
    assert [item["id"] for item in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next"] is None
    assert [item["source"]["filename"] for item in anna.get("/documents?name=3.p").json["items"]] == ["3.pdf"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\x00b\tc.pdf", "..", ".", "x" * 3000 + ".pdf"]
)
def test_a_file_name_never_becomes_a_path(service: Service, anna: Client, name: str, tmp_path: Path):
    before = {path for path in tmp_path.parent.rglob("*") if not path.is_relative_to(tmp_path)}
    answer = anna.upload(LETTER, name)
    assert answer.status_code == 202, answer.text
    shown = anna.get(f"/documents/{answer.json['id']}").json["source"]["filename"]
    assert shown.strip(".")
    assert not set(shown) & set("/\\\0\t")
    assert len(shown) <= 255
    assert {path for path in tmp_path.parent.rglob("*") if not path.is_relative_to(tmp_path)} == before


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "empty"),
        (b"PK\x03\x04" + bytes(100), 415, "media-type"),
        (b"<html><script>alert(1)</script></html>", 415, "media-type"),
        (b"%PDF-1.7\n" + bytes(3000), 413, "too-large"),
    ],
)
def test_what_is_no_document_is_refused_at_once(
    database: Database, tmp_path: Path, data: bytes, status: int, code: str
):
    service = Service(database, tmp_path, max_bytes=2000)
    answer = service.client().upload(data)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file() and path.name != ".lock"]
    service.close()


def test_more_than_the_limit_is_refused_before_it_is_read(database: Database, tmp_path: Path):
    service = Service(database, tmp_path, max_bytes=2000)
    head = b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n%PDF-"
    body = head + bytes(2_000_000) + b"\r\n--x--\r\n"
    answer = service.client().post("/documents", data=body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json["code"]) == (413, "too-large")
    service.close()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"dpi": "12"}, "dpi"),
        ({"dpi": "many"}, "dpi"),
        ({"engine": "../x"}, "engine"),
        ({"languages": "x" * 99}, "languages"),
        ({"text_layer": "maybe"}, "text_layer"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_options_that_are_none_are_refused(anna: Client, fields: dict[str, str], place: str):
    answer = anna.upload(LETTER, **fields)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert place in answer.json["detail"]
    assert anna.get("/documents").json["items"] == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (
            b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n%PDF-",
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\nno header\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
        (LETTER, "application/pdf"),
    ],
)
def test_a_body_that_is_no_form_with_a_file_is_refused(anna: Client, body: bytes, content_type: str):
    answer = anna.post("/documents", data=body, content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (400, "usage"), answer.text
    assert answer.json["hint"]


def test_a_full_queue_asks_to_wait(database: Database, tmp_path: Path):
    service = Service(database, tmp_path, max_queued_pages=2)
    anna = service.client()
    for _ in range(2):
        assert anna.upload(LETTER, query="?duplicate=allow").status_code == 202
    answer = anna.upload(LETTER, query="?duplicate=allow")
    assert (answer.status_code, answer.json["code"]) == (429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) > 0
    assert service.client("bert").upload(LETTER).status_code == 202, "one's full queue is not another's"
    service.close()


def test_cancel_then_read_again(anna: Client):
    where = "/documents/" + anna.upload(LETTER).json["id"]
    assert anna.post(f"{where}/retry").status_code == 409, "it is being read"
    assert anna.post(f"{where}/cancel").json["status"] == "cancelled"
    assert anna.post(f"{where}/retry?pages=all").json["status"] == "queued"
    anna.post(f"{where}/cancel")
    started = anna.post(f"{where}/runs", json={"engine": "fake", "priority": "bulk"})
    assert started.status_code == 202
    runs = anna.get(f"{where}/runs").json["items"]
    assert [run["options"] for run in runs] == [{"engine": "fake"}, {}, {}]
    assert started.json["id"] == runs[0]["id"]
    assert anna.post(f"{where}/runs", json={"engine": 1}).status_code == 422
    assert anna.post(f"{where}/runs", data="{", content_type="application/json").status_code == 422


def test_trash_and_back_and_gone(anna: Client):
    where = "/documents/" + anna.upload(LETTER).json["id"]
    assert anna.ask("DELETE", f"{where}?forever=true").status_code == 404, "only from the trash"
    assert anna.ask("DELETE", where).status_code == 204
    assert anna.get(where).status_code == 404
    assert anna.get("/documents").json["items"] == []
    assert len(anna.get("/documents?trash=true").json["items"]) == 1
    assert anna.post(f"{where}/restore").json["status"] == "cancelled"
    assert anna.get(where).status_code == 200
    anna.ask("DELETE", where)
    assert anna.ask("DELETE", f"{where}?forever=true").status_code == 204
    assert anna.post(f"{where}/restore").status_code == 404


def test_labels(anna: Client):
    where = "/documents/" + anna.upload(LETTER).json["id"]
    assert anna.ask("PUT", f"{where}/labels/müll").status_code == 204
    assert anna.ask("PUT", f"{where}/labels/zwei wörter").status_code == 204
    assert anna.get(where).json["labels"] == ["müll", "zwei wörter"]
    assert len(anna.get("/documents?label=müll").json["items"]) == 1
    assert anna.ask("DELETE", f"{where}/labels/müll").status_code == 204
    assert anna.get(where).json["labels"] == ["zwei wörter"]
    assert anna.ask("PUT", f"{where}/labels/{'x' * 101}").status_code == 422


def test_a_viewer_and_a_reading_token_may_only_look(service: Service):
    for client in (service.client("vera", "viewer", "read"), service.client("rita", "reviewer", "read")):
        answer = client.upload(LETTER)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
        assert client.get("/documents").status_code == 200
