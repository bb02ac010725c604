"""Documents, what was read on their pages, and what people said of it."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Double, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from docproc.store.tables.base import (
    INTERACTIVE,
    DocumentStatus,
    PageStatus,
    Table,
    new_id,
    utc_now,
)


def fold(name: str) -> str:
    """Return `name` without case and accents: what people type who look for it."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _folded_name(context: Any) -> str:
    return fold(str(context.get_current_parameters()["filename"]))


class DocumentRow(Table):
    """A document somebody handed in. `sha256` names its file; `run_id` the run whose readings are shown."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_owner_id_id", "owner_id", "id"),
        Index("ix_documents_owner_id_sha256", "owner_id", "sha256"),
        Index("ix_documents_sha256", "sha256"),
        Index("ix_documents_status_id", "status", "id"),
        Index("ix_documents_folded_name_id", "folded_name", "id"),
        Index("ix_documents_created_at", "created_at"),
        Index("ix_documents_size_id", "size", "id"),
        Index("ix_documents_errors_id", "errors", "id"),
        Index("ix_documents_public_id", "id", sqlite_where=text("public = 1"), postgresql_where=text("public")),
        Index(  # only what is in the trash: as a whole it would lure the planner, as nearly all rows have NULL
            "ix_documents_deleted_at",
            "deleted_at",
            sqlite_where=text("deleted_at IS NOT NULL"),
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    filename: Mapped[str]
    folded_name: Mapped[str] = mapped_column(default=_folded_name)
    """The file name without case and accents, to look for parts of it."""
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes of the file."""
    sealed_password: Mapped[bytes | None]
    """Password of an encrypted PDF, encrypted with the installation's secret key (`store.secret`)."""
    page_count: Mapped[int | None]
    """None until intake has counted them."""
    errors: Mapped[float] = mapped_column(Double, default=0.0, server_default="0")
    """Errors to be expected on the pages that are read (`page_doubts` of the run shown)."""
    status: Mapped[DocumentStatus] = mapped_column(default="queued")
    problem: Mapped[dict[str, Any] | None]
    """Why it was rejected or failed: code, message, hint."""
    public: Mapped[bool] = mapped_column(default=False)
    """Whether every user may read it."""
    run_id: Mapped[str | None]
    sequence: Mapped[int] = mapped_column(default=0)
    """Number of its newest event."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)
    deleted_at: Mapped[datetime | None]
    """When it was put into the trash."""


class UnusedFile(Table):
    """A file whose document was deleted for good; it goes once it is sure that no other document refers to it."""

    __tablename__ = "unused_files"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DocumentLabel(Table):
    """A label on a document."""

    __tablename__ = "document_labels"
    __table_args__ = (Index("ix_document_labels_name_document_id", "name", "document_id"),)

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class Share(Table):
    """One user who may read a document of another, and change it when `may_write`."""

    __tablename__ = "shares"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    may_write: Mapped[bool] = mapped_column(default=False)


class Run(Table):
    """One reading of a document: with what, how, when. Its output can be made again from this row."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    status: Mapped[DocumentStatus] = mapped_column(default="queued")
    options: Mapped[dict[str, Any]]
    """`docproc.pipeline.ReadOptions` without the password."""
    engines: Mapped[dict[str, Any] | None]
    """Role (ocr, layout) -> `name version`, of the engines that read it."""
    version: Mapped[str | None]
    """Version of docproc that read it."""
    priority: Mapped[int] = mapped_column(default=INTERACTIVE)
    page_count: Mapped[int] = mapped_column(default=0)
    remaining: Mapped[int] = mapped_column(default=0)
    """Pages neither done nor failed; the one that brings it to 0 queues the finish job."""
    timings: Mapped[dict[str, Any] | None]
    """Stage (open, draw, read, layout, finish) -> seconds over all pages."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class PageRow(Table):
    """One page in one run: how far it is, and why it failed."""

    __tablename__ = "pages"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[PageStatus] = mapped_column(default="queued")
    width: Mapped[float | None]
    """Points of the upright page, None until it is read."""
    height: Mapped[float | None]
    problem: Mapped[dict[str, Any] | None]
    attempts: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float | None]
    revision: Mapped[int] = mapped_column(default=0)
    """Counts corrections and undos."""
    found: Mapped[int] = mapped_column(default=0, server_default="0")
    """Counts changes of what models found on it; the ETag of the page is made of run, revision and this."""
    updated_at: Mapped[datetime] = mapped_column(default=utc_now)


class Reading(Table):
    """What was read on one page in one run: the page's JSON (see `docproc.exports.json`), compressed."""

    __tablename__ = "readings"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]


class CorrectionRow(Table):
    """One operation of a person on top of a page as read; kept when undone, and when it finds no place any more."""

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_document_id_number", "document_id", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    run_id: Mapped[str]
    """The run whose ids the operation speaks of."""
    number: Mapped[int]
    batch: Mapped[str]
    """Operations sent together, undone together."""
    position: Mapped[int]
    """Place within the batch, from 0."""
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    operation: Mapped[dict[str, Any]]
    anchor: Mapped[dict[str, Any] | None]
    """What it was done to (text, box), by which it finds its place in a newer run."""
    placed: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    undone_at: Mapped[datetime | None]


class FindingRequest(Table):
    """A task that a vision model is asked to do on some pages of a document; what it finds is in `findings`."""

    __tablename__ = "finding_requests"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    task: Mapped[str] = mapped_column(String(32))
    prompt: Mapped[str]
    """What the user asked about; how the model was prompted stands in the findings."""
    options: Mapped[dict[str, Any]]
    """`pages` (numbers) and, where given, `language`, `box`, `choices`."""
    state: Mapped[dict[str, Any]]
    """`waiting` (numbers of pages), `problems` (page, code, message, hint), counts of `invalid`, `unfinished`."""
    status: Mapped[DocumentStatus] = mapped_column(default="queued")
    engine: Mapped[str | None]
    """Name and version of what answered."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


class FindingRow(Table):
    """What a prompt task found on a page."""

    __tablename__ = "findings"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    request_id: Mapped[str | None] = mapped_column(ForeignKey("finding_requests.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[str]
    """The reading that said which way is up."""
    number: Mapped[int]
    task: Mapped[str]
    prompt: Mapped[str]
    data: Mapped[dict[str, Any]]
    """The finding as `docproc.exports.json` writes it."""
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class AnswerRow(Table):
    """A question and its answer; `document_id` is None when all documents were asked."""

    __tablename__ = "answers"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    document_id: Mapped[str | None] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    question: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class AnswerVerdict(Table):
    """What a user said of an answer. `confidence` is what the answer was given with, before any calibration."""

    __tablename__ = "answer_verdicts"

    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    confidence: Mapped[float] = mapped_column(Double)
    right: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)
