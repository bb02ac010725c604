"""Who may do what with which document: the one place that decides, for routes, search hits and questions alike.

Two things limit a request: the role of its user and the scope of the token it came with; the smaller counts.

| may | read | write | admin |
| --- | --- | --- | --- |
| role | viewer | reviewer | admin |
| what | read what is one's own, shared with one or public | also upload, correct, share | everything |

So a token of scope `read` or `write` sees no more than its user's own documents and those shared with them, even
when the user is an admin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from docproc.errors import Forbidden, NotFound
from docproc.store.tables import DocumentRow, Role, Scope, Share

Action = Literal["read", "write", "own"]
"""What is to be done with a document: read it, change it, or what only its owner may (delete, share, publish)."""

RANK: dict[Scope, int] = {"read": 1, "write": 2, "admin": 3}
ROLES: dict[Role, Scope] = {"viewer": "read", "reviewer": "write", "admin": "admin"}
"""The most that a role may do."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `scope` is that of the token; with a browser's session it is "admin", which limits nothing."""

    user_id: str
    name: str
    role: Role
    scope: Scope = "admin"

    def may(self, scope: Scope) -> bool:
        """Tell whether both role and scope reach as far as `scope`."""
        return min(RANK[ROLES[self.role]], RANK[self.scope]) >= RANK[scope]


def require(who: Principal, scope: Scope) -> None:
    """Raise Forbidden when `who` may not `scope` at all."""
    if who.may(scope):
        return
    if RANK[ROLES[who.role]] < RANK[scope]:
        raise Forbidden(f"A {who.role} may not do this.", hint="Ask an admin for another role.")
    raise Forbidden(
        f"This token may only {who.scope}.", hint=f"Use one of scope {scope}: docproc user token --scope {scope}."
    )


def visible(who: Principal, *, trash: bool = False) -> ColumnElement[bool]:
    """Return the condition on `DocumentRow` for what `who` may read; with `trash`, of what is in the trash.

    What is in the trash is there for its owner and for admins only.
    """
    return and_(_kept(trash=trash), or_(*_grounds(who, trash=trash)))


def ways(who: Principal, *, trash: bool = False) -> tuple[ColumnElement[bool], ...]:
    """Return what `visible` asks as several conditions, of which a document fulfils at least one.

    Each can be answered newest first from an index of its own. Asked for any of them at once, a database looks
    through all documents to list the few that a user may read.
    """
    return tuple(and_(_kept(trash=trash), ground) for ground in _grounds(who, trash=trash))


def _kept(*, trash: bool) -> ColumnElement[bool]:
    return DocumentRow.deleted_at.is_not(None) if trash else DocumentRow.deleted_at.is_(None)


def _grounds(who: Principal, *, trash: bool) -> Sequence[ColumnElement[bool]]:
    """Return why `who` may read a document: it is theirs, public, or shared with them."""
    if who.may("admin"):
        return (true(),)
    own = DocumentRow.owner_id == who.user_id
    if trash:
        return (own,)
    shared = DocumentRow.id.in_(select(Share.document_id).where(Share.user_id == who.user_id))
    return own, DocumentRow.public.expression, shared


def writable(who: Principal) -> ColumnElement[bool]:
    """Return the condition on `DocumentRow` for what `who` may change."""
    if not who.may("write"):
        return false()
    if who.may("admin"):
        return visible(who)
    shared = select(Share.document_id).where(Share.user_id == who.user_id, Share.may_write)
    return and_(visible(who), or_(DocumentRow.owner_id == who.user_id, DocumentRow.id.in_(shared)))


def document(
    session: Session, who: Principal, document_id: str, action: Action, *, trash: bool = False
) -> DocumentRow:
    """Return the document, or raise.

    NotFound when it is not there or `who` may not even read it, so that nobody learns what exists; Forbidden when
    they may read it, but not do this.
    """
    query = select(DocumentRow).where(DocumentRow.id == document_id, visible(who, trash=trash))
    row = session.scalars(query).one_or_none()
    if row is None:
        raise NotFound("There is no such document.", hint="It may have been deleted, or not be shared with you.")
    if action == "read":
        return row
    require(who, "write")
    if row.owner_id != who.user_id and not who.may("admin"):
        _require_share(session, who, row, action)
    return row


def allows(session: Session, who: Principal, row: DocumentRow, action: Action) -> bool:
    """Tell whether `who`, who may read a document, may do this with it as well."""
    try:
        document(session, who, row.id, action)
    except Forbidden:
        return False
    return True


def _require_share(session: Session, who: Principal, row: DocumentRow, action: Action) -> None:
    share = session.get(Share, (row.id, who.user_id))
    if action == "own":
        raise Forbidden("Only its owner may do this.", hint="Ask them, or an admin.")
    if share is None or not share.may_write:
        raise Forbidden("You may read this document, not change it.", hint="Ask its owner to let you write.")
