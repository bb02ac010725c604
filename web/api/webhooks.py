"""Webhooks: addresses that are told when documents end, what was sent to them, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from docproc import outside
from docproc.store import audit, webhooks
from docproc.store.tables import Delivery, Webhook
from web import auth, context
from web.api import api
from web.api.models import answer

blueprint = api("webhooks", "Be told when documents are done; signed as Standard Webhooks says.")


class WebhookPath(BaseModel):
    """A webhook."""

    webhook_id: str = Field(max_length=64)


class DeliveryPath(WebhookPath):
    """A message to a webhook."""

    delivery_id: str = Field(max_length=64)


class NewWebhook(BaseModel):
    """Where to send."""

    url: str = Field(max_length=outside.LONGEST_URL, description="https://host/path; of a public address")


class State(BaseModel):
    """Whether it is told."""

    active: bool


class LogQuery(BaseModel):
    """Which messages to list."""

    after: str | None = Field(None, max_length=64, description="The `next` of the list before")
    limit: int = Field(50, ge=1, le=200)


class WebhookEntry(BaseModel):
    """A webhook."""

    id: str
    url: str
    owner_id: str
    active: bool = Field(description="False: nothing is sent. It becomes so when the address answers 410 Gone")
    created_at: datetime

    @classmethod
    def facts(cls, row: Webhook) -> dict[str, Any]:
        """Return the fields of a row of the store."""
        return {name: getattr(row, name) for name in WebhookEntry.model_fields}


class CreatedWebhook(WebhookEntry):
    """A webhook with what signs its messages."""

    secret: str = Field(description="whsec_...; shown this once")


class WebhookEntries(BaseModel):
    """Webhooks, oldest first."""

    items: list[WebhookEntry]


class DeliveryEntry(BaseModel):
    """A message to a webhook, and what came of it."""

    id: str = Field(description="The `webhook-id` it is sent with, every time")
    event: str
    status: str = Field(description="waiting, delivered or failed")
    attempts: int
    next_at: datetime | None = Field(description="When it is sent, or tried again")
    response: int | None = Field(description="HTTP status of the last answer")
    problem: str | None
    payload: dict[str, Any]
    created_at: datetime
    delivered_at: datetime | None

    @classmethod
    def of(cls, row: Delivery) -> DeliveryEntry:
        """Return the entry of a row of the store."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class DeliveryEntries(BaseModel):
    """Messages, newest first."""

    items: list[DeliveryEntry]
    next: str | None = Field(description="Where to go on, as `after`; null at the end")


@blueprint.post("/webhooks", responses={"201": CreatedWebhook})
def create(body: NewWebhook) -> Response:
    """Add a webhook: it is told when a document of yours is done, partial, rejected, failed or cancelled."""
    who, here = auth.current(), context()
    webhooks.check(here.settings, body.url)
    with here.database.write() as session:
        row, secret = webhooks.add(session, here.settings, who.user_id, body.url)
        audit.note(session, who, "webhook.add", row.id, address=auth.address(), details={"url": body.url})
        made = CreatedWebhook(**WebhookEntry.facts(row), secret=secret)
    return answer(made, 201, {"Location": f"/api/v1/webhooks/{made.id}", "Cache-Control": "no-store"})


@blueprint.get("/webhooks", responses={"200": WebhookEntries})
def listing() -> Response:
    """List your webhooks; an admin sees all."""
    with context().database.read() as session:
        rows = webhooks.listing(session, auth.current())
    return answer(WebhookEntries(items=[WebhookEntry(**WebhookEntry.facts(row)) for row in rows]))


@blueprint.get("/webhooks/<webhook_id>", responses={"200": WebhookEntry})
def detail(path: WebhookPath) -> Response:
    """Return one webhook."""
    with context().database.read() as session:
        row = webhooks.get(session, auth.current(), path.webhook_id)
    return answer(WebhookEntry(**WebhookEntry.facts(row)))


@blueprint.patch("/webhooks/<webhook_id>", responses={"200": WebhookEntry})
def change(path: WebhookPath, body: State) -> Response:
    """Stop telling a webhook, or begin again; what waits is sent then."""
    who = auth.current()
    with context().database.write() as session:
        row = webhooks.get(session, who, path.webhook_id)
        row.active = body.active
        audit.note(session, who, "webhook.change", row.id, address=auth.address(), details={"active": body.active})
    return answer(WebhookEntry(**WebhookEntry.facts(row)))


@blueprint.delete("/webhooks/<webhook_id>", responses={"204": None})
def delete(path: WebhookPath) -> Response:
    """Delete a webhook and the log of what was sent to it."""
    who = auth.current()
    with context().database.write() as session:
        row = webhooks.get(session, who, path.webhook_id)
        audit.note(session, who, "webhook.delete", row.id, address=auth.address(), details={"url": row.url})
        webhooks.remove(session, row)
    return Response(status=204)


@blueprint.post("/webhooks/<webhook_id>/ping", responses={"202": DeliveryEntry})
def ping(path: WebhookPath) -> Response:
    """Send a message that only tests the way; the log says what came of it."""
    with context().database.write() as session:
        row = webhooks.ping(session, webhooks.get(session, auth.current(), path.webhook_id))
    return answer(DeliveryEntry.of(row), 202)


@blueprint.get("/webhooks/<webhook_id>/deliveries", responses={"200": DeliveryEntries})
def deliveries(path: WebhookPath, query: LogQuery) -> Response:
    """List what was sent, and is to be sent, newest first."""
    with context().database.read() as session:
        webhook = webhooks.get(session, auth.current(), path.webhook_id)
        rows = webhooks.deliveries(session, webhook, after=query.after, limit=query.limit + 1)
    shown = rows[: query.limit]
    following = shown[-1].id if len(rows) > len(shown) else None
    return answer(DeliveryEntries(items=[DeliveryEntry.of(row) for row in shown], next=following))


@blueprint.post("/webhooks/<webhook_id>/deliveries/<delivery_id>/replay", responses={"202": DeliveryEntry})
def replay(path: DeliveryPath) -> Response:
    """Send a message once more, with the same id and body."""
    who = auth.current()
    with context().database.write() as session:
        row = webhooks.replay(session, webhooks.get(session, who, path.webhook_id), path.delivery_id)
        audit.note(session, who, "webhook.replay", row.id, address=auth.address())
    return answer(DeliveryEntry.of(row), 202)
