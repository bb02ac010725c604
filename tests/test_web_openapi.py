"""The OpenAPI document put to the test: whatever it allows, and what it does not, is answered without a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from read_documents import add_document
from schemathesis.generation import GenerationMode
from schemathesis.transport.wsgi import WSGI_TRANSPORT
from sqlalchemy import delete
from web_client import EXAMPLES, Client, Service

from docproc.store import webhooks
from docproc.store.tables import Webhook

pytestmark = pytest.mark.slow

EXAMPLES_EACH = 4
ENDLESS = "/events"
"""Streams, which are tested on their own."""


def seed(service: Service, who: Client) -> dict[str, str | int]:
    """Return path parameters of things that are there."""
    with (EXAMPLES / "report.pdf").open("rb") as file:
        stored = service.app.extensions["docproc"].files.put(file, limit=10**8)
    with service.database.write() as session:
        session.execute(delete(Webhook))
        document_id = add_document(session, who.user_id, stored.sha256)
        webhook, _ = webhooks.add(session, service.settings, who.user_id, "https://example.com/")
        made = webhooks.ping(session, webhook)
        return {"document_id": document_id, "number": 1, "webhook_id": webhook.id, "delivery_id": made.id}


def test_no_request_is_answered_with_a_server_error(service: Service):
    who = service.client("root", "admin", "admin")
    schema = schemathesis.openapi.from_dict(service.app.api_doc)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        if not operation.path.endswith(ENDLESS):
            known = seed(service, who)
            tried(
                service,
                who,
                operation,
                {name: value for name, value in known.items() if f"{{{name}}}" in operation.path},
            )


def tried(service: Service, who: Client, operation: Any, known: dict[str, str | int]) -> None:
    """Send what the operation takes and what it does not take, to things that are there and to others."""
    choices = [operation.as_strategy(), operation.as_strategy(path_parameters=known) if known else None]
    if any(operation.iter_parameters()) or operation.body:
        choices.append(operation.as_strategy(GenerationMode.NEGATIVE))
    headers = {"Authorization": f"Bearer {who.token}"}

    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of([one for one in choices if one is not None]))
    def run(case: Any) -> None:
        answer = WSGI_TRANSPORT.send(case, app=service.app, headers=headers, buffered=True)
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text[:500]}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"][0].startswith("application/problem+json"), case.as_curl_command()

    run()
