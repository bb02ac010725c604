"""Who did what to what: written beside every change that matters, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from docproc.store.access import Principal
from docproc.store.tables import AuditRow

LONGEST = 200
"""Most characters kept of a target; what people type into a sign-in form has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What to list: actions that begin so, done by this user, to this target; "" is all."""

    action: str = ""
    user_id: str = ""
    target: str = ""


def note(
    session: Session,
    who: Principal | None,
    action: str,
    target: str | None,
    *,
    address: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write down that `who` (None: the command line, or nobody known) did `action`, named `noun.verb`, to `target`.

    `address` is the client's IP address. Nothing secret belongs into `details`.
    """
    session.add(
        AuditRow(
            user_id=who.user_id if who else None,
            action=action,
            target=target[:LONGEST] if target else target,
            address=address,
            details=details,
        )
    )


def listing(session: Session, wanted: Filter, *, after: str = "", limit: int = 50) -> Sequence[AuditRow]:
    """Return what was done, newest first, after the row with the id `after`."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if wanted.action:
        query = query.where(AuditRow.action.startswith(wanted.action, autoescape=True))
    if wanted.user_id:
        query = query.where(AuditRow.user_id == wanted.user_id)
    if wanted.target:
        query = query.where(AuditRow.target == wanted.target)
    return session.scalars(query.where(AuditRow.id < after) if after else query).all()
