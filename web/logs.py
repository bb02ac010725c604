"""A name for every request, and a structured line in the log for every answer."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from docproc.store.sessions import LINK_PATH  # what follows it in a path is secret

log = logging.getLogger("docproc.requests")
SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged only when they fail."""


def init(app: Flask) -> None:
    """Name and log the requests of `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    asked = request.headers.get("X-Request-ID", "")
    g.request_id = asked if SAFE_ID.fullmatch(asked) else secrets.token_hex(8)
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if request.path in QUIET and response.status_code < 400:
        return response
    path = request.path.partition(LINK_PATH)[0] + LINK_PATH if LINK_PATH in request.path else request.path
    fields = {
        "request_id": g.request_id,
        "method": request.method,
        "path": path,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
        "address": request.remote_addr,
        "document": (request.view_args or {}).get("document_id"),
    }
    log.info("%s %s %s", request.method, path, response.status_code, extra={"fields": fields})
    return response
