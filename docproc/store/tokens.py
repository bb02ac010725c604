"""Bearer tokens of programs. Only their SHA-256 is kept: who reads the database cannot use them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.errors import NotFound
from docproc.store.access import Principal, require
from docproc.store.tables import Scope, Token, User, utc_now

PREFIX = "docproc_"
"""Tells people, and programs that look for leaked secrets, what it is."""
USED_EVERY = timedelta(minutes=1)
"""How exactly the time of last use is kept."""


@dataclass(frozen=True, slots=True)
class Known:
    """A token that is good: who asks, and whether its time of last use is to be written (`touch`)."""

    who: Principal
    token_id: str
    stale: bool


def digest(secret: str) -> str:
    """Return what is kept of a secret that is random and long: its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make(
    session: Session, user: User, scope: Scope, *, name: str = "", expires_at: datetime | None = None
) -> tuple[Token, str]:
    """Make a token; return its row and the token itself, which nobody can tell again.

    Raises Forbidden when the user's role does not reach as far as `scope`.
    """
    require(Principal(user.id, user.name, user.role), scope)
    secret = PREFIX + secrets.token_urlsafe(32)
    row = Token(user_id=user.id, name=name, digest=digest(secret), scope=scope, expires_at=expires_at)
    session.add(row)
    session.flush()
    return row, secret


def find(session: Session, secret: str) -> Known | None:
    """Return whose token this is; None when it is unknown, revoked or expired, or its user disabled."""
    asked = digest(secret)
    row = session.scalars(select(Token).where(Token.digest == asked)).one_or_none()
    moment = utc_now()
    if row is None or not hmac.compare_digest(row.digest, asked) or row.revoked_at is not None:
        return None
    user = session.get_one(User, row.user_id)
    if user.disabled_at is not None or (row.expires_at is not None and row.expires_at <= moment):
        return None
    stale = row.used_at is None or moment - row.used_at >= USED_EVERY
    return Known(Principal(user.id, user.name, user.role, row.scope), row.id, stale)


def touch(session: Session, token_id: str) -> None:
    """Write down that the token was used now."""
    session.get_one(Token, token_id).used_at = utc_now()


def listing(session: Session, user_id: str = "") -> Sequence[Token]:
    """Return the tokens of a user (of all without one) that are not revoked, newest first."""
    query = select(Token).where(Token.revoked_at.is_(None)).order_by(Token.id.desc())
    return session.scalars(query.where(Token.user_id == user_id) if user_id else query).all()


def revoke(session: Session, who: Principal, token_id: str) -> None:
    """End a token of one's own, or as admin of anybody; raise NotFound when there is none."""
    row = session.get(Token, token_id)
    if row is None or row.revoked_at is not None or (row.user_id != who.user_id and not who.may("admin")):
        raise NotFound("There is no such token.", hint="GET /api/v1/tokens lists yours.")
    row.revoked_at = utc_now()
