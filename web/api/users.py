"""Users: who there is and what they may do. For admins, but for `/users/me`."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import audit, sessions, users
from docproc.store.tables import Role, Scope, User
from web import auth, context
from web.api import api
from web.api.models import answer

blueprint = api("users", "Users and their roles.")


class UserPath(BaseModel):
    """A user."""

    user_id: str = Field(max_length=64)


class UserEntry(BaseModel):
    """A user."""

    id: str
    name: str
    role: Role
    disabled: bool
    has_password: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Return what the API says of a user."""
        return cls(
            id=user.id,
            name=user.name,
            role=user.role,
            disabled=user.disabled_at is not None,
            has_password=user.password_hash is not None,
            created_at=user.created_at,
        )


class Users(BaseModel):
    """All users, by name."""

    items: list[UserEntry]


class Me(BaseModel):
    """Who asks, and what this request may do: the smaller of role and scope."""

    id: str
    name: str
    role: Role
    scope: Scope


class NewUser(BaseModel):
    """A user to be added."""

    name: str = Field(max_length=64)
    role: Role
    password: str | None = Field(None, max_length=users.LONGEST, description="Without one they sign in by a link")


class Change(BaseModel):
    """What is to be different; what is not named stays."""

    role: Role | None = None
    disabled: bool | None = None
    forget_password: bool = Field(False, description="Take the password away, so that a link can set a new one")


class Link(BaseModel):
    """A link that signs in once."""

    url: str
    hours: int = Field(description="How long it waits to be used")


@blueprint.get("/users/me", responses={"200": Me})
def me() -> Response:
    """Say who asks."""
    who = auth.current()
    return answer(Me(id=who.user_id, name=who.name, role=who.role, scope=who.scope))


@blueprint.get("/users", responses={"200": Users})
@auth.needs("admin")
def listing() -> Response:
    """List all users."""
    with context().database.read() as session:
        return answer(Users(items=[UserEntry.of(user) for user in users.listing(session)]))


@blueprint.post("/users", responses={"201": UserEntry})
@auth.needs("admin")
def add(body: NewUser) -> Response:
    """Add a user."""
    hashed = users.hash_password(body.password, name=body.name) if body.password is not None else None
    with context().database.write() as session:
        user = users.add(session, body.name, body.role, password_hash=hashed)
        audit.note(
            session, auth.current(), "user.add", user.name, address=auth.address(), details={"role": body.role}
        )
    return answer(UserEntry.of(user), 201)


@blueprint.get("/users/<user_id>", responses={"200": UserEntry})
@auth.needs("admin")
def detail(path: UserPath) -> Response:
    """Say what is known of a user."""
    with context().database.read() as session:
        return answer(UserEntry.of(users.get(session, path.user_id)))


@blueprint.patch("/users/<user_id>", responses={"200": UserEntry})
@auth.needs("admin")
def change(path: UserPath, body: Change) -> Response:
    """Change a user's role, disable or enable them, take their password away. It counts from the next request on."""
    with context().database.write() as session:
        user = users.get(session, path.user_id)
        if body.role is not None:
            users.change_role(session, user, body.role)
        if body.disabled is not None:
            users.disable(session, user) if body.disabled else users.enable(user)
        if body.forget_password:
            users.forget_password(session, user)
        details = body.model_dump(exclude_unset=True)
        audit.note(session, auth.current(), "user.change", user.name, address=auth.address(), details=details)
    return answer(UserEntry.of(user))


@blueprint.post("/users/<user_id>/links", responses={"201": Link})
@auth.needs("admin")
def link(path: UserPath) -> Response:
    """Make a link that signs the user in once."""
    with context().database.write() as session:
        user = users.get(session, path.user_id)
        users.require_enabled(user)
        secret = sessions.start(session, user, "link")
        audit.note(session, auth.current(), "user.link", user.name, address=auth.address())
    url = sessions.link_url(auth.base_url(), secret)
    return answer(Link(url=url, hours=int(sessions.LINK.total_seconds() // 3600)), 201)


@blueprint.delete("/users/<user_id>/sessions", responses={"204": None})
@auth.needs("admin")
def sign_out(path: UserPath) -> Response:
    """Sign a user out everywhere, and make links that were not used yet worthless."""
    with context().database.write() as session:
        user = users.get(session, path.user_id)
        sessions.end_all(session, user.id)
        audit.note(session, auth.current(), "user.sign-out", user.name, address=auth.address())
    return Response(status=204)
