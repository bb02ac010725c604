"""Products as the benchmarks see them: a worker process each, its answers, and how much memory it took."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil  # type: ignore[import-untyped]

from docproc.document import Cell, Document, Line, Page, Region, Source, Table
from docproc.evaluate.layout import DOCLAYNET
from docproc.evaluate.markdown_tables import parse_tables
from docproc.geometry import Box

WORKER = Path(__file__).with_name("worker.py")
EVERY = 0.05
"""Seconds between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a product said of a file, and the seconds it took inside the worker."""

    seconds: float
    pages: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """All pages' text."""
        return "\n".join(page["text"] for page in self.pages)


class Product:
    """A product in a process of its own. `peak` is the most memory (bytes, RSS of the process tree) so far.

    Memory that processes share is counted once per process.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.peak = 0
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        self.ready = float(self._receive()["ready"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._watch.join()

    def read(self, path: Path) -> Answer:
        """Let the product read a file; raise RuntimeError when its worker ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = self._receive()
        return Answer(answer["seconds"], answer["pages"])

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended; try `echo FILE | python {WORKER.name} {self.name}`")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _look(self) -> None:
        while self._process.poll() is None:
            self.peak = max(self.peak, resident(self._process.pid))
            threading.Event().wait(EVERY)


def resident(pid: int) -> int:
    """Return the memory (RSS, bytes) of a process and all below it; 0 when it has ended."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return total
    return total


def as_document(answer: Answer, path: Path) -> Document:
    """Return an answer as a Document, so that it is scored by the same rules; lines have no place."""
    return Document(Source(path.name, "", "", 0), tuple(_page(page, at) for at, page in enumerate(answer.pages, 1)))


def _page(page: dict[str, Any], number: int) -> Page:
    whole = Box(0, 0, page["width"], page["height"])
    texts = [text for text in page["text"].splitlines() if text.strip()]
    lines = tuple(Line(f"l{at}", text, whole, whole.corners) for at, text in enumerate(texts))
    ids = tuple(line.id for line in lines)
    # One region of no kind that is scored carries the text; the product's own regions follow.
    regions = [Region("r0", "page-header", whole, 0, None, ids)]
    for at, region in enumerate(page.get("regions", ()), 1):
        if region["label"] in DOCLAYNET:
            regions.append(Region(f"r{at}", region["label"], Box.from_list(region["box"]), at))
    tables = [_table(Box.from_list(one["box"]), one["cells"]) for one in page.get("tables", ())]
    # Markdown does not say where a table is: it is taken to fill the page.
    tables += [
        _table(whole, [(c.row, c.column, c.row_span, c.column_span, c.text) for c in found.grid])
        for found in parse_tables(page.get("markdown", ""))
    ]
    return Page(number, whole.right, whole.bottom, lines=lines, regions=tuple(regions), tables=tuple(tables))


def _table(box: Box, cells: Sequence[Sequence[Any]]) -> Table:
    made = tuple(
        Cell(f"c{at}", row, column, row_span, column_span, text, box)
        for at, (row, column, row_span, column_span, text) in enumerate(cells)
    )
    rows = max((cell.row + cell.row_span for cell in made), default=0)
    columns = max((cell.column + cell.column_span for cell in made), default=0)
    return Table("t", box, rows, columns, made)
