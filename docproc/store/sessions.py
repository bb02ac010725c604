"""People who are signed in with a browser, and links that sign in once.

The browser holds a random secret, the database its SHA-256. A session ends when it was not used for a while, or at
the latest after `LONGEST`; signing in always makes a new one, so a secret that somebody planted is worth nothing.
"""

from __future__ import annotations

import ipaddress
import math
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from docproc.store import audit, users
from docproc.store.access import Principal
from docproc.store.database import Database
from docproc.store.tables import AuditRow, User, WebSession, utc_now
from docproc.store.tokens import digest

IDLE, LONGEST, LINK = timedelta(days=14), timedelta(days=90), timedelta(hours=24)
"""How long a session lasts unused, and at most; how long a link waits to be used."""
SLIDE_EVERY = timedelta(hours=1)
"""How exactly the time of last use is kept."""

WINDOW = timedelta(minutes=15)
FAILED = "user.sign-in-failed"
MOST_FAILED = {"both": 10, "address": 50, "name": 100}
"""Failed attempts within `WINDOW`: for one name from one address, from one address, for one name.

The last is high so that nobody can lock others out at will."""

LINK_PATH = "/sign-in/link/"
"""Where a link leads, followed by its secret."""
SERVED = "serve.lock"
"""File of the data folder that `docproc serve` holds while it runs; in it the address where people reach it."""

Kind = Literal["session", "link"]


@dataclass(frozen=True, slots=True)
class Known:
    """A session that is good: who asks, and whether it is time to prolong it (`slide`)."""

    who: Principal
    stale: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What came of an attempt: the secret of a new session, or seconds to wait, or neither: wrong."""

    secret: str = ""
    wait: int = 0


def start(session: Session, user: User, kind: Kind = "session") -> str:
    """Begin a session, or make a link; return its secret."""
    session.execute(delete(WebSession).where(WebSession.expires_at <= utc_now()))
    secret = secrets.token_urlsafe(32)
    expires = utc_now() + (IDLE if kind == "session" else LINK)
    session.add(WebSession(digest=digest(secret), kind=kind, user_id=user.id, expires_at=expires))
    session.flush()
    return secret


def link_url(base: str, secret: str) -> str:
    """Return the address of a link, for a service that answers at `base`."""
    return base.rstrip("/") + LINK_PATH + secret


def find(session: Session, secret: str) -> Known | None:
    """Return whose session this is; None when it is unknown or over, or its user disabled."""
    row = session.get(WebSession, digest(secret))
    moment = utc_now()
    if row is None or row.kind != "session" or row.expires_at <= moment:
        return None
    user = session.get_one(User, row.user_id)
    if user.disabled_at is not None:
        return None
    return Known(users.principal(user), stale=_until(row) - row.expires_at >= SLIDE_EVERY)


def slide(session: Session, secret: str) -> None:
    """Prolong a session that is used."""
    row = session.get(WebSession, digest(secret))
    if row is not None:
        row.expires_at = _until(row)


def end(session: Session, secret: str) -> None:
    """Sign out."""
    session.execute(delete(WebSession).where(WebSession.digest == digest(secret)))


def end_all(session: Session, user_id: str, *, but: str = "") -> None:
    """Sign out everywhere, links too, except for the session whose secret is `but`."""
    everywhere = delete(WebSession).where(WebSession.user_id == user_id)
    session.execute(everywhere.where(WebSession.digest != digest(but)) if but else everywhere)


def of_user(session: Session, user_id: str) -> list[WebSession]:
    """Return the sessions of a user that are not over, newest first."""
    query = select(WebSession).where(WebSession.user_id == user_id, WebSession.kind == "session")
    query = query.where(WebSession.expires_at > utc_now()).order_by(WebSession.created_at.desc())
    return list(session.scalars(query))


def redeem(session: Session, secret: str, address: str = "") -> str | None:
    """Use a link up and return the secret of a new session; None when it was used, or is too old."""
    used = (
        delete(WebSession)
        .where(WebSession.digest == digest(secret), WebSession.kind == "link", WebSession.expires_at > utc_now())
        .returning(WebSession.user_id)
    )
    user_id = session.execute(used).scalar_one_or_none()
    user = session.get(User, user_id) if user_id else None
    if user is None or user.disabled_at is not None:
        audit.note(session, None, FAILED, None, address=network(address), details={"with": "link"})
        return None
    audit.note(session, users.principal(user), "user.sign-in", user.name, address=address, details={"with": "link"})
    return start(session, user)


def sign_in(database: Database, name: str, password: str, address: str) -> SignedIn:
    """Check name and password and begin a session; failed attempts are counted for all web processes together."""
    name = users.clean_name(name)[: audit.LONGEST]
    with database.read() as session:
        wait = wait_before(session, name, address)
        user = session.scalars(select(User).where(User.name == name)).one_or_none()
    if wait:
        return SignedIn(wait=wait)
    good = users.matches(user.password_hash if user else None, password)
    newer = users.hash_password(password) if good and user and users.is_outdated(user.password_hash or "") else None
    with database.write() as session:
        if wait := wait_before(session, name, address):  # of many attempts at once, those after the limit are void
            return SignedIn(wait=wait)
        user = session.get(User, user.id) if user and good else None
        if user is None or user.disabled_at is not None:
            audit.note(session, None, FAILED, name, address=network(address))
            return SignedIn()
        user.password_hash = newer or user.password_hash
        audit.note(session, users.principal(user), "user.sign-in", name, address=address)
        return SignedIn(secret=start(session, user))


def wait_before(session: Session, name: str, address: str) -> int:
    """Return for how many seconds there were too many failed attempts to let another one be made; mostly 0."""
    by_name, by_address = AuditRow.target == name, AuditRow.address == network(address)
    return max(
        _wait(session, MOST_FAILED["both"], by_name & by_address),
        _wait(session, MOST_FAILED["address"], by_address),
        _wait(session, MOST_FAILED["name"], by_name),
    )


def network(address: str) -> str:
    """Return what counts as one address: that of IPv4; the /64 of IPv6, of which one household has all."""
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((one, 64), strict=False)) if one.version == 6 else str(one)


def _wait(session: Session, most: int, where: ColumnElement[bool]) -> int:
    moment = utc_now()
    recent = select(AuditRow.at).where(AuditRow.action == FAILED, AuditRow.at > moment - WINDOW, where)
    oldest = select(func.min(recent.order_by(AuditRow.at.desc()).limit(most).subquery().c.at))
    count = session.scalar(select(func.count()).select_from(recent.subquery())) or 0
    if count < most:
        return 0
    at = session.scalar(oldest)
    return max(1, math.ceil((at + WINDOW - moment).total_seconds())) if at else 0


def _until(row: WebSession) -> datetime:
    return min(utc_now() + IDLE, row.created_at + LONGEST)
