"""What a worker keeps at hand between jobs: engines, and the documents it read from last."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from docproc.errors import Unavailable
from docproc.intake import Upload
from docproc.pipeline import Reader, ReadOptions
from docproc.settings import Settings
from docproc.store import secret
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.jobs import Claim
from docproc.store.tables import DocumentRow, Run

MOST_OPEN = 4
"""Documents kept open: more than owners between whom a worker changes, most of the time."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A document ready to be read, and what reads it; `files` holds its local copy."""

    upload: Upload
    reader: Reader
    files: ExitStack


class Desk:
    """Engines loaded once, documents opened once, for one worker process."""

    def __init__(self, database: Database, files: Files, settings: Settings) -> None:
        self._database, self._files, self._settings = database, files, settings
        self._reader = Reader(ReadOptions(), settings)
        self._open: OrderedDict[str, Opened] = OrderedDict()

    def open(self, held: Claim) -> Opened:
        """Return the document of a job; raise Rejected when it cannot be read, Unavailable when it is missing."""
        if held.run_id not in self._open:
            self._open[held.run_id] = self._opened(held)
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)[1].files.close()
        self._open.move_to_end(held.run_id)
        return self._open[held.run_id]

    def close(self) -> None:
        """End the parser process and give up local copies."""
        while self._open:
            self._open.popitem()[1].files.close()
        self._reader.close()

    def _opened(self, held: Claim) -> Opened:
        with self._database.read() as session:
            document = session.get_one(DocumentRow, held.document_id)
            run = session.get_one(Run, held.run_id)
        options = self._options(run.options, document.sealed_password)
        with ExitStack() as stack:
            path = stack.enter_context(self._files.local(document.sha256))
            reader = self._reader = self._reader.like(options)
            upload = reader.open(path)
            if upload.sha256 != document.sha256:
                raise Unavailable("The stored file is damaged.", hint="Restore it from a backup.", code="damaged")
            return Opened(upload, reader, stack.pop_all())

    def _options(self, values: dict[str, Any], sealed: bytes | None) -> ReadOptions:
        values = {**values, "languages": tuple(values.get("languages", ()))}
        return ReadOptions(**values, password=secret.unseal(self._settings, sealed) if sealed else None)
