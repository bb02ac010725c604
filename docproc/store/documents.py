"""Documents: taken in, listed, labelled, put into the trash and out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, union_all
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from docproc.errors import NotFound, Rejected
from docproc.store import findings, jobs
from docproc.store.files import Stored
from docproc.store.sorting import NEWEST_FIRST, Order
from docproc.store.tables import (
    INTERACTIVE,
    DocumentLabel,
    DocumentRow,
    DocumentStatus,
    PageRow,
    Run,
    UnusedFile,
    User,
    utc_now,
)
from docproc.store.tables.documents import fold

LONGEST_NAME = 255
LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What is known of a file that is handed in; `options` are those of its run (`pipeline.ReadOptions`)."""

    filename: str
    media_type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    priority: int = INTERACTIVE
    sealed_password: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What of the visible documents is listed; None and "" ask for nothing. `name` is a part of the file name."""

    status: DocumentStatus | None = None
    label: str = ""
    name: str = ""
    owner_id: str = ""
    trash: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A document in a list: its row, its labels, and how many pages of its newest run are finished."""

    row: DocumentRow
    labels: tuple[str, ...]
    finished: int
    pages: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Some documents, in order; `next` is where to go on (`after`), None at the end."""

    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """How far a document is.

    `run` is the one whose readings are shown, `newest` the last one begun: another while it is read again. `pages`
    are those of the newest where it knows them, else of the one shown.
    """

    row: DocumentRow
    labels: tuple[str, ...]
    run: Run | None
    newest: Run | None
    pages: tuple[PageRow, ...]

    @property
    def progress(self) -> float:
        """Share of the pages that are finished, 0-1; 1 exactly when nothing is left to do."""
        if self.row.status not in {"queued", "running"}:
            return 1.0
        if self.newest is None or not self.newest.page_count:
            return 0.0
        return min(0.99, 1 - self.newest.remaining / self.newest.page_count)


def add(
    session: Session, owner_id: str, stored: Stored, incoming: Incoming, *, duplicate: bool = False
) -> tuple[DocumentRow, bool]:
    """Take in a file that `Files.put` has stored, and start reading it; return its row and whether it is new.

    When the owner has the same bytes already, not in the trash, that document is returned as it is, unless
    `duplicate` asks for a second one. Raises NotFound when there is no such owner.
    """
    # The owner's row is locked, so that the same bytes sent twice at a time do not miss each other.
    if session.scalar(select(User.id).where(User.id == owner_id).with_for_update(key_share=True)) is None:
        raise NotFound(f"There is no user {owner_id}.")
    known = None if duplicate else find_same(session, owner_id, stored.sha256)
    unlocked = known is not None and known.status == "rejected" and incoming.sealed_password is not None
    if known is not None and not unlocked:  # a password may open now what was refused before
        return known, False
    row = DocumentRow(
        owner_id=owner_id,
        sha256=stored.sha256,
        size=stored.size,
        filename=clean_name(incoming.filename),
        media_type=incoming.media_type,
        sealed_password=incoming.sealed_password,
    )
    session.add(row)
    session.flush()
    jobs.start(session, row, owner_id, dict(incoming.options), incoming.priority)
    return row, True


def find_same(session: Session, owner_id: str, sha256: str) -> DocumentRow | None:
    """Return the owner's newest document with these bytes that is not in the trash."""
    return session.scalar(
        select(DocumentRow)
        .where(DocumentRow.owner_id == owner_id, DocumentRow.sha256 == sha256, DocumentRow.deleted_at.is_(None))
        .order_by(DocumentRow.id.desc())
        .limit(1)
    )


def get(session: Session, document_id: str) -> DocumentRow:
    """Return a document, in the trash or not; raise NotFound. Who may see it is `access`'s to say."""
    row = session.get(DocumentRow, document_id)
    if row is None:
        raise NotFound(f"There is no document {document_id}.")
    return row


