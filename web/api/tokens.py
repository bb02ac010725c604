"""Bearer tokens: listed, made, revoked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import access, audit, tokens, users
from docproc.store.tables import Scope, Token, utc_now
from web import auth, context
from web.api import api
from web.api.models import answer

blueprint = api("tokens", "Bearer tokens for programs.")
MOST_DAYS = 3650


class TokenPath(BaseModel):
    """A token."""

    token_id: str = Field(max_length=64)


class ListQuery(BaseModel):
    """Whose tokens to list."""

    user_id: str = Field("", max_length=64, description="Another user's, for admins")


class NewToken(BaseModel):
    """A token to be made."""

    scope: Scope
    name: str = Field("", max_length=100, description="What it is for")
    days: int | None = Field(None, ge=1, le=MOST_DAYS, description="How long it is good; until revoked without it")
    user_id: str = Field("", max_length=64, description="Another user's, for admins")


class TokenEntry(BaseModel):
    """A token, without what it is."""

    id: str
    user_id: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = Field(description="To the minute")

    @classmethod
    def of(cls, row: Token) -> Self:
        """Return what the API says of a token."""
        return cls.model_validate(row, from_attributes=True)


class Tokens(BaseModel):
    """Tokens that are not revoked, newest first."""

    items: list[TokenEntry]


class Made(TokenEntry):
    """A new token."""

    token: str = Field(description="Shown here and never again")


@blueprint.get("/tokens", responses={"200": Tokens})
def listing(query: ListQuery) -> Response:
    """List one's own tokens."""
    who = auth.current()
    user_id = _whose(who, query.user_id)
    with context().database.read() as session:
        return answer(Tokens(items=[TokenEntry.of(row) for row in tokens.listing(session, user_id)]))


@blueprint.post("/tokens", responses={"201": Made})
@auth.needs("read")
def make(body: NewToken) -> Response:
    """Make a token. It takes a person who is signed in, or a token of scope `admin`."""
    who = auth.account_holder()
    ends = utc_now() + timedelta(days=body.days) if body.days else None
    with context().database.write() as session:
        user = users.get(session, _whose(who, body.user_id))
        row, secret = tokens.make(session, user, body.scope, name=body.name, expires_at=ends)
        details = {"scope": row.scope, "user": user.name}
        audit.note(session, who, "token.make", row.id, address=auth.address(), details=details)
        made = Made(**TokenEntry.of(row).model_dump(), token=secret)
    return answer(made, 201)


@blueprint.delete("/tokens/<token_id>", responses={"204": None})
@auth.needs("read")
def revoke(path: TokenPath) -> Response:
    """End a token. It takes a person who is signed in, or a token of scope `admin`."""
    who = auth.account_holder()
    with context().database.write() as session:
        tokens.revoke(session, who, path.token_id)
        audit.note(session, who, "token.revoke", path.token_id, address=auth.address())
    return Response(status=204)


def _whose(who: access.Principal, user_id: str) -> str:
    if user_id and user_id != who.user_id:
        access.require(who, "admin")
    return user_id or who.user_id
