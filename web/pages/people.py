"""Users, for admins: added, given a role or a link, kept out."""

from __future__ import annotations

from typing import get_args

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from docproc.store import audit, sessions, users
from docproc.store.tables import Role
from web import auth, context
from web.pages.frame import back, told

blueprint = Blueprint("people_page", __name__)
ROLES: tuple[Role, ...] = get_args(Role)


@blueprint.get("/users")
@auth.needs("admin")
def index() -> Response:
    """List all users."""
    return _page()


@blueprint.post("/users")
@auth.needs("admin")
def add() -> Response:
    """Add a user and show the link that signs them in once."""
    secret = name = ""
    with told(), context().database.write() as session:
        user = users.add(session, request.form.get("name", ""), _role())
        name, secret = user.name, sessions.start(session, user, "link")
        audit.note(
            session, auth.current(), "user.add", user.name, address=auth.address(), details={"role": user.role}
        )
    return _page(secret, name) if secret else back("people_page.index")


@blueprint.post("/users/<user_id>/link")
@auth.needs("admin")
def link(user_id: str) -> Response:
    """Show a new link; with `forget`, the old password ends and the link sets a new one."""
    forget, secret, name = "forget" in request.form, "", ""
    with told(), context().database.write() as session:
        user = users.get(session, user_id)
        users.require_enabled(user)
        if forget:
            users.forget_password(session, user)
        name, secret = user.name, sessions.start(session, user, "link")
        details = {"forget_password": forget}
        audit.note(session, auth.current(), "user.link", user.name, address=auth.address(), details=details)
    return _page(secret, name) if secret else back("people_page.index")


@blueprint.post("/users/<user_id>")
@auth.needs("admin")
def change(user_id: str) -> Response:
    """Change a user's role, or whether they may sign in."""
    form = request.form
    with told(), context().database.write() as session:
        user = users.get(session, user_id)
        if "role" in form:
            users.change_role(session, user, _role())
        if form.get("disabled") == "yes":
            users.disable(session, user)
        if form.get("disabled") == "no":
            users.enable(user)
        details = {"role": user.role, "disabled": user.disabled_at is not None}
        audit.note(session, auth.current(), "user.change", user.name, address=auth.address(), details=details)
    return back("people_page.index")


def _page(secret: str = "", name: str = "") -> Response:
    with context().database.read() as session:
        people = users.listing(session)
    link = sessions.link_url(auth.base_url(), secret) if secret else ""
    return make_response(render_template("users.html", people=people, roles=ROLES, link=link, name=name))


def _role() -> Role:
    return next((role for role in ROLES if role == request.form.get("role")), "viewer")
