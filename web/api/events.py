"""What happens to a document, as server-sent events.

A stream is short (it ends after half a minute, and the browser comes back by itself with the number of the last
event it has) and there are only so many at a time, so that those who watch never keep out those who work. Whoever
watches several documents takes one stream for all of them.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import weakref
from collections.abc import Iterable, Iterator

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

from docproc.errors import NotFound, Unavailable
from docproc.store import access, documents, events
from docproc.store.access import Principal
from docproc.store.tables import Event
from web import Context, auth, context
from web.api import api
from web.api.models import DocumentPath, Entry

blueprint = api("events", "What happens, as it happens.")

MOST_STREAMS = 12
LONGEST = 30.0
"""Seconds after which a stream ends."""
EVERY = 0.5
"""Seconds between two looks; each is one query by primary key."""
KEEP_ALIVE = 10.0
"""Seconds of silence after which a comment tells proxies that the line still stands."""
RETRY = 1000
"""Milliseconds after which the browser comes back."""
MOST_WATCHED = 2_000
"""Documents of one stream."""
FINAL = frozenset({"done", "partial", "rejected", "failed", "cancelled"})

Look = tuple[str, bool]
"""What there is to tell, and whether it was the last."""

_slots = threading.BoundedSemaphore(MOST_STREAMS)


class After(BaseModel):
    """Where to go on."""

    after: int = Field(0, ge=0, le=2**31 - 1, description="Number of the last event you have")


class LastEvent(BaseModel):
    """Where to go on, as browsers say it."""

    model_config = ConfigDict(populate_by_name=True)

    last_event_id: int | None = Field(None, alias="Last-Event-ID", ge=0, le=2**31 - 1)


class First(BaseModel):
    """What to watch."""

    first: str = Field("", max_length=64, description="Id of the oldest document to watch; empty: all you handed in")


@blueprint.get(
    "/documents/events",
    responses={"200": {"description": "Events `document`", "content": {"text/event-stream": {}}}},
)
def stream_of_all(query: First) -> Response:
    """Watch the documents that you handed in, from one of them on, with those that come later: up to 2,000.

    `document`, with the document as in a list, tells how each of them is at first, and then whenever one changes.
    The stream ends after half a minute; then begin again from the oldest that is not finished yet.
    """
    return _answer(_watch_all(context(), auth.current(), query.first))


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
    return _answer(_watch(here, who, path.document_id, after))


def _answer(looks: Iterable[Look]) -> Response:
    """Answer with a stream, which ends early when whoever asked for it is gone; refuse it when there are too many."""
    if not _slots.acquire(blocking=False):
        raise Unavailable(
            "Too many are watching just now.",
            hint="Come back in a few seconds, or ask for the document now and then.",
        )
    wire = request.environ.get("gunicorn.socket") or request.environ.get("werkzeug.socket")
    heard = _while_heard(looks, wire)
    response = Response(heard, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})
    # once: when the answer is closed, or dropped by somebody who never closes it
    response.call_on_close(weakref.finalize(heard, _slots.release))
    return response


def _while_heard(looks: Iterable[Look], wire: socket.socket | None) -> Iterator[str]:
    began = spoke = time.monotonic()
    yield f"retry: {RETRY}\n\n"
    for told, finished in looks:
        if told or time.monotonic() - spoke > KEEP_ALIVE:
            spoke = time.monotonic()
            yield told or ": still here\n\n"
        if finished:
            return
        time.sleep(EVERY)
        if time.monotonic() - began > LONGEST or _hung_up(wire):
            return


def _hung_up(wire: socket.socket | None) -> bool:
    """Tell whether the other end of the line is closed: writing finds out twice as late as one writes."""
    if wire is None:
        return False
    try:
        return wire.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:  # open and silent
        return False
    except ValueError:  # encrypted: nobody can look ahead; writing finds out
        return False
    except OSError:
        return True


def _watch(here: Context, who: Principal, document_id: str, after: int) -> Iterator[Look]:
    while True:
        found, finished = _look(here, who, document_id, after)
        after = found[-1].sequence if found else after
        told = (f"id: {event.sequence}\nevent: {event.kind}\ndata: {_data(event)}\n\n" for event in found)
        yield "".join(told), finished


def _watch_all(here: Context, who: Principal, first: str) -> Iterator[Look]:
    known: dict[str, int] = {}
    while True:
        with here.database.read() as session:
            now = events.newest(session, who.user_id, first, MOST_WATCHED)
            changed = [one for one, sequence in now.items() if known.get(one) != sequence]
            entries = [Entry.of(item) for item in documents.items(session, changed)] if changed else []
        known = now
        yield "".join(f"event: document\ndata: {entry.model_dump_json()}\n\n" for entry in entries), False


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
