"""What protects browsers: headers on every answer, and proof that a change was asked for by one of our own pages.

The proof is a value made from the session's secret, which other sites cannot read: forms carry it as `csrf_token`,
scripts as the header `X-CSRF-Token`. Requests with a bearer token need none, as no browser sends one by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Flask, Response, g, request
from werkzeug.wrappers import Response as Answer

from docproc.errors import Forbidden
from docproc.store import secret
from web import auth

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""On every answer, unless its view set another value."""
HSTS = "max-age=31536000"
VISIT = "docproc_visit"
"""Cookie of who is not signed in yet, for the sign-in form."""


def init(app: Flask) -> None:
    """Protect every route of `app`. Comes after `web.auth`, whose answer it needs."""
    app.secret_key = secret.key(app.extensions["docproc"].settings)  # signs Flask's cookie of flashed messages
    app.config.update(SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_NAME="docproc_told")
    app.before_request(_require_proof)
    app.after_request(_finish)
    app.context_processor(lambda: {"csrf_token": csrf_token})


def csrf_token() -> str:
    """Return what the forms of this page must carry."""
    return _proof(auth.cookie() or _visit())


def _proof(held: str) -> str:
    return hmac.new(held.encode(), b"docproc csrf", hashlib.sha256).hexdigest()


def _visit() -> str:
    held = request.cookies.get(auth.cookie_name(VISIT))
    if held:
        return held
    if "docproc_visit" not in g:
        g.docproc_visit = secrets.token_urlsafe(32)
    visit: str = g.docproc_visit
    return visit


def _require_proof() -> None:
    if request.method in auth.SAFE or auth.bearer() or request.endpoint is None:
        return
    held = auth.cookie() or request.cookies.get(auth.cookie_name(VISIT), "")
    sent = request.headers.get("X-CSRF-Token") or _form_field()
    if not held or not hmac.compare_digest(_proof(held).encode(), sent.encode()):
        raise Forbidden(
            "This form is out of date, or was sent from another site.",
            hint="Load the page again and repeat it. Programs use a bearer token.",
            code="csrf",
        )


def _form_field() -> str:
    """Return the proof a form carries. The API's forms are read by their views, as they come in."""
    return "" if request.path.startswith("/api/") else request.form.get("csrf_token", "")


def _finish(response: Response) -> Answer:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if "docproc_visit" in g:
        name = auth.cookie_name(VISIT)
        response.set_cookie(name, g.docproc_visit, secure=auth.is_secure(), httponly=True, samesite="Strict")
    return response
