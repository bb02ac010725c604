"""Pages to measure on: drawn by `docproc.synth`, printed, scanned at 200 dpi, in PDFs without any text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pymupdf

from docproc.synth.kinds import draw
from docproc.synth.labels import samples

DPI = 200


@dataclass(frozen=True, slots=True)
class BenchPage:
    """A PDF of one page, and the text that stands on it."""

    path: Path
    text: str


def drawn_pages(folder: Path, count: int, kind: str = "print") -> Iterator[BenchPage]:
    """Write `count` different pages of a kind to `folder`, one file each."""
    for seed in range(count):
        [sample] = samples(draw(kind, seed), "pdf", DPI)
        path = folder / sample.name
        path.write_bytes(sample.data)
        yield BenchPage(path, "\n".join(page.text for page in sample.pages))


def joined(pages: list[BenchPage], count: int, out: Path) -> Path:
    """Write a PDF of `count` pages, which repeat `pages` in turn, each a page of its own; return its path."""
    with ExitStack() as stack, pymupdf.open() as document:
        singles = [stack.enter_context(pymupdf.open(page.path)) for page in pages[:count]]
        for at in range(count):
            document.insert_pdf(
                singles[at % len(singles)], final=False
            )  # keeps what is copied: pictures are stored once
        document.save(out)
    return out
