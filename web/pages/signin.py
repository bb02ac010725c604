"""Signing in, with a password or a link; signing out; one's account: password, tokens, sessions."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from docproc.errors import DocprocError, Forbidden, Rejected
from docproc.store import audit, sessions, tokens, users
from docproc.store.access import Principal
from docproc.store.tables import Scope, utc_now
from web import auth, context

blueprint = Blueprint("signin", __name__)
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
DAYS = (30, 90, 365, 0)
"""How long a token may be asked to live; 0 is until it is revoked."""
LONGEST_NAME = 100
"""Characters of what a token is called."""


@blueprint.get("/sign-in")
@auth.open_to_all
def form() -> Answer:
    """Show the form, or go on when already signed in."""
    if auth.known() is not None:
        return redirect(_next(), 303)
    return _form()


@blueprint.post("/sign-in")
@auth.open_to_all
def sign_in() -> Answer:
    """Check name and password; one message for every way to be wrong."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    result = sessions.sign_in(context().database, name, password, auth.address())
    if result.wait:
        minutes = -(-result.wait // 60)
        told = f"There were too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        return _form(name, told, status=429, headers={"Retry-After": str(result.wait)})
    if not result.secret:
        return _form(name, "The name or the password is not right.", status=401)
    return _signed_in(result.secret, _next())


@blueprint.get(f"{sessions.LINK_PATH}<secret>")
@auth.open_to_all
def link(secret: str) -> str:
    """Show a button. Looking at a link does not use it up: mail programs look at all of them."""
    return render_template("sign_in_link.html", secret=secret)


@blueprint.post("/sign-in/link")
@auth.open_to_all
def use_link() -> Answer:
    """Sign in by a link, once; the documents, which come next, say how to come back without one."""
    with context().database.write() as session:
        secret = sessions.redeem(session, request.form.get("link", ""), auth.address())
    if secret is None:
        told = "This link was used before, or is too old. Ask for a new one."
        return _form(told=told, status=401)
    return _signed_in(secret, url_for("documents_page.index"))


@blueprint.post("/sign-out")
@auth.needs("read")
def sign_out() -> Answer:
    """End this session, or with `everywhere` all of the user's."""
    who = auth.account_holder()
    with context().database.write() as session:
        sessions.end(session, auth.cookie())
        if "everywhere" in request.form:
            sessions.end_all(session, who.user_id)
        audit.note(session, who, "user.sign-out", who.name, address=auth.address())
    response = redirect(url_for("signin.form"), 303)
    auth.drop_cookie(response)
    return response


@blueprint.get("/account")
def account() -> Answer:
    """Show one's account."""
    return _account()


@blueprint.post("/account/password")
@auth.needs("read")
def password() -> Answer:
    """Set a password, given the one of before if there is one; end the user's other sessions."""
    who = auth.account_holder()
    try:
        _change_password(who, request.form.get("old", ""), request.form.get("new", ""))
    except (Forbidden, Rejected) as error:
        return _account(problem=error)
    return redirect(url_for("signin.account", done="password"), 303)


@blueprint.post("/account/tokens")
@auth.needs("read")
def make_token() -> Answer:
    """Make a token and show it, this once."""
    who = auth.account_holder()
    scope: Scope = next((one for one in SCOPES if one == request.form.get("scope")), "read")
    days = request.form.get("days", type=int)
    ends = utc_now() + timedelta(days=days) if days in DAYS and days else None
    with context().database.write() as session:
        user = users.get(session, who.user_id)
        name = request.form.get("name", "").strip()[:LONGEST_NAME]
        row, secret = tokens.make(session, user, scope, name=name, expires_at=ends)
        audit.note(
            session, who, "token.make", row.id, address=auth.address(), details={"scope": row.scope, "for": user.name}
        )
    return _account(made=secret)


@blueprint.post("/account/tokens/<token_id>/revoke")
@auth.needs("read")
def revoke_token(token_id: str) -> Answer:
    """End a token."""
    who = auth.account_holder()
    with context().database.write() as session:
        tokens.revoke(session, who, token_id)
        audit.note(session, who, "token.revoke", token_id, address=auth.address())
    return redirect(url_for("signin.account", done="revoked"), 303)


def _form(name: str = "", told: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    page = render_template("sign_in.html", name=name, told=told, next=_next())
    return make_response(page, status, headers or {})


def _account(*, problem: DocprocError | None = None, made: str = "") -> Response:
    who = auth.current()
    with context().database.read() as session:
        user = users.get(session, who.user_id)
        page = render_template(
            "account.html",
            user=user,
            tokens=tokens.listing(session, user.id),
            sessions=sessions.of_user(session, user.id),
            this=tokens.digest(auth.cookie()),
            scopes=[scope for scope in SCOPES if who.may(scope)],
            days=DAYS,
            problem=problem,
            made=made,
            done=request.args.get("done", ""),
            shortest=users.SHORTEST,
        )
    return make_response(page, 200 if problem is None else 422)


def _change_password(who: Principal, old: str, new: str) -> None:
    database = context().database
    with database.read() as session:
        user = users.get(session, who.user_id)
        wait = sessions.wait_before(session, user.name, auth.address())
    if wait:
        raise Forbidden("There were too many attempts.", hint="Try again later.", code="too-many-requests")
    if user.password_hash and not users.matches(user.password_hash, old):
        with database.write() as session:
            failed = sessions.network(auth.address())
            audit.note(session, None, sessions.FAILED, user.name, address=failed)
        raise Forbidden("The old password is not right.", hint="An admin can make a link that sets it anew.")
    hashed = users.hash_password(new, name=user.name)
    with database.write() as session:
        users.get(session, user.id).password_hash = hashed
        sessions.end_all(session, user.id, but=auth.cookie())
        audit.note(session, who, "user.password", user.name, address=auth.address())


def _signed_in(secret: str, target: str) -> Answer:
    """Answer with a new session; one that the browser had before ends."""
    before = auth.cookie()
    if before:
        with context().database.write() as session:
            sessions.end(session, before)
    response = redirect(target, 303)
    auth.set_cookie(response, secret)
    return response


def _next() -> str:
    """Return where to go after signing in: a path of this service, never another host."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    here = not parts.scheme and not parts.netloc and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if here and wanted.isprintable() else "/"
