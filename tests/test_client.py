"""The client against the real application."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_client import EXAMPLES, Service

from docproc.client import Client
from docproc.errors import Conflict, Forbidden, NotFound, Rejected, Unavailable
from docproc.store import documents, jobs


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    transport = httpx.WSGITransport(service.app)
    with Client("http://docproc.test", service.client().token, transport=transport) as made:
        yield made


def test_upload_watch_and_errors_in_the_servers_words(service: Service, client: Client, tmp_path: Path):
    document = client.upload(EXAMPLES / "report.pdf", {"labels": "tax"})
    assert client.upload(EXAMPLES / "report.pdf") == document
    assert client.upload(EXAMPLES / "report.pdf", duplicate=True) != document
    assert client.status(document)["labels"] == ["tax"]
    with pytest.raises(Unavailable, match="still queued"):
        client.wait(document, seconds=0)
    with pytest.raises(Conflict, match="not counted"):
        client.page(document, 1)
    with pytest.raises(Conflict) as unread:
        client.export(document, "text")
    assert (unread.value.code, bool(unread.value.hint)) == ("not-finished", True)
    with service.database.write() as session:
        jobs.cancel(session, documents.get(session, document))
    assert client.wait(document)["status"] == "cancelled"
    told = list(client.events(document))
    assert [event.number for event in told] == sorted({event.number for event in told})
    assert told[-1].data["status"] == "cancelled"
    assert list(client.events(document, told[-1].number)) == []
    assert client.search("nothing")["hits"] == []
    with pytest.raises(NotFound):
        client.status("nothing")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(Rejected, match="ZIP"):
        client.upload(tmp_path / "a.zip")


def test_a_wrong_token_and_a_server_that_is_not_there(service: Service):
    with (
        Client("http://docproc.test", "wrong", transport=httpx.WSGITransport(service.app)) as client,
        pytest.raises(Forbidden),
    ):
        client.status("x")
    with Client("http://127.0.0.1:1", "x") as client, pytest.raises(Unavailable, match="cannot be reached"):
        client.status("x")
