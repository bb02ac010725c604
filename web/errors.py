"""One shape for every error: problem+json (RFC 9457), or a plain page for a browser outside the API."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response, g, make_response, render_template, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from docproc.errors import (
    Conflict,
    DocprocError,
    EngineFailed,
    Forbidden,
    NotFound,
    Rejected,
    Unavailable,
    Usage,
)

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[DocprocError], int], ...] = (
    (Usage, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Rejected, 422),
    (EngineFailed, 422),
    (Unavailable, 503),
)
"""Class of an error -> HTTP status, where its code is not one of these:"""
CODES = {
    "unauthenticated": 401,
    "changed": 412,
    "too-large": 413,
    "media-type": 415,
    "if-match": 428,
    "too-many-requests": 429,
}
PLAIN = {
    404: ("There is nothing at this address.", "It may be misspelt, or what was here is gone."),
    405: (
        "This address cannot be asked like that.",
        "Begin again from a page that has links to it; /api/v1/openapi.json is for programs.",
    ),
    413: ("This is more than can be taken at once.", "Send fewer files at a time, or smaller ones."),
}
"""Status of an error that no view told -> what happened, and what to do next."""
RETRY_AFTER = {429: 30, 503: 5}
"""Status -> seconds after which asking again may help."""


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(description="about:blank: `code` says more")
    title: str = Field(description="The HTTP status in words")
    status: int
    detail: str = Field(description="What happened, in plain words")
    code: str = Field(description="The same for the same problem: what a program branches on")
    hint: str = Field(description="What to do next; may be empty")
    request_id: str = Field(description="Names this request in the logs")


def init(app: Flask) -> None:
    """Answer every error of `app`."""
    app.register_error_handler(DocprocError, _known)
    app.register_error_handler(ValidationError, invalid)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def invalid(error: ValidationError) -> Response:
    """Answer a request whose values are not what the API takes; nothing of what was sent is repeated."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    detail = f"{place}: {first['msg']}." if place else f"{first['msg']}."
    return problem(422, "invalid", detail, "/api/v1/openapi.json says what is taken.")


def problem(status: int, code: str, detail: str, hint: str = "") -> Response:
    """Return the answer for one error."""
    words = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
        "request_id": g.get("request_id", ""),
    }
    if _wants_page():
        response = make_response(render_template("error.html", problem=words), status)
    else:
        response = make_response(words, status)
        response.mimetype = "application/problem+json"
    if status in RETRY_AFTER:
        response.headers["Retry-After"] = str(RETRY_AFTER[status])
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="docproc"'
    response.headers["Cache-Control"] = "no-store"
    return response


def status_of(error: DocprocError) -> int:
    """Return the HTTP status that tells `error`."""
    return CODES.get(error.code) or next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _wants_page() -> bool:
    accepted = request.accept_mimetypes
    return not request.path.startswith("/api/") and accepted.quality("text/html") > accepted.quality(
        "application/json"
    )


def _known(error: DocprocError) -> Response:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s", error, exc_info=error.__cause__)
    return problem(status, error.code, error.message, error.hint)


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())  # a redirect, or an answer already made
    status = error.code or 500
    code = HTTPStatus(status).phrase.lower().replace(" ", "-")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        code = "too-large"
    detail, hint = PLAIN.get(status, (error.description or HTTPStatus(status).phrase, ""))
    answer = problem(status, code, detail, hint)
    kept = [(name, value) for name, value in error.get_headers(request.environ) if name in ("Allow", "Content-Range")]
    answer.headers.extend(kept)
    return answer


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(
        500,
        "internal",
        "Something went wrong here that should not.",
        "Try again; if it stays, tell who runs this service the request id.",
    )
