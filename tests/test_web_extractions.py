"""Fields by schema over the API: values with their words, and who and what is refused."""

from __future__ import annotations

import pytest
from read_documents import add_pages
from web_client import Client, Service

from docproc.document import Page
from docproc.store.tables import DocumentRow, Share
from docproc.synth.sheet import Sheet, Style

BODY = Style("helv", 10.0)


def bill() -> Page:
    sheet = Sheet(None)
    rows = [("Invoice number:", "INV-7", 100), ("Invoice date:", "3 May 2021", 130), ("Total:", "£120.00", 160)]
    for label, value, y in rows:
        sheet.region("text", [sheet.write(60, y, label, BODY), sheet.write(220, y, value, BODY)])
    return sheet.truth()


@pytest.fixture
def document(service: Service, anna: Client) -> str:
    with service.database.write() as session:
        return add_pages(session, anna.user_id, [bill()])


def test_a_preset_is_filled_in_with_evidence(anna: Client, document: str):
    answer = anna.post(f"/documents/{document}/extractions", json={"schema": "invoice"})
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert (found["values"]["total"], found["values"]["currency"]) == (120.0, "GBP")
    assert found["values"]["invoice_date"] == "2021-05-03"
    assert found["values"]["due_date"] is None
    assert "/due_date" not in found["evidence"]
    assert (found["pages"], found["complete"]) == ([1], True)
    [word] = found["evidence"]["/total"]
    page = anna.get(f"/documents/{document}/pages/1").json
    [box] = [one["box"] for line in page["lines"] for one in line["words"] if one["text"] == "£120.00"]
    assert (word["page"], word["text"], word["box"]) == (1, "£120.00", box)
    assert 0 < found["confidence"]["/total"] <= 1


def test_corrections_count(anna: Client, document: str):
    page = anna.get(f"/documents/{document}/pages/1").json
    [wrong] = [one["id"] for line in page["lines"] for one in line["words"] if one["text"] == "£120.00"]
    operations = [{"op": "replace", "id": wrong, "text": "£128.00"}]
    sent = anna.post(f"/documents/{document}/pages/1/corrections", json=operations, headers={"If-Match": "*"})
    assert sent.status_code == 200, sent.text
    schema = {"properties": {"total": {"type": "number"}}}
    found = anna.post(f"/documents/{document}/extractions", json={"schema": schema, "pages": "1"}).json
    assert found["values"] == {"total": 128.0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schema": 7},
        {"schema": "no such preset"},
        {"schema": {}},
        {"schema": {"properties": {"a": {"type": "nonsense"}}}},
        {"schema": {"properties": {"a": {"$ref": "https://example.org/schema.json"}}}},
        {"schema": {"properties": {"a": {"$ref": "file:///etc/passwd"}}}},
        {"schema": {"properties": {"a": {"$ref": "#"}}}},
        {"schema": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"a": {"$ref": "#/$defs/a"}}}},
        {"schema": {"properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}},
        {"schema": {"properties": {f"a{number}": {"type": "string"} for number in range(1_000)}}},
        {"schema": {"properties": {"a": {"title": "x" * 100_000}}}},
        {"schema": "invoice", "pages": "9"},
        {"schema": "invoice", "surprise": True},
    ],
)
def test_what_is_no_schema_is_refused_with_a_reason(anna: Client, document: str, body: object):
    answer = anna.post(f"/documents/{document}/extractions", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.mimetype == "application/problem+json"


def test_a_bad_schema_is_told_with_a_hint(anna: Client, document: str):
    schema = {"properties": {"a": {"$ref": "#/$defs/missing"}}}
    answer = anna.post(f"/documents/{document}/extractions", json={"schema": schema})
    assert answer.json["code"] == "bad-schema"
    assert "$defs" in answer.json["hint"]


@pytest.mark.parametrize("status", ["queued", "failed"])
def test_a_document_that_is_not_read_says_so(service: Service, anna: Client, document: str, status: str):
    with service.database.write() as session:
        row = session.get(DocumentRow, document)
        row.status, row.run_id = status, None
    answer = anna.post(f"/documents/{document}/extractions", json={"schema": "invoice"})
    assert (answer.status_code, answer.json["code"]) == (409, "not-read")
    assert answer.json["hint"]


def test_only_who_may_read_a_document_may_extract(service: Service, anna: Client, document: str):
    other = service.client("bert", "viewer", "read")
    assert other.post(f"/documents/{document}/extractions", json={"schema": "invoice"}).status_code == 404
    with service.database.write() as session:
        session.add(Share(document_id=document, user_id=other.user_id, may_write=False))
    assert other.post(f"/documents/{document}/extractions", json={"schema": "invoice"}).status_code == 200
