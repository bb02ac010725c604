"""Webhooks: addresses that are told when documents end, and every message sent to them.

Messages are signed as Standard Webhooks says (standardwebhooks.com): `webhook-signature` is `v1,` and the base64 of
HMAC-SHA256 over `id.timestamp.body`. A message is a row that is claimed under a lease, sent while no transaction is
open, and tried again for about a day; it may arrive twice, with the same `webhook-id`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from docproc import outside
from docproc.errors import DocprocError, NotFound, Rejected, Unavailable
from docproc.settings import Settings
from docproc.store import secret
from docproc.store.access import Principal
from docproc.store.database import Database, now
from docproc.store.tables import Delivery, DocumentRow, Webhook, utc_now

ENDS = frozenset({"done", "partial", "rejected", "failed", "cancelled"})
"""What a document may come to; each is an event `document.` + its name."""
DELAYS = (5, 20, 80, 320, 1_280, 5_120, 20_480, 43_200)
"""Seconds to the next attempt, after each that failed; together 20 hours, a fifth more or less by chance."""
LEASE = timedelta(seconds=60)
"""A message that is being sent is nobody else's for so long."""
AT_ONCE = 16
"""Messages claimed together, and sent side by side."""
MOST = 20
"""Webhooks of one user."""
KEPT = timedelta(days=30)
"""How long messages that came to an end are kept."""
PREFIX = "whsec_"


def check(settings: Settings, url: str, resolver: outside.Resolver = outside.resolve) -> None:
    """Raise Rejected when `url` may not, or cannot, be reached. It waits for DNS: call it in no transaction."""
    try:
        outside.target(url, outside.networks(settings.webhook_networks), resolver)
    except Unavailable as error:
        raise Rejected(error.message, hint="Is the name right?", code="bad-address") from None


def add(session: Session, settings: Settings, owner_id: str, url: str) -> tuple[Webhook, str]:
    """Add a webhook whose `url` was checked; return it and the secret that signs, which is not shown again."""
    count = session.scalar(select(func.count()).select_from(Webhook).where(Webhook.owner_id == owner_id))
    if (count or 0) >= MOST:
        raise Rejected(f"You have {count} webhooks.", hint="Delete one that is not needed.", code="too-many-webhooks")
    text = PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    row = Webhook(owner_id=owner_id, url=url, sealed_secret=secret.seal(settings, text))
    session.add(row)
    session.flush()
    return row, text


def listing(session: Session, who: Principal) -> Sequence[Webhook]:
    """Return the webhooks that `who` may manage, oldest first: their own; an admin all."""
    return session.scalars(select(Webhook).where(_manages(who)).order_by(Webhook.id)).all()


def get(session: Session, who: Principal, webhook_id: str) -> Webhook:
    """Return a webhook that `who` may manage; raise NotFound."""
    row = session.scalars(select(Webhook).where(Webhook.id == webhook_id, _manages(who))).one_or_none()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def remove(session: Session, row: Webhook) -> None:
    """Delete a webhook and its messages."""
    session.execute(delete(Webhook).where(Webhook.id == row.id))


def ping(session: Session, row: Webhook) -> Delivery:
    """Queue a message that only tests the way."""
    return _message(session, row, "ping", {})


def deliveries(session: Session, row: Webhook, *, after: str | None = None, limit: int = 50) -> Sequence[Delivery]:
    """Return the messages to a webhook, newest first, older than the one named `after`."""
    query = select(Delivery).where(Delivery.webhook_id == row.id)
    if after:
        query = query.where(Delivery.id < after)
    return session.scalars(query.order_by(Delivery.id.desc()).limit(limit)).all()


def replay(session: Session, row: Webhook, delivery_id: str) -> Delivery:
    """Queue a message once more, with its `webhook-id` and body; raise NotFound when this webhook has none such."""
    found = session.get(Delivery, delivery_id)
    if found is None or found.webhook_id != row.id:
        raise NotFound("There is no such delivery.", hint=f"They are kept for {KEPT.days} days.")
    found.status, found.attempts, found.next_at, found.token = "waiting", 0, utc_now(), found.token + 1
    session.flush()
    return found


def queue(session: Session, document_id: str, data: Mapping[str, Any]) -> None:
    """Queue what the `data` of a document's event tells for every active webhook of its owner, if it tells an end.

    Messages name the document and its state and where to look, nothing of what it says.
    """
    event = data.get("run_status") or data.get("status")
    if event not in ENDS:
        return
    path, problem = f"/api/v1/documents/{document_id}", data.get("problem") or {}
    told = {
        "id": document_id,
        "status": data.get("status"),
        "run": data.get("run"),
        "pages": data.get("pages"),
        "problem": problem.get("code"),
        "links": {"document": path, "events": f"{path}/events"},
    }
    owner = select(DocumentRow.owner_id).where(DocumentRow.id == document_id).scalar_subquery()
    for row in session.scalars(select(Webhook).where(Webhook.owner_id == owner, Webhook.active)):
        _message(session, row, f"document.{event}", told)


