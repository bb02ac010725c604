"""What a worker keeps at hand between jobs: engines, and the documents it read from last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from docproc.engines.batching import Batching
from docproc.errors import Unavailable
from docproc.intake import Upload
from docproc.pipeline import Reader, ReadOptions
from docproc.promoted import Promoted
from docproc.raster import PageImage
from docproc.settings import Settings
from docproc.store import secret
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.jobs import Claim
from docproc.store.tables import DocumentRow, Run
from docproc.tasks.pages import Model

MOST_OPEN = 12
"""Documents kept open: more than owners between whom a worker changes, and than jobs it does at a time."""
MOST_READERS = 2
"""Sets of models kept loaded, so that documents of two kinds read by turns do not load them for every page."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A document ready to be read with `options`; `files` holds its local copy."""

    upload: Upload
    options: ReadOptions
    files: ExitStack


class Desk:
    """Engines loaded once, documents opened once, for one worker process. Threads may share one."""

    def __init__(self, database: Database, files: Files, settings: Settings) -> None:
        self._database, self._files, self._settings = database, files, settings
        self.loading: Callable[[], AbstractContextManager[None]] = nullcontext
        self._lock = threading.Lock()
        self._vision = Promoted(settings, wrap=_for_threads, loading=lambda: self.loading())  # noqa: PLW0108  (set later)
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._first = Reader(ReadOptions(), settings)
        self._readers = OrderedDict({self._first.options.models: self._first})

    def open(self, held: Claim) -> Opened:
        """Return the document of a job; raise Rejected when it cannot be read, Unavailable when it is missing."""
        with self._lock:
            if held.run_id not in self._open:
                self._open[held.run_id] = self._opened(held)
                while len(self._open) > MOST_OPEN:
                    self._open.popitem(last=False)[1].files.close()
            self._open.move_to_end(held.run_id)
            return self._open[held.run_id]

    def reader(self, options: ReadOptions) -> Reader:
        """Return what reads with `options`, its models loaded; raise Usage or Unavailable when that cannot be."""
        known = self._readers.get(options.models, self._first)
        self._readers[options.models] = reader = known.like(options)
        self._readers.move_to_end(options.models)
        while len(self._readers) > MOST_READERS:
            self._readers.popitem(last=False)
        return reader

    def draw(self, held: Claim, *, rotation: int) -> PageImage:
        """Return the page of a job, upright; raise what `open` does, and EngineFailed when it cannot be drawn."""
        opened, first = self.open(held), self._first
        options = replace(  # drawn as it was read; no engine is loaded for it
            opened.options,
            engine=first.options.engine,
            layout=first.options.layout,
            languages=first.options.languages,
        )
        reader = first.like(options)
        return reader.draw(opened.upload, held.number, rotation=rotation)

    def vision(self) -> AbstractContextManager[Model]:
        """Return the vision model of the settings, in the version promoted now, to be asked within a `with`.

        Entering raises Usage or Unavailable when it cannot be loaded.
        """
        return self._vision.model()

    def close(self) -> None:
        """End the parser process and give up local copies."""
        while self._open:
            self._open.popitem()[1].files.close()
        self._first.close()

    def _opened(self, held: Claim) -> Opened:
        with self._database.read() as session:
            document = session.get_one(DocumentRow, held.document_id)
            run = session.get_one(Run, held.run_id)
        options = self._options(run.options, document.sealed_password)
        with ExitStack() as stack:
            path = stack.enter_context(self._files.local(document.sha256))
            upload = self._first.open(path, password=options.password)
            if upload.sha256 != document.sha256:
                raise Unavailable("The stored file is damaged.", hint="Restore it from a backup.", code="damaged")
            return Opened(upload, options, stack.pop_all())

    def _options(self, values: dict[str, Any], sealed: bytes | None) -> ReadOptions:
        values = {**values, "languages": tuple(values.get("languages", ()))}
        return ReadOptions(**values, password=secret.unseal(self._settings, sealed) if sealed else None)


def _for_threads(model: Model) -> Model:
    """Return the model with an engine that many threads may ask at a time."""
    many = getattr(model.engine, "concurrent", False)
    return model if many else replace(model, engine=Batching(model.engine))
