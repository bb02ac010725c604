"""What vision models are asked about the pages of a document, and what they find there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Response, url_for
from pydantic import BaseModel, ConfigDict, Field, model_validator

from docproc.errors import Unavailable
from docproc.settings import Settings
from docproc.store import access, audit, findings, jobs, uploads
from docproc.store.findings import MOST_PAGES, Asked, Wanted
from docproc.store.tables import DocumentStatus
from web import auth, context
from web.api import api
from web.api.models import MOST_PAGES as HIGHEST
from web.api.models import PRIORITIES, DocumentPath, answer
from worker.queue import announce

blueprint = api(
    "findings", "Tasks for vision models: captions, things with boxes and masks, answers on single pages."
)

TASK_NAMES = Literal["ocr", "answer", "caption", "describe", "detect", "segment", "refer", "table", "question"]
Side = Annotated[float, Field(ge=0, le=100_000)]


LONGEST_PROMPT = 2_000
"""Characters; what `docproc.tasks.grammar` takes."""


class FindingPath(DocumentPath):
    """A request about a document."""

    request_id: str = Field(max_length=64)


class Task(BaseModel):
    """What is asked, and of which pages."""

    model_config = ConfigDict(extra="forbid")

    task: TASK_NAMES
    prompt: str = Field(
        "", max_length=LONGEST_PROMPT, description="Things apart by `;`, a description, or a question"
    )
    pages: list[Annotated[int, Field(ge=1, le=HIGHEST)]] = Field(
        [], max_length=MOST_PAGES, description="Page numbers; none: all that are read"
    )
    language: str = Field("en", max_length=3, description="Of captions and descriptions")
    box: list[Side] | None = Field(
        None, min_length=4, max_length=4, description="Only this part: [left, top, right, bottom] in points"
    )
    choices: list[Annotated[str, Field(max_length=200)]] = Field([], max_length=20, description="Of an answer")
    priority: Literal["interactive", "bulk"] = Field("interactive", description="bulk waits for interactive")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Task:
        from docproc.tasks import TASKS  # noqa: PLC0415  (OpenCV: nothing that the web process needs to start)
        from docproc.tasks.grammar import LANGUAGES, clean, things  # noqa: PLC0415

        needs = TASKS[self.task].needs
        self.prompt = clean(self.prompt)
        if needs and not (things(self.prompt) if needs == "things" else self.prompt):
            raise ValueError(f"the task {self.task} needs {needs} in `prompt`")
        if self.language not in LANGUAGES:
            raise ValueError(f"there is no language {self.language!r}; there are {', '.join(LANGUAGES)}")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("the box has no area")
        return self

    def wanted(self) -> Wanted:
        """Return what the store keeps."""
        more = self.model_dump(include={"language", "box", "choices"}, exclude_defaults=True)
        return Wanted(self.task, self.prompt, self.pages, more)


class PageProblem(BaseModel):
    """Why nothing could be found on a page."""

    page: int
    code: str
    message: str
    hint: str


class FindingEntry(BaseModel):
    """A request, how far it is, and what it found."""

    id: str
    status: DocumentStatus
    task: str
    prompt: str
    pages: list[int]
    waiting: list[int] = Field(description="Pages that are not looked at yet")
    options: dict[str, Any]
    engine: str = Field(description="Name and version of what answered")
    invalid: int = Field(description="Objects the model wrote that make no sense")
    unfinished: int = Field(description="Answers that were cut short")
    problems: list[PageProblem]
    findings: list[dict[str, Any]] = Field(description="As in the JSON of readings; `run` is the id of the request")
    user_id: str
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, asked: Asked) -> FindingEntry:
        """Return the entry of a request of the store."""
        row = asked.row
        return cls(
            id=row.id,
            status=row.status,
            task=row.task,
            prompt=row.prompt,
            pages=row.options["pages"],
            options={name: value for name, value in row.options.items() if name != "pages"},
            engine=row.engine or "",
            findings=[dict(one) for one in asked.findings],
            user_id=row.user_id,
            created_at=row.created_at,
            finished_at=row.finished_at,
            **row.state,
        )


class FindingEntries(BaseModel):
    """Requests, newest first."""

    items: list[FindingEntry]
    next: str | None = Field(description="Where to go on, as `after`; null at the end")


class ListQuery(BaseModel):
    """What to list."""

    after: str | None = Field(None, max_length=64, description="The `next` of the list before")
    limit: int = Field(20, ge=1, le=100)


def require_model(settings: Settings) -> None:
    """Raise Unavailable where nobody could answer."""
    if not settings.vision_model:
        raise Unavailable(
            "This service has no vision model.",
            hint="Set DOCPROC_VISION_MODEL and start `docproc worker --queues gpu`.",
            code="no-vision-model",
        )


@blueprint.post("/documents/<document_id>/findings", responses={"202": FindingEntry})
def ask(path: DocumentPath, body: Task) -> Response:
    """Ask the vision model of this service about pages; they are looked at in the background.

    `Location` says where to look, the event `findings` of `.../events` tells how it goes on.
    """
    who, here = auth.current(), context()
    with here.database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        require_model(here.settings)
        uploads.require_room(session, who.user_id, here.settings.max_queued_pages)
        request = jobs.find(session, row, who.user_id, body.wanted(), PRIORITIES[body.priority])
        audit.note(session, who, "document.find", row.id, address=auth.address(), details={"task": body.task})
        entry = FindingEntry.of(Asked(request))
    announce(here.settings, "gpu")
    there = url_for("findings.detail", document_id=path.document_id, request_id=entry.id)
    return answer(entry, 202, {"Location": there})


@blueprint.get("/documents/<document_id>/findings", responses={"200": FindingEntries})
def listing(path: DocumentPath, query: ListQuery) -> Response:
    """List what was asked and found, newest first."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        found, after = findings.listing(session, row, after=query.after, limit=query.limit)
        return answer(FindingEntries(items=[FindingEntry.of(one) for one in found], next=after))


@blueprint.get("/documents/<document_id>/findings/<request_id>", responses={"200": FindingEntry})
def detail(path: FindingPath) -> Response:
    """Say how far a request is, and what it found."""
    with context().database.read() as session:
        row = access.document(session, auth.current(), path.document_id, "read")
        return answer(FindingEntry.of(findings.get(session, row, path.request_id)))


@blueprint.post("/documents/<document_id>/findings/<request_id>/cancel", responses={"200": FindingEntry})
def cancel(path: FindingPath) -> Response:
    """Stop a request; what it found stays."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        asked = findings.get(session, row, path.request_id)
        jobs.cancel_finding(session, row, asked.row)
        audit.note(session, who, "document.find-cancel", row.id, address=auth.address())
        return answer(FindingEntry.of(asked))


@blueprint.delete("/documents/<document_id>/findings/<request_id>", responses={"204": None})
def delete(path: FindingPath) -> Response:
    """Forget a request and what it found."""
    who = auth.current()
    with context().database.write() as session:
        row = access.document(session, who, path.document_id, "write")
        asked = findings.get(session, row, path.request_id)
        jobs.cancel_finding(session, row, asked.row)
        findings.delete(session, row, asked.row)
        audit.note(session, who, "document.find-delete", row.id, address=auth.address())
    return Response(status=204)