def deliver_due(database: Database, settings: Settings, resolver: outside.Resolver = outside.resolve) -> int:
    """Send the messages that are due, at most `AT_ONCE`; return how many. Takes no longer than one answer may."""
    with database.read() as session:
        if session.scalar(_due(session).limit(1)) is None:
            return 0
    with database.write() as session:
        claimed = _claim(session)
    with ThreadPoolExecutor(max(len(claimed), 1), "webhook") as pool:
        outcomes = list(pool.map(lambda one: _send(settings, one, resolver), claimed))
    with database.write() as session:
        for one, outcome in zip(claimed, outcomes, strict=True):
            _record(session, one, outcome)
    return len(claimed)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A message that is ours to send while the lease lasts."""

    id: str
    token: int
    attempt: int
    webhook_id: str
    url: str
    sealed_secret: bytes
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of sending: the HTTP status if there was an answer, and what went wrong if anything did."""

    status: int | None
    problem: str | None


def signature(text: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `webhook-signature` of a message; `text` is the secret, `whsec_...`."""
    key = base64.b64decode(text.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _manages(who: Principal) -> ColumnElement[bool]:
    return Webhook.id.is_not(None) if who.may("admin") else Webhook.owner_id == who.user_id


def _message(session: Session, row: Webhook, event: str, data: dict[str, Any]) -> Delivery:
    payload = {"type": event, "timestamp": utc_now().isoformat(), "data": data}
    made = Delivery(webhook_id=row.id, event=event, payload=payload, next_at=utc_now())
    session.add(made)
    session.flush()
    return made


def _due(session: Session) -> Any:
    query = select(Delivery.id).join(Webhook, Webhook.id == Delivery.webhook_id)
    due = Delivery.status == "waiting", Delivery.next_at <= now(session)
    return query.where(*due, Webhook.active).order_by(Delivery.next_at)


def _claim(session: Session) -> list[_Claimed]:
    ids = session.scalars(_due(session).limit(AT_ONCE).with_for_update(skip_locked=True, of=Delivery)).all()
    query = select(Delivery, Webhook).join(Webhook, Webhook.id == Delivery.webhook_id).where(Delivery.id.in_(ids))
    claimed = []
    for row, webhook in session.execute(query):
        row.token, row.attempts, row.next_at = row.token + 1, row.attempts + 1, now(session) + LEASE
        claimed.append(
            _Claimed(row.id, row.token, row.attempts, webhook.id, webhook.url, webhook.sealed_secret, row.payload)
        )
    oldest = int((time.time() - KEPT.total_seconds()) * 1000)
    session.execute(delete(Delivery).where(Delivery.id < f"{oldest:012x}", Delivery.status != "waiting"))
    return claimed


def _send(settings: Settings, message: _Claimed, resolver: outside.Resolver) -> _Outcome:
    body, timestamp = _body(settings, message.payload), int(time.time())
    try:
        signed = signature(secret.unseal(settings, message.sealed_secret), message.id, timestamp, body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"docproc/{version('docproc')}",
            "Content-Length": str(len(body)),
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signed,
        }
        where = outside.target(message.url, outside.networks(settings.webhook_networks), resolver)
        answer = outside.post(where, body, headers)
    except DocprocError as error:
        return _Outcome(None, str(error))
    if 200 <= answer.status < 300:
        return _Outcome(answer.status, None)
    return _Outcome(answer.status, f"HTTP {answer.status}: {_printable(answer.body)}".strip(": "))


def _body(settings: Settings, payload: dict[str, Any]) -> bytes:
    """Return the message as it is sent; its links begin with the public address where that is known."""
    base, data = settings.public_url.rstrip("/"), dict(payload["data"])
    if "links" in data:
        data["links"] = {name: base + path for name, path in data["links"].items()}
    return json.dumps({**payload, "data": data}, ensure_ascii=False, separators=(",", ":")).encode()


def _printable(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _record(session: Session, message: _Claimed, outcome: _Outcome) -> None:
    """Write down what came of it, unless the lease ran out and somebody else has the message by now."""
    values: dict[str, Any] = {"response": outcome.status, "problem": outcome.problem}
    if outcome.problem is None:
        values |= {"status": "delivered", "delivered_at": now(session), "next_at": None}
    elif message.attempt > len(DELAYS) or outcome.status == 410:
        values |= {"status": "failed", "next_at": None}
    else:
        delay = DELAYS[message.attempt - 1] * random.uniform(0.8, 1.2)  # noqa: S311  (no secret)
        values |= {"next_at": now(session) + timedelta(seconds=delay)}
    ours = Delivery.id == message.id, Delivery.token == message.token
    session.execute(update(Delivery).where(*ours).values(**values))
    if outcome.status == 410:  # gone, it says: do not send again
        session.execute(update(Webhook).where(Webhook.id == message.webhook_id).values(active=False))
