"""Who is asking: found out once per request, before any view runs. Without an answer, no view runs.

A program sends `Authorization: Bearer docproc_...`, a browser its session's cookie; where both come, the token
counts. Every route asks for a user, and for the scope `read` where its method is safe, `write` where it is not,
unless it says otherwise:

    @blueprint.get("/healthz")
    @auth.open_to_all
    def alive() -> Response: ...

    @blueprint.get("/users")
    @auth.needs("admin")
    def users() -> Response: ...

What a user may do with one document is `docproc.store.access.document`'s to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from docproc.errors import Forbidden
from docproc.store import access, sessions, tokens
from docproc.store.access import Principal
from docproc.store.tables import Scope
from web import context

P = ParamSpec("P")
R = TypeVar("R")

OPEN = frozenset({"static", "docs.openapi", "docs.page", "docs.asset", "health.alive", "health.ready"})
"""Endpoints for everybody that are not ours to mark, and those that machines ask before they know anything."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NEEDS = "docproc_needs"


def init(app: Flask) -> None:
    """Let no request of `app` reach a view that its sender may not call."""
    app.before_request(_admit)
    app.context_processor(lambda: {"who": known(), "sign_out_url": url_for("signin.sign_out")})


def open_to_all(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view that asks for no user."""
    setattr(view, _NEEDS, None)
    return view


def needs(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a view with the scope it asks for, where its method does not say so already."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, _NEEDS, scope)
        return view

    return mark


def needed(app: Flask, endpoint: str, method: str) -> Scope | None:
    """Return the scope that a route asks for, None where it asks for no user."""
    if endpoint in OPEN:
        return None
    otherwise: Scope = "read" if method in SAFE else "write"
    found: Scope | None = getattr(app.view_functions[endpoint], _NEEDS, otherwise)
    return found


def current() -> Principal:
    """Return who asks; raise Forbidden (401) when nobody is signed in."""
    who = known()
    if who is None:
        raise Forbidden(
            "You are not signed in.",
            hint="Send `Authorization: Bearer docproc_...`; `docproc user token` makes one.",
            code="unauthenticated",
        )
    return who


def account_holder() -> Principal:
    """Return who asks, when it is a person with a browser or an admin's token.

    No lesser token may change a password or make other tokens: it could outlive its own revocation.
    """
    who = current()
    if bearer() and not who.may("admin"):
        raise Forbidden("This takes a person, not a token.", hint="Sign in with a browser.")
    return who


def known() -> Principal | None:
    """Return who asks, None when nobody is signed in."""
    if "docproc_who" not in g:
        g.docproc_who = _bearer(token) if (token := bearer()) else _session()
    who: Principal | None = g.docproc_who
    return who


def bearer() -> str:
    """Return the token that came with the request, "" without one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def address() -> str:
    """Return the client's IP address."""
    return request.remote_addr or ""


def base_url() -> str:
    """Return the address that people use for this service."""
    return context().settings.public_url or request.url_root


def is_secure() -> bool:
    """Tell whether people reach this service over HTTPS."""
    return request.is_secure or context().settings.public_url.startswith("https://")


def cookie_name(name: str = "docproc") -> str:
    """Return the name of a cookie, the session's by default; over HTTPS no other host can set it (`__Host-`)."""
    return f"__Host-{name}" if is_secure() else name


def cookie() -> str:
    """Return the session's secret that the browser sent, "" without one."""
    return request.cookies.get(cookie_name(), "")


def set_cookie(response: Answer, secret: str) -> None:
    """Have the browser keep the secret of a session."""
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=sessions.LONGEST,
        secure=is_secure(),
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Answer) -> None:
    """Have the browser forget the session."""
    response.delete_cookie(cookie_name(), secure=is_secure(), httponly=True, samesite="Lax")


def _admit() -> Answer | None:
    if request.endpoint is None:  # there is no such route: 404, or the right spelling of the path
        return None
    scope = needed(current_app, request.endpoint, request.method)
    if scope is None:
        return None
    if known() is None and _is_page():
        return _to_sign_in()
    access.require(current(), scope)
    return None


def _is_page() -> bool:
    return not request.path.startswith("/api/") and not bearer()


def _to_sign_in() -> Answer:
    back = request.full_path.removesuffix("?") if request.method in SAFE and request.path != "/" else None
    return redirect(url_for("signin.form", next=back), code=303)


def _bearer(secret: str) -> Principal | None:
    database = context().database
    with database.read() as session:
        found = tokens.find(session, secret)
    if found is not None and found.stale:
        with database.write() as session:
            tokens.touch(session, found.token_id)
    return found.who if found else None


def _session() -> Principal | None:
    secret = cookie()
    if not secret:
        return None
    database = context().database
    with database.read() as session:
        found = sessions.find(session, secret)
    if found is not None and found.stale:
        with database.write() as session:
            sessions.slide(session, secret)
    return found.who if found else None
