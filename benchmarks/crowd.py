"""Clients that use a server at the same time, each a thread with one connection, and how long they wait."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

TIMEOUT = 60.0
WORDS = ("water", "the", "invoice", "report", "of", "and", "total", "a* -the", '"of the"', "nowhere")
Mix = Sequence[tuple[str, float, Callable[[random.Random], str]]]
"""Name, share, and what makes a path."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and who asks there."""

    url: str
    token: str


@dataclass
class Seen:
    """What clients saw: seconds by kind of request, and answers that were none."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    broken: list[str] = field(default_factory=list)
    events: int = 0
    streams: int = 0
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, seconds: float, status: int) -> None:
        """Note one answer."""
        with self.lock:
            self.seconds[kind].append(seconds)
            self.statuses[status] += 1


def mix_of(documents: Sequence[tuple[str, int]]) -> Mix:
    """Return who asks for what, about documents (id, pages) that are read."""

    def page(rng: random.Random) -> str:
        document, pages = rng.choice(documents)
        return f"/documents/{document}/pages/{rng.randint(1, pages)}"

    return (
        ("list", 0.2, lambda rng: f"/documents?limit={rng.choice((20, 50))}"),
        ("detail", 0.2, lambda rng: f"/documents/{rng.choice(documents)[0]}"),
        ("page", 0.25, page),
        ("picture", 0.2, lambda rng: f"{page(rng)}/image?width=800"),
        ("search", 0.15, lambda rng: f"/search?q={rng.choice(WORDS).replace(' ', '+').replace(chr(34), '%22')}"),
    )


def crowd(url: str, token: str, mix: Mix, *, clients: int, seconds: float, pause: float) -> Seen:
    """Let `clients` ask for `seconds`, each waiting `pause` seconds (0.5 to 1.5 times that) between requests."""
    seen, until = Seen(), time.monotonic() + seconds
    one = partial(_ask, Place(url, token), mix, seen, until, pause)
    run_all([partial(one, random.Random(number)) for number in range(clients)])
    return seen


def run_all(tasks: Sequence[Callable[[], None]]) -> None:
    """Run tasks, a thread each, to their end."""
    threads = [threading.Thread(target=task, daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(place: Place, mix: Mix, seen: Seen, until: float, pause: float, rng: random.Random) -> None:
    names, shares, makers = zip(*mix, strict=True)
    connection = _connection(place.url)
    time.sleep(rng.uniform(0, pause))
    while time.monotonic() < until:
        at = rng.choices(range(len(names)), shares)[0]
        began = time.perf_counter()
        try:
            headers = {"Authorization": f"Bearer {place.token}"}
            connection.request("GET", "/api/v1" + makers[at](rng), headers=headers)
            answer = connection.getresponse()
            answer.read()
            seen.add(names[at], time.perf_counter() - began, answer.status)
        except (OSError, http.client.HTTPException) as error:
            seen.broken.append(repr(error))
            connection.close()
        time.sleep(rng.uniform(0.5, 1.5) * pause)
    connection.close()


def watch(url: str, token: str, document: str, seen: Seen, until: float) -> None:
    """Watch a document's events until `until`, coming back as a browser does when the stream ends."""
    after = 0
    while time.monotonic() < until:
        connection = _connection(url)
        with suppress(OSError, http.client.HTTPException):
            path = f"/api/v1/documents/{document}/events?after={after}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            with seen.lock:
                seen.streams += answer.status == http.client.OK
                seen.refused += answer.status == http.client.SERVICE_UNAVAILABLE
            while time.monotonic() < until and (line := answer.readline()):
                if line.startswith(b"id: "):
                    after = int(line[4:])
                    with seen.lock:
                        seen.events += 1
        connection.close()
        time.sleep(1.0)


def _connection(url: str) -> http.client.HTTPConnection:
    where = urlsplit(url)
    return http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT)
