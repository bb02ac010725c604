"""A client of a docproc server, for programs.

    with Client("http://127.0.0.1:8000", token) as client:
        document = client.upload(Path("letter.pdf"))
        client.wait(document)
        print(client.export(document, "markdown").decode())

Errors are raised as the classes of `docproc.errors`, with the server's own words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from docproc.document import Page
from docproc.errors import (
    Conflict,
    DocprocError,
    Forbidden,
    NotFound,
    Rejected,
    Unavailable,
    Usage,
)
from docproc.exports.json import page_from_dict

KINDS: dict[int, type[DocprocError]] = {
    400: Usage,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    405: Usage,
    409: Conflict,
    412: Conflict,
    413: Rejected,
    415: Rejected,
    422: Rejected,
    428: Conflict,
    429: Unavailable,
    503: Unavailable,
}
"""HTTP status -> what is raised."""
ENDED = frozenset({"done", "partial", "rejected", "failed", "cancelled"})
SECONDS = 60.0
"""How long the server may be silent."""
AGAIN = 1.0
"""Seconds after which a stream that broke off is opened again."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a document: `page` or `document`, numbered in order."""

    number: int
    kind: str
    data: Mapping[str, Any]


class Client:
    """One server, and who asks there. Close it, best by `with`."""

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/api/v1", headers=headers, timeout=SECONDS, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def upload(self, path: Path, options: Mapping[str, str] | None = None, *, duplicate: bool = False) -> str:
        """Hand in the file at `path`, with form fields such as dpi or labels; return the id of its document."""
        query = {"duplicate": "allow"} if duplicate else {}
        with path.open("rb") as file:
            files = {"file": (path.name, file)}
            answer = self._ask("POST", "/documents", files=files, data=dict(options or {}), params=query)
        return str(answer.json()["id"])

    def read_again(self, document: str, options: Mapping[str, Any] | None = None) -> None:
        """Have a document read again, with options as the API takes them; what was read is shown until then."""
        self._ask("POST", f"/documents/{document}/runs", json=dict(options or {}))

    def status(self, document: str) -> dict[str, Any]:
        """Return how far a document is, page by page."""
        found: dict[str, Any] = self._ask("GET", f"/documents/{document}").json()
        return found

    def wait(self, document: str, *, seconds: float = float("inf")) -> dict[str, Any]:
        """Wait until a document is read, or could not be; return its status. Raises Unavailable after `seconds`."""
        until = time.monotonic() + seconds
        while (status := self.status(document))["status"] not in ENDED:
            if time.monotonic() > until:
                raise Unavailable(f"The document is still {status['status']}.", hint="Wait longer.", code="timeout")
            time.sleep(AGAIN)
        return status

    def events(self, document: str, after: int = 0) -> Iterator[Happened]:
        """Yield what happens to a document after event number `after`, until it is finished."""
        while True:
            ended = False
            try:
                for event in self._stream(document, after):
                    after = event.number
                    ended = event.kind == "document" and event.data.get("status") in ENDED
                    yield event
            except httpx.TransportError:
                time.sleep(AGAIN)
                continue
            if ended or self.status(document)["status"] in ENDED:
                yield from self._stream(document, after)
                return

    def page(self, document: str, number: int) -> Page:
        """Return a page as read, with corrections; raise Conflict while it is not read."""
        return page_from_dict(self._ask("GET", f"/documents/{document}/pages/{number}").json())

    def picture(self, document: str, number: int, *, width: int = 1240) -> bytes:
        """Return the picture of a page, upright, as JPEG."""
        return self._ask("GET", f"/documents/{document}/pages/{number}/image", params={"width": str(width)}).content

    def export(self, document: str, format_: str, *, partial: bool = False) -> bytes:
        """Return the document in a format; raise Conflict while it is not read, unless `partial` is enough."""
        query = {"partial": "true"} if partial else {}
        return self._ask("GET", f"/documents/{document}/exports/{format_}", params=query).content

    def search(self, query: str, *, limit: int = 20, after: str | None = None, mode: str = "text") -> dict[str, Any]:
        """Return `hits` (document, page, score, snippet, boxes) and `next`; `mode` is text, meaning or both."""
        params = {"q": query, "limit": str(limit), "mode": mode} | ({"after": after} if after else {})
        found: dict[str, Any] = self._ask("GET", "/search", params=params).json()
        return found

    def ask(self, document: str, questions: Sequence[str], *, pages: str = "") -> list[dict[str, Any]]:
        """Return the answers about a document: `text`, `confidence`, `not_found`, `evidence` and more of each."""
        asked = [{"question": question, "pages": pages} for question in questions]
        answers = self._ask("POST", f"/documents/{document}/questions", json={"questions": asked}).json()
        found: list[dict[str, Any]] = answers["answers"]
        return found

    def ask_all(self, question: str) -> list[dict[str, Any]]:
        """Return answers out of all documents, each with its `document` and `filename`, the surest first."""
        found: list[dict[str, Any]] = self._ask("POST", "/questions", json={"question": question}).json()["answers"]
        return found

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise _unreachable(self._http.base_url, error) from error
        return _checked(answer)

    def _stream(self, document: str, after: int) -> Iterator[Happened]:
        with self._http.stream("GET", f"/documents/{document}/events", params={"after": after}) as answer:
            if answer.status_code >= 400:
                answer.read()
            _checked(answer)
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "data" in fields:
                    yield Happened(int(fields["id"]), fields["event"], json.loads(fields["data"]))
                    fields = {}


def _checked(answer: httpx.Response) -> httpx.Response:
    """Return the answer; raise what it says went wrong."""
    if answer.is_success:
        return answer
    problem = answer.json() if answer.headers.get("Content-Type", "") == "application/problem+json" else {}
    message = problem.get("detail") or f"The server answered {answer.status_code} {answer.reason_phrase}."
    kind = KINDS.get(answer.status_code, DocprocError)
    raise kind(message, hint=problem.get("hint", ""), code=problem.get("code", "server"))


def _unreachable(url: httpx.URL, error: httpx.TransportError) -> Unavailable:
    return Unavailable(
        f"The server at {url} cannot be reached: {error}.", hint="Is it running, and the address right?"
    )
