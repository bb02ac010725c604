"""The portal with people signed in by browser session, and documents read by a worker that knows the answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from flask.testing import FlaskClient
from web_client import Service
from werkzeug.test import TestResponse

from docproc.document import Page
from docproc.store import documents, jobs, sessions, users
from docproc.store.documents import Incoming
from docproc.store.jobs import Facts, PageResult
from docproc.store.tables import DocumentRow, Role

FAILURE = {"code": "crash", "message": "The reader crashed on this page.", "hint": "Try it again."}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Person:
    """Somebody at a browser."""

    client: FlaskClient
    user_id: str
    secret: str

    def see(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.text

    def send(self, path: str, fields: dict[str, Any] | None = None, *, status: int = 303) -> TestResponse:
        """Send a form with the proof that a page shows."""
        proof = TOKEN.search(self.see("/account"))
        assert proof
        data = {"csrf_token": proof[1], **(fields or {})}
        answer = self.client.post(path, data=data, headers={"Accept": "text/html"})
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer

    def act(self, path: str, fields: dict[str, Any] | None = None) -> str:
        """Send a form and return the page it leads to."""
        return self.see(self.send(path, fields).headers["Location"])


class Portal(Service):
    """The application with people and documents."""

    def person(self, name: str = "ada", role: Role = "reviewer") -> Person:
        with self.database.write() as session:
            user = users.add(session, name, role)
            secret = sessions.start(session, user)
        client = self.app.test_client()
        client.set_cookie("docproc", secret)
        return Person(client, user.id, secret)

    def hand_in(self, who: Person, filename: str = "letter.pdf", data: bytes = b"%PDF-1.4 letter") -> str:
        """Put a document into the queue; return its id."""
        files = self.app.extensions["docproc"].files
        stored = files.put(BytesIO(data + filename.encode()), limit=10_000_000)
        with self.database.write() as session:
            incoming = Incoming(filename=filename, media_type="application/pdf")
            return documents.add(session, who.user_id, stored, incoming)[0].id

    def document(self, who: Person, pages: Sequence[Page | None], **incoming: Any) -> str:
        """Hand a document in and read it; None is a page that fails. Return its id."""
        document_id = self.hand_in(who, **incoming)
        self.plan(len(pages))
        self.read(pages)
        self.finish()
        return document_id

    def plan(self, pages: int) -> None:
        """Do the intake that waits."""
        assert jobs.planned(self.database, self._claim("intake"), Facts("application/pdf", pages))

    def reject(self, problem: dict[str, Any]) -> None:
        assert jobs.rejected(self.database, self._claim("intake"), problem)

    def read(self, pages: Sequence[Page | None]) -> None:
        """Read pages that wait, in order."""
        for page in pages:
            held = self._claim("page")
            if page is None:
                assert jobs.failed(self.database, held, FAILURE)
            else:
                result = PageResult(
                    page=page, seconds=1.5, engines={"ocr": "rapid 3"}, version="1", timings={"read": 1}
                )
                assert jobs.read(self.database, held, result)

    def finish(self) -> None:
        assert jobs.finished(self.database, self._claim("finish"))

    def row(self, document_id: str) -> DocumentRow:
        with self.database.read() as session:
            return documents.get(session, document_id)

    def _claim(self, kind: str) -> Any:
        held = jobs.claim(self.database, ["cpu"], "tester", self.settings)
        assert held is not None
        assert held.kind == kind
        return held
