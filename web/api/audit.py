"""The audit log, for admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import audit
from docproc.store.tables import AuditRow
from web import auth, context
from web.api import api
from web.api.models import answer

blueprint = api("audit", "Who did what.")


class AuditQuery(BaseModel):
    """What to list."""

    after: str = Field("", max_length=64, description="The `next` of the list before")
    limit: int = Field(50, ge=1, le=200)
    action: str = Field("", max_length=64, description="Its beginning: `document.`, `user.sign-in-failed`")
    user_id: str = Field("", max_length=64, description="Who did it")
    target: str = Field(
        "", max_length=200, description="To what it was done: id of a document or token, name of a user"
    )


class AuditEntry(BaseModel):
    """Something that was done."""

    id: str
    at: datetime
    user_id: str | None = Field(description="null: on the command line, or nobody known")
    action: str
    target: str | None
    address: str | None
    details: dict[str, Any] | None


class AuditEntries(BaseModel):
    """What was done, newest first."""

    items: list[AuditEntry]
    next: str | None = Field(description="Give it as `after` for what was done before; null at the end")


@blueprint.get("/audit", responses={"200": AuditEntries})
@auth.needs("admin")
def listing(query: AuditQuery) -> Response:
    """List who did what, newest first."""
    wanted = audit.Filter(action=query.action, user_id=query.user_id, target=query.target)
    with context().database.read() as session:
        rows = audit.listing(session, wanted, after=query.after, limit=query.limit + 1)
    items = [_entry(row) for row in rows[: query.limit]]
    return answer(AuditEntries(items=items, next=items[-1].id if len(rows) > query.limit else None))


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry.model_validate(row, from_attributes=True)
