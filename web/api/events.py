"""What happens to a document, as server-sent events.

A stream is short (it ends after half a minute, and the browser comes back by itself with the number of the last
event it has) and there are only so many at a time, so that those who watch never keep out those who work.
"""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Iterator

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from docproc.errors import NotFound, Unavailable
from docproc.store import access, events
from docproc.store.access import Principal
from docproc.store.tables import Event
from web import Context, auth, context
from web.api import api
from web.api.models import DocumentPath

blueprint = api("events", "What happens, as it happens.")

MOST_STREAMS = 12
LONGEST = 30.0
"""Seconds after which a stream ends."""
EVERY = 0.5
"""Seconds between two looks; each is one query by primary key."""
KEEP_ALIVE = 10.0
"""Seconds of silence after which a comment tells proxies and us whether the line still stands."""
RETRY = 1000
"""Milliseconds after which the browser comes back."""
FINAL = frozenset({"done", "partial", "rejected", "failed", "cancelled"})

_slots = threading.BoundedSemaphore(MOST_STREAMS)


class After(BaseModel):
    """Where to go on."""

    after: int = Field(0, ge=0, le=2**31 - 1, description="Number of the last event you have")


class LastEvent(BaseModel):
    """Where to go on, as browsers say it."""

    model_config = ConfigDict(populate_by_name=True)

    last_event_id: int | None = Field(None, alias="Last-Event-ID", ge=0, le=2**31 - 1)


@blueprint.get(
    "/documents/<document_id>/events",
    responses={
        "200": {"description": "Events `page`, `document` and `findings`", "content": {"text/event-stream": {}}},
        "204": {"description": "It is finished and nothing new will come"},
    },
)
def stream(path: DocumentPath, query: After, header: LastEvent) -> Response:
    """Watch a document: `page` for every page that is read, `document` when the whole changes.

    The stream ends when the document is finished, and after half a minute; then go on from the last event.
    """
    here, who = context(), auth.current()
    after = query.after if header.last_event_id is None else header.last_event_id
    with here.database.read() as session:
        row = access.document(session, who, path.document_id, "read")
    if row.status in FINAL and row.sequence <= after:
        return Response(status=204)
    if not _slots.acquire(blocking=False):
        raise Unavailable(
            "Too many are watching just now.",
            hint="Come back in a few seconds, or ask for the document now and then.",
        )
    lines = _watch(here, who, path.document_id, after)
    response = Response(lines, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    # once: when the answer is closed, or dropped by somebody who never closes it
    response.call_on_close(weakref.finalize(lines, _slots.release))
    return response


def _watch(here: Context, who: Principal, document_id: str, after: int) -> Iterator[str]:
    began = spoke = time.monotonic()
    yield f"retry: {RETRY}\n\n"
    while time.monotonic() - began < LONGEST:
        found, finished = _look(here, who, document_id, after)
        for event in found:
            after, spoke = event.sequence, time.monotonic()
            yield f"id: {event.sequence}\nevent: {event.kind}\ndata: {_data(event)}\n\n"
        if finished:
            return
        if time.monotonic() - spoke > KEEP_ALIVE:
            spoke = time.monotonic()
            yield ": still here\n\n"
        time.sleep(EVERY)


def _look(here: Context, who: Principal, document_id: str, after: int) -> tuple[list[Event], bool]:
    """Return the events since `after`, and whether they are the last."""
    with here.database.read() as session:
        try:
            row = access.document(session, who, document_id, "read")
        except NotFound:  # deleted, or no longer shared
            return [], True
        found = events.since(session, document_id, after) if row.sequence > after else []
        last = found[-1].sequence if found else after
        return found, row.status in FINAL and last >= row.sequence


def _data(event: Event) -> str:
    return json.dumps({**event.data, "at": event.created_at.isoformat()}, ensure_ascii=False)
