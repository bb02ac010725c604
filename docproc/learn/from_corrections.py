"""Examples from what people corrected or approved in the documents of a data folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from docproc.document import Line
from docproc.errors import DocprocError
from docproc.intake import Upload, open_upload
from docproc.learn.dataset import Example
from docproc.learn.examples import Known, Plan, examples_of, kept
from docproc.learn.splits import named
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.store import secret
from docproc.store.database import Database
from docproc.store.files import Files
from docproc.store.learning import Taught, taught
from docproc.store.reviews import DOUBT_BELOW
from docproc.store.tables import DocumentRow, Run
from docproc.synth.asked import Asked


def examples(
    database: Database, settings: Settings, folder: Path, plan: Plan, owners: Collection[str] = ()
) -> Iterator[tuple[list[Example], str]]:
    """Yield the examples of each page that people corrected or approved, and why there are none where it failed.

    A line is learned when somebody corrected a word of it or approved the page, and no other word of it is doubtful;
    a window when all its lines may be; layout and tables when they were corrected or the page was approved; labels
    whose value was corrected become questions. `owners` are names; none: everybody's documents.
    """
    with database.read() as session, ExitStack() as stack:
        opened = _Opened(settings, stack.enter_context(Sandbox(settings)), Files(settings), stack)
        for one in taught(session, owners):
            try:
                yield _examples(one, opened, folder, plan), ""
            except DocprocError as error:  # one page that cannot be drawn any more costs itself alone
                yield [], f"{one.document.filename}, page {one.page.number}: {error}"


class _Opened:
    """The file that pages are being drawn from: the last one that was asked for."""

    def __init__(self, settings: Settings, sandbox: Sandbox, files: Files, stack: ExitStack) -> None:
        self._settings, self._sandbox, self._files, self._stack = settings, sandbox, files, stack
        self._upload: tuple[str, Upload] | None = None

    def draw(self, document: DocumentRow, run: Run, number: int, rotation: int) -> PageImage:
        """Return a page as it was drawn when it was read, upright."""
        if self._upload is None or self._upload[0] != document.sha256:
            path = self._stack.enter_context(self._files.local(document.sha256))
            sealed = document.sealed_password
            password = secret.unseal(self._settings, sealed) if sealed else None
            upload = open_upload(path, self._sandbox, password=password, settings=self._settings)
            self._upload = document.sha256, upload
        options: dict[str, Any] = {name: run.options[name] for name in ("dpi", "rasterizer") if name in run.options}
        drawn = rasterize(self._upload[1], number, self._sandbox, settings=self._settings, **options)
        return replace(drawn.image, pixels=np.ascontiguousarray(np.rot90(drawn.image.pixels, -rotation // 90)))


def _examples(one: Taught, opened: _Opened, folder: Path, plan: Plan) -> list[Example]:
    page, name = one.page, named(one.document.sha256)
    image = opened.draw(one.document, one.run, page.number, page.rotation)
    sure = [line for line in page.lines if one.approved or _is_sure(line, one.touched)]
    known = Known(
        image=image,
        page=page,
        asked=_asked(one),
        sure_lines=frozenset(line.id for line in sure),
        sure_tables=None if one.approved else one.tables,
        focus=None if one.approved else frozenset(line.id for line in sure if line.id in one.touched),
        layout=one.layout or one.approved,
    )
    random = Random(f"examples/{name}/{page.number}")  # noqa: S311  (no secret)
    made = examples_of(known, plan, random)
    return [kept(example, folder, document=name, kind=one.label, source="correction") for example in made]


def _is_sure(line: Line, touched: Collection[str]) -> bool:
    """Say whether every word of a line was corrected, or is one that reviewers are not sent to look at."""
    return all(word.id in touched or word.confidence is None or word.confidence >= DOUBT_BELOW for word in line.words)


def _asked(one: Taught) -> Sequence[Asked]:
    """Return a question for each label whose value somebody corrected or approved."""
    return [
        Asked(f"What is the {pair.key.strip(' :.')}?", (pair.value,), pair.value_word_ids, "text")
        for pair in one.page.key_values
        if pair.value and pair.value_word_ids and (one.approved or set(pair.value_word_ids) & one.touched)
    ]
