"""Who else may use a document: single users, or everyone. Callers have asked `access.document(..., "own")` before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.errors import NotFound, Rejected
from docproc.store import users
from docproc.store.tables import DocumentRow, Share, User


@dataclass(frozen=True, slots=True)
class Reader:
    """A user with whom a document is shared."""

    name: str
    may_write: bool


def listing(session: Session, document: DocumentRow) -> Sequence[Reader]:
    """Return with whom the document is shared, by name."""
    query = select(User.name, Share.may_write).join_from(Share, User, Share.user_id == User.id)
    rows = session.execute(query.where(Share.document_id == document.id).order_by(User.name))
    return [Reader(name, may_write) for name, may_write in rows]


def give(session: Session, document: DocumentRow, name: str, *, may_write: bool) -> Reader:
    """Share the document with a user, or change what they may do with it; a viewer never writes, whatever is given.

    Raises NotFound or Conflict for users that are not there or are disabled, Rejected for the owner.
    """
    user = users.named(session, name)
    users.require_enabled(user)
    if user.id == document.owner_id:
        raise Rejected(f"{user.name} owns this document.", hint="Share it with somebody else.", code="owner")
    session.merge(Share(document_id=document.id, user_id=user.id, may_write=may_write))
    session.flush()
    return Reader(user.name, may_write)


def take(session: Session, document: DocumentRow, name: str) -> None:
    """Stop sharing with a user; raise NotFound when it was not shared with them."""
    share = session.get(Share, (document.id, users.named(session, name).id))
    if share is None:
        raise NotFound(f"The document is not shared with {name}.", hint="GET .../shares lists with whom it is.")
    session.delete(share)
