"""Users and their passwords.

Hashing a password takes a while on purpose, so it is done while no transaction is open: `hash_password` and
`matches` know nothing of the database.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from docproc.errors import Conflict, NotFound, Rejected, Unavailable
from docproc.store.access import Principal
from docproc.store.tables import Role, User, WebSession, utc_now

SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
PATIENCE = 5.0
"""Seconds that a password waits for its turn to be hashed."""
_TURNS = BoundedSemaphore(2)
_NAME = re.compile(r"[\w.@+-]{1,64}")
_HASHER = PasswordHasher()
_IS_ADMIN = (User.role == "admin") & User.disabled_at.is_(None)


def add(session: Session, name: str, role: Role, *, password_hash: str | None = None) -> User:
    """Make a user; without a password they sign in by link or token. Raise Rejected or Conflict for the name."""
    name = clean_name(name)
    if not _NAME.fullmatch(name):
        raise Rejected(
            "This is no name for a user.", hint="Take up to 64 letters, digits and . @ + - _", code="bad-name"
        )
    if session.scalars(select(User.id).where(User.name == name)).first() is not None:
        raise Conflict(f"There is a user {name} already.", hint="Take another name.")
    user = User(name=name, role=role, password_hash=password_hash)
    session.add(user)
    session.flush()
    return user


def clean_name(name: str) -> str:
    """Return the form of a name that is kept: names that only differ in case are one."""
    return unicodedata.normalize("NFC", name).strip().casefold()


def named(session: Session, name: str) -> User:
    """Return the user of this name, or raise NotFound."""
    user = session.scalars(select(User).where(User.name == clean_name(name))).one_or_none()
    if user is None:
        raise NotFound(f"There is no user {name}.", hint="`docproc user list` shows all.")
    return user


def get(session: Session, user_id: str) -> User:
    """Return the user with this id, or raise NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.", hint="GET /api/v1/users lists all.")
    return user


def listing(session: Session) -> Sequence[User]:
    """Return all users by name."""
    return session.scalars(select(User).order_by(User.name)).all()


def only_admin(session: Session) -> User:
    """Return the one admin there is; raise NotFound or Conflict when there is none, or several."""
    admins = session.scalars(select(User).where(_IS_ADMIN)).all()
    if not admins:
        raise NotFound("There is no admin yet.", hint="docproc user add NAME --role admin")
    if len(admins) > 1:
        raise Conflict("There are several admins.", hint="Say whose with --user NAME.")
    return admins[0]


def change_role(session: Session, user: User, role: Role) -> None:
    """Give the user another role, at once; raise Conflict when that would leave no admin."""
    if role != "admin":
        _require_another_admin(session, user)
    user.role = role


def disable(session: Session, user: User) -> None:
    """Keep the user out from the next request on; raise Conflict when that would leave no admin."""
    _require_another_admin(session, user)
    user.disabled_at = utc_now()
    session.execute(delete(WebSession).where(WebSession.user_id == user.id))


def enable(user: User) -> None:
    """Let a disabled user in again."""
    user.disabled_at = None


def forget_password(session: Session, user: User) -> None:
    """Take the password away, and sign the user out everywhere."""
    user.password_hash = None
    session.execute(delete(WebSession).where(WebSession.user_id == user.id))


def require_enabled(user: User) -> None:
    """Raise Conflict when the user is disabled."""
    if user.disabled_at is not None:
        raise Conflict(f"{user.name} is disabled.", hint=f"docproc user enable {user.name}")


def principal(user: User) -> Principal:
    """Return the user as one who asks, limited by no token."""
    return Principal(user.id, user.name, user.role)


def hash_password(password: str, *, name: str = "") -> str:
    """Return the argon2id hash to keep; raise Rejected when the password is too short or the user's name."""
    password = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise Rejected(
            f"A password has at least {SHORTEST} characters (and at most {LONGEST}).",
            hint="A few words in a row are easy to remember.",
            code="bad-password",
        )
    if name and clean_name(password) == clean_name(name):
        raise Rejected("The password is the name.", hint="Choose another.", code="bad-password")
    with _turn():
        return _HASHER.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Tell whether this is the password; takes as long for a user who has none, or does not exist."""
    password = unicodedata.normalize("NFC", password[: LONGEST + 1])
    try:
        with _turn():
            return _HASHER.verify(password_hash or _hash_of_nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Tell whether the hash was made with weaker parameters than those of today."""
    return _HASHER.check_needs_rehash(password_hash)


@contextmanager
def _turn() -> Iterator[None]:
    """Let few hash at a time, as each takes 64 MB; raise Unavailable when many others wait."""
    if not _TURNS.acquire(timeout=PATIENCE):
        raise Unavailable("Too many are signing in just now.", hint="Try again in a few seconds.")
    try:
        yield
    finally:
        _TURNS.release()


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash(secrets.token_hex())


def _require_another_admin(session: Session, user: User) -> None:
    """Raise Conflict when there is no other; locked, so that two admins cannot remove each other at once."""
    admins = session.scalars(select(User.id).where(_IS_ADMIN).order_by(User.id).with_for_update()).all()
    if list(admins) == [user.id]:
        raise Conflict("This is the only admin.", hint="Make another user admin first.")
