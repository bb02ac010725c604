"""POST /documents: a file comes in, and is in the queue."""

from __future__ import annotations

from typing import Any, BinaryIO, Literal

from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, Field, field_validator

from docproc.errors import Rejected
from docproc.intake import accepted_type
from docproc.store import audit, secret, uploads
from docproc.store.documents import Incoming
from docproc.store.files import Stored
from docproc.store.uploads import Received
from web import auth, context
from web.api import api
from web.api.models import Accepted, ReadingOptions, answer
from web.multipart import read_form
from worker.queue import announce

blueprint = api("upload", "Documents are handed in.")
LISTS = frozenset({"languages", "labels"})


class UploadFields(ReadingOptions):
    """The other fields of the form. Lists are one field with commas, or the field several times."""

    password: str | None = Field(None, max_length=1000, description="Password of an encrypted PDF")
    labels: list[str] = Field([], max_length=20, description="Labels to put on the document")

    @field_validator(*LISTS, mode="before")
    @classmethod
    def _split(cls, value: list[str]) -> list[str]:
        return [part.strip() for text in value for part in text.split(",") if part.strip()]


class UploadQuery(BaseModel):
    """What to do with bytes that are here already."""

    duplicate: Literal["allow"] | None = Field(None, description="`allow` makes a second document of the same bytes")


class UploadHeader(BaseModel):
    """What makes sending again harmless."""

    model_config = ConfigDict(populate_by_name=True)

    idempotency_key: str | None = Field(
        None, alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"
    )


def _form_schema() -> dict[str, Any]:
    schema = UploadFields.model_json_schema()
    schema["properties"] = {"file": {"type": "string", "format": "binary"}, **schema["properties"]}
    schema["required"] = ["file"]
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


@blueprint.post(
    "/documents",
    responses={"202": Accepted, "200": Accepted},
    openapi_extensions={"requestBody": _form_schema()},
)
def upload(query: UploadQuery, header: UploadHeader) -> Response:
    """Hand in a document.

    It is read in the background: `Location` says where to look, `.../events` tells how it goes on. The same
    bytes again give the document that is here (200) instead of a new one (202).
    """
    who, here = auth.current(), context()
    with here.database.read() as session:
        uploads.require_room(session, who.user_id, here.settings.max_queued_pages)
    received = _receive()
    duplicate = query.duplicate == "allow"
    with here.database.write() as session:
        row, created = uploads.add(session, who, received, key=header.idempotency_key, duplicate=duplicate)
        if created:
            audit.note(session, who, "document.upload", row.id, address=auth.address())
    if created:
        announce(here.settings)
    accepted = Accepted(id=row.id, status=row.status, duplicate=not created)
    return answer(accepted, 202 if created else 200, {"Location": url_for("documents.detail", document_id=row.id)})


def _receive() -> Received:
    """Keep the file that is being sent, and return it with what the client says of it."""
    form = read_form(request, _keep)
    values = {name: texts if name in LISTS else texts[-1] for name, texts in form.fields.items() if any(texts)}
    values.pop("csrf_token", None)
    fields = UploadFields.model_validate(values)
    stored, filename, media_type = form.file
    incoming = Incoming(
        filename=filename,
        media_type=media_type,
        options=fields.of_run(),
        priority=fields.rank,
        sealed_password=secret.seal(context().settings, fields.password) if fields.password else None,
    )
    print_ = uploads.fingerprint(stored.sha256, {"filename": filename, **fields.model_dump()})
    return Received(stored, incoming, tuple(fields.labels), print_)


def _keep(stream: BinaryIO, filename: str, head: bytes) -> tuple[Stored, str, str]:
    if not head:
        raise Rejected("The file is empty.", hint="Was it saved before it was sent?", code="empty")
    media_type = accepted_type(head)
    here = context()
    return here.files.put(stream, limit=here.settings.max_bytes), filename, media_type
