"""What machines ask: is it alive, is it ready, how is it doing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response

from docproc.errors import DocprocError, Unavailable
from docproc.store import health, migrate
from web import Context, context

blueprint = Blueprint("health", __name__)
WORKER_SILENCE = timedelta(minutes=1)
"""A worker that has not been heard of for so long is taken for gone."""
BROKER_SECONDS = 2.0
PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "pyamqp": 5672}


@blueprint.get("/healthz")
def alive() -> Response:
    """Answer: this process is alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> Response:
    """Say of everything that is needed whether it is there; 503 when something is not."""
    checks = checked()
    fine = all(answer == "ok" for answer in checks.values())
    return make_response(jsonify(status="ok" if fine else "unavailable", checks=checks), 200 if fine else 503)


def checked() -> dict[str, str]:
    """Return of everything that is needed "ok", or what is wrong with it."""
    return {name: _tried(check) for name, check in CHECKS.items()}


def _tried(check: Callable[[Context], None]) -> str:
    try:
        check(context())
    except DocprocError as error:
        return str(error)
    except OSError as error:
        return f"It cannot be reached: {error.strerror or error}."
    return "ok"


def _database(here: Context) -> None:
    migrate.require_current(here.database)


def _storage(here: Context) -> None:
    here.files.require()


def _broker(here: Context) -> None:
    if here.settings.broker_url:
        where = urlsplit(here.settings.broker_url)
        port = where.port or PORTS.get(where.scheme, 0)
        socket.create_connection((where.hostname or "127.0.0.1", port), BROKER_SECONDS).close()


def _workers(here: Context) -> None:
    with here.database.read() as session:
        if not health.workers(session, WORKER_SILENCE):
            raise Unavailable("No worker has been seen in the last minute.", hint="Start `docproc worker`.")


CHECKS: dict[str, Callable[[Context], None]] = {
    "database": _database,
    "storage": _storage,
    "broker": _broker,
    "workers": _workers,
}