def page_of(
    session: Session,
    ways: Sequence[ColumnElement[bool]],
    wanted: Filter | None = None,
    *,
    order: Order = NEWEST_FIRST,
    after: str | None = None,
    limit: int = 50,
) -> Listing:
    """List documents for which one of the `ways` (see `access.ways`) holds, in order, from `after` (an id) on.

    Raises NotFound when the document to go on from was deleted for good and the order is not theirs by time.
    """
    behind = order.behind(session, after) if after else None
    rows = session.scalars(query(ways, wanted or Filter(), order=order, behind=behind, limit=limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Listing(_items(session, rows), rows[-1].id if more else None)


def query(
    ways: Sequence[ColumnElement[bool]],
    wanted: Filter,
    *,
    order: Order = NEWEST_FIRST,
    behind: ColumnElement[bool] | None = None,
    limit: int,
) -> Select[DocumentRow]:
    """Return the query behind `page_of`: the first `limit` that are wanted, of those `behind` another.

    The first of each way are found by an index where one has the order, and then put together.
    """
    conditions = _conditions(wanted) + ([] if behind is None else [behind])
    if len(ways) == 1:
        return order.joined(select(DocumentRow)).where(*ways, *conditions).order_by(*order.keys).limit(limit)
    some = order.joined(select(DocumentRow.id)).where(*conditions).order_by(*order.keys).limit(limit)
    ids = union_all(*(select(some.where(way).subquery().c.id) for way in ways))
    return order.joined(select(DocumentRow)).where(DocumentRow.id.in_(ids)).order_by(*order.keys).limit(limit)


def items(session: Session, document_ids: Iterable[str]) -> tuple[Item, ...]:
    """Return documents as lists show them, oldest first; those that are gone are left out."""
    found = select(DocumentRow).where(DocumentRow.id.in_(list(document_ids))).order_by(DocumentRow.id)
    return _items(session, session.scalars(found).all())


def status_of(session: Session, row: DocumentRow) -> Status:
    """Return how far a document is."""
    run = session.get(Run, row.run_id) if row.run_id else None
    newest = _newest_runs(session, [row.id]).get(row.id)
    known = newest if newest is not None and newest.page_count else run
    pages = (
        ()
        if known is None
        else session.scalars(select(PageRow).where(PageRow.run_id == known.id).order_by(PageRow.number))
    )
    return Status(row, labels_of(session, [row.id])[row.id], run, newest, tuple(pages))


def label(session: Session, row: DocumentRow, name: str) -> None:
    """Put a label on a document; raise Rejected when it is empty or too long."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_LABEL or not name.isprintable():
        raise Rejected("That is no label.", hint=f"It takes 1 to {LONGEST_LABEL} letters.", code="bad-label")
    session.execute(_insert(session)(DocumentLabel).values(document_id=row.id, name=name).on_conflict_do_nothing())


def unlabel(session: Session, row: DocumentRow, name: str) -> None:
    """Take a label off; does nothing where it is not on."""
    session.execute(delete(DocumentLabel).where(DocumentLabel.document_id == row.id, DocumentLabel.name == name))


def labels_of(session: Session, document_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the labels of each document, sorted; () for those without."""
    query = select(DocumentLabel).where(DocumentLabel.document_id.in_(list(document_ids)))
    found: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for one in session.scalars(query.order_by(DocumentLabel.name)):
        found[one.document_id] += (one.name,)
    return found


def labels(session: Session, visible: ColumnElement[bool]) -> list[tuple[str, int]]:
    """Return the labels of the visible documents with how many carry each, by name."""
    query = (
        select(DocumentLabel.name, func.count())
        .join(DocumentRow, DocumentRow.id == DocumentLabel.document_id)
        .where(visible, DocumentRow.deleted_at.is_(None))
        .group_by(DocumentLabel.name)
        .order_by(DocumentLabel.name)
    )
    return [(name, count) for name, count in session.execute(query)]


def trash(session: Session, row: DocumentRow, when: datetime | None = None) -> None:
    """Put a document into the trash; all it has is kept. What is still to be read is cancelled."""
    jobs.cancel(session, row)
    for request in findings.active(session, row.id):
        jobs.cancel_finding(session, row, request)
    row.deleted_at = row.deleted_at or when or utc_now()
    session.flush()


def restore(session: Session, row: DocumentRow) -> None:
    """Take a document out of the trash."""
    row.deleted_at = None
    session.flush()


def purge(session: Session, row: DocumentRow) -> None:
    """Delete a document with all that was read of it, for good; `retention.sweep` deletes its file a little later."""
    session.execute(
        _insert(session)(UnusedFile).values(sha256=row.sha256, created_at=utc_now()).on_conflict_do_nothing()
    )
    session.execute(delete(DocumentRow).where(DocumentRow.id == row.id).execution_options(synchronize_session=False))
    session.expunge(row)


def clean_name(filename: str) -> str:
    """Return a file name to show and to offer for download: no folders, no control characters, not too long."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(letter for letter in name if letter.isprintable()).strip()
    if len(name) > LONGEST_NAME:
        stem, dot, suffix = name.rpartition(".")
        name = (
            stem[: LONGEST_NAME - len(suffix) - 1] + dot + suffix if dot and len(suffix) < 20 else name[:LONGEST_NAME]
        )
    return name if name.strip(".") else "document"


def _insert(session: Session) -> Any:
    return sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        DocumentRow.deleted_at.is_not(None) if wanted.trash else DocumentRow.deleted_at.is_(None)
    ]
    if wanted.status:
        found.append(DocumentRow.status == wanted.status)
    if wanted.owner_id:
        found.append(DocumentRow.owner_id == wanted.owner_id)
    if wanted.name:
        part = DocumentRow.folded_name.contains(fold(wanted.name), autoescape=True)
        found.append(DocumentRow.id.in_(select(DocumentRow.id).where(part)))  # scans the index alone
    if wanted.label:
        carrying = select(DocumentLabel.document_id).where(DocumentLabel.name == wanted.label)
        found.append(DocumentRow.id.in_(carrying))
    return found


def _items(session: Session, rows: Sequence[DocumentRow]) -> tuple[Item, ...]:
    ids = [row.id for row in rows]
    named, runs = labels_of(session, ids), _newest_runs(session, ids)
    return tuple(_item(row, named[row.id], runs.get(row.id)) for row in rows)


def _item(row: DocumentRow, names: tuple[str, ...], run: Run | None) -> Item:
    if run is None or not run.page_count:
        return Item(row, names, 0, row.page_count or 0)
    return Item(row, names, run.page_count - run.remaining, run.page_count)


def _newest_runs(session: Session, document_ids: Sequence[str]) -> dict[str, Run]:
    """Return the newest run of each document."""
    runs = session.scalars(select(Run).where(Run.document_id.in_(document_ids)).order_by(Run.id))
    return {run.document_id: run for run in runs}
