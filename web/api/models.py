"""What the documents part of the API takes and gives, as the OpenAPI document shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from docproc.store.documents import Item, Status
from docproc.store.tables import (
    BULK,
    INTERACTIVE,
    DocumentRow,
    DocumentStatus,
    PageRow,
    PageStatus,
    Run,
)

MOST_PAGES = 1_000_000
"""Above every page number there is; keeps what is asked for within the integers of the databases."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
PRIORITIES = {"interactive": INTERACTIVE, "bulk": BULK}


class DocumentPath(BaseModel):
    """A document."""

    document_id: str = Field(max_length=64)


class PagePath(DocumentPath):
    """A page of a document."""

    number: int = Field(ge=1, le=MOST_PAGES, description="Counts from 1")


class Source(BaseModel):
    """The file as it was handed in."""

    filename: str
    sha256: str
    media_type: str
    bytes: int


class Progress(BaseModel):
    """How much of a document is read."""

    pages: int
    finished: int = Field(description="Pages that are done or have failed")
    fraction: float = Field(description="0-1; 1 exactly when nothing is left to do")


class PageProgress(Progress):
    """How much of a document is read, page by page."""

    done: int
    failed: int


class Trouble(BaseModel):
    """Why a page or a document could not be read, and what to do about it."""

    code: str = ""
    message: str = ""
    hint: str = ""


class PageState(BaseModel):
    """How far a page is. Width and height are points of the upright page, null until it is read."""

    number: int
    status: PageStatus
    width: float | None
    height: float | None
    revision: int = Field(description="Counts corrections")
    problem: Trouble | None

    @classmethod
    def of(cls, row: PageRow) -> Self:
        """Return the state of the page in `row`."""
        return cls(
            number=row.number,
            status=row.status,
            width=row.width,
            height=row.height,
            revision=row.revision,
            problem=_trouble(row.problem),
        )


class Entry(BaseModel):
    """A document in a list."""

    id: str
    status: DocumentStatus
    progress: Progress
    source: Source
    owner_id: str
    public: bool
    labels: list[str]
    problem: Trouble | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @classmethod
    def of(cls, item: Item) -> Self:
        """Return the entry of a document of the store."""
        done = item.row.status not in {"queued", "running"}
        fraction = 1.0 if done else min(0.99, item.finished / item.pages) if item.pages else 0.0
        progress = Progress(pages=item.pages, finished=item.finished, fraction=fraction)
        return cls(progress=progress, labels=list(item.labels), **_facts(item.row))


class Detail(Entry):
    """A document with its pages."""

    progress: PageProgress
    run: str | None = Field(description="The reading that is shown")
    engines: dict[str, str] = Field(description="Role (ocr, layout) to name and version of what read it")
    options: dict[str, Any] = Field(description="How it is read")
    pages: list[PageState]

    @classmethod
    def of_status(cls, status: Status) -> Self:
        """Return the detail of a document of the store."""
        run = status.run
        return cls(
            progress=_progress(status),
            labels=list(status.labels),
            run=run.id if run else None,
            engines=(run.engines or {}) if run else {},
            options=run.options if run else {},
            pages=[PageState.of(page) for page in status.pages],
            **_facts(status.row),
        )


class Entries(BaseModel):
    """Some documents, newest first."""

    items: list[Entry]
    next: str | None = Field(description="Where to go on, as `after`; null at the end")


class Accepted(BaseModel):
    """What became of an upload."""

    id: str
    status: DocumentStatus
    duplicate: bool = Field(description="Whether the same bytes were here already: that document is this one")


class RunEntry(BaseModel):
    """One reading of a document: with what, how, when."""

    id: str
    status: DocumentStatus
    shown: bool = Field(description="Whether its readings are the ones that are shown")
    options: dict[str, Any]
    engines: dict[str, str]
    version: str | None
    pages: int
    remaining: int
    timings: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, run: Run, row: DocumentRow) -> Self:
        """Return the entry of a run of the document in `row`."""
        return cls(
            id=run.id,
            status=run.status,
            shown=run.id == row.run_id,
            options=run.options,
            engines=run.engines or {},
            version=run.version,
            pages=run.page_count,
            remaining=run.remaining,
            timings=run.timings or {},
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
        )


class Runs(BaseModel):
    """All readings of a document, newest first."""

    items: list[RunEntry]


class ReadingOptions(BaseModel):
    """How to read. What is left out is chosen by docproc."""

    model_config = ConfigDict(extra="forbid")

    engine: Name | None = Field(None, description="What reads the text")
    dpi: int | None = Field(None, ge=36, le=1200, description="Reading resolution")
    languages: list[Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]] = Field(
        [], max_length=20, description="ISO 639-1 codes of what to expect"
    )
    text_layer: Literal["auto", "always", "never"] | None = Field(
        None, description="Use a PDF's own text: where it matches what is visible, always, or never"
    )
    rasterizer: Literal["auto", "pymupdf", "poppler"] | None = Field(None, description="What draws the pages of PDFs")
    priority: Literal["interactive", "bulk"] = Field("interactive", description="bulk waits for interactive")

    def of_run(self) -> dict[str, Any]:
        """Return the options as a run keeps them: only what was chosen."""
        return self.model_dump(include=set(ReadingOptions.model_fields) - {"priority"}, exclude_defaults=True)

    @property
    def rank(self) -> int:
        """The priority as the queue counts it."""
        return PRIORITIES[self.priority]


def answer(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `model` as a JSON response."""
    return Response(model.model_dump_json(), status, headers, mimetype="application/json")


def _progress(status: Status) -> PageProgress:
    states = [page.status for page in status.pages]
    done, failed = states.count("done"), states.count("failed")
    pages = len(states) or status.row.page_count or 0
    return PageProgress(pages=pages, finished=done + failed, done=done, failed=failed, fraction=status.progress)


def _facts(row: DocumentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "source": Source(filename=row.filename, sha256=row.sha256, media_type=row.media_type, bytes=row.size),
        "owner_id": row.owner_id,
        "public": row.public,
        "problem": _trouble(row.problem),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "deleted_at": row.deleted_at,
    }


def _trouble(value: dict[str, Any] | None) -> Trouble | None:
    return Trouble.model_validate(value) if value else None
