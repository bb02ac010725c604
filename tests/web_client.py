"""Clients of the web application for tests: signed in by token, on the database of the test."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from docproc.settings import Settings
from docproc.store import tokens, users
from docproc.store.database import Database
from docproc.store.tables import Role, Scope
from web import create_app

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Client:
    """Somebody who uses the API."""

    client: FlaskClient
    token: str
    user_id: str

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        prefix = "" if path.startswith(("/healthz", "/readyz", "/metrics", "/api")) else "/api/v1"
        return self.client.open(prefix + path, method=method, headers=headers, **{"buffered": True, **more})

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> TestResponse:
        return self.ask("POST", path, **more)

    def upload(self, data: bytes, name: str = "letter.pdf", *, query: str = "", **fields: Any) -> TestResponse:
        headers = fields.pop("headers", {})
        form = {"file": (BytesIO(data), name), **fields}
        return self.post(f"/documents{query}", data=form, content_type="multipart/form-data", headers=headers)


class Service:
    """The application with its database; `client(name)` is a new user of it."""

    def __init__(self, database: Database, folder: Path, **settings: Any) -> None:
        url = database.url.render_as_string(hide_password=False)
        self.settings = Settings(data_dir=folder, database_url=url, **settings)
        self.app = create_app(self.settings)
        self.app.testing = False
        self.database: Database = self.app.extensions["docproc"].database

    def client(self, name: str = "anna", role: Role = "reviewer", scope: Scope = "write") -> Client:
        with self.database.write() as session:
            user = users.add(session, name, role)
            _, token = tokens.make(session, user, scope)
            return Client(self.app.test_client(), token, user.id)

    def close(self) -> None:
        self.app.extensions["docproc"].images.close()
        self.database.close()
