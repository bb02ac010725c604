"""Sharing: with single users, or with everyone who can sign in. For a document's owner, and admins."""

from __future__ import annotations

from typing import Self

from flask import Response
from pydantic import BaseModel, Field

from docproc.store import access, audit, shares
from web import auth, context
from web.api import api
from web.api.models import DocumentPath, answer

blueprint = api("sharing", "Who may use a document besides its owner.")


class SharePath(DocumentPath):
    """A user with whom a document is shared."""

    name: str = Field(max_length=64, description="Name of the user")


class Permission(BaseModel):
    """What they may do."""

    write: bool = Field(False, description="Correct and read again, not only read; viewers never write")


class ShareEntry(BaseModel):
    """A user with whom a document is shared."""

    name: str
    write: bool

    @classmethod
    def of(cls, reader: shares.Reader) -> Self:
        """Return what the API says of a share."""
        return cls(name=reader.name, write=reader.may_write)


class Shares(BaseModel):
    """With whom a document is shared."""

    public: bool = Field(description="Whether every user may read it")
    items: list[ShareEntry]


@blueprint.get("/documents/<document_id>/shares", responses={"200": Shares})
@auth.needs("write")
def listing(path: DocumentPath) -> Response:
    """List with whom a document is shared."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "own")
        items = [ShareEntry.of(reader) for reader in shares.listing(session, row)]
        return answer(Shares(public=row.public, items=items))


@blueprint.put("/documents/<document_id>/shares/<name>", responses={"200": ShareEntry})
def give(path: SharePath, body: Permission) -> Response:
    """Share a document with a user, or change what they may do with it."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "own")
        reader = shares.give(session, row, path.name, may_write=body.write)
        details = {"with": reader.name, "write": reader.may_write}
        audit.note(session, who, "document.share", row.id, address=auth.address(), details=details)
    return answer(ShareEntry.of(reader))


@blueprint.delete("/documents/<document_id>/shares/<name>", responses={"204": None})
def take(path: SharePath) -> Response:
    """Stop sharing a document with a user."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "own")
        shares.take(session, row, path.name)
        audit.note(session, who, "document.unshare", row.id, address=auth.address(), details={"with": path.name})
    return Response(status=204)


@blueprint.put("/documents/<document_id>/public", responses={"204": None})
def publish(path: DocumentPath) -> Response:
    """Let every user read a document."""
    return _set_public(path.document_id, public=True)


@blueprint.delete("/documents/<document_id>/public", responses={"204": None})
def unpublish(path: DocumentPath) -> Response:
    """Take that back; those with whom it is shared by name keep it."""
    return _set_public(path.document_id, public=False)


def _set_public(document_id: str, *, public: bool) -> Response:
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, document_id, "own")
        row.public = public
        action = "document.publish" if public else "document.unpublish"
        audit.note(session, who, action, row.id, address=auth.address())
    return Response(status=204)
