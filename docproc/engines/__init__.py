"""Engines read pixels. One file each, one line in `ENGINES`; nothing here imports a model at import time.

Never import Flask, Celery or SQLAlchemy here. A batch goes in, one result per input comes out in the same order;
a blank page gives an empty list; failure raises `EngineFailed`; no state is kept between calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast, runtime_checkable

from docproc.document import Line, Region, Table
from docproc.errors import Usage
from docproc.raster import PageImage
from docproc.settings import Settings


@runtime_checkable
class OcrEngine(Protocol):
    """Reads text.

    `whole_side` is the longest side (pixels) up to which it reads a page best in one piece; `alphabet` the
    characters it can tell apart, empty when unknown.
    """

    name: str
    version: str
    whole_side: int
    alphabet: frozenset[str]

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        """Return the lines of each image, on page coordinates; ids are given later by the pipeline."""
        ...


@runtime_checkable
class LayoutEngine(Protocol):
    """Finds regions and tables on an upright page whose lines are known."""

    name: str
    version: str

    def analyze(self, image: PageImage, lines: Sequence[Line]) -> tuple[list[Region], list[Table]]:
        """Return regions (without lines and order) and tables of the page.

        Table cells carry the text of the lines inside them; a table's `region_id` is the id of its region.
        """
        ...


ENGINES: dict[str, str] = {
    "rapid": "docproc.engines.rapid:RapidEngine",
    "pdf-layout": "docproc.engines.pdf_layout:PdfLayoutEngine",
    "fake": "docproc.engines.fake:FakeEngine",
}
"""Name -> `module:class`. The class takes the Settings."""


def load(name: str, settings: Settings) -> OcrEngine | LayoutEngine:
    """Return the engine called `name`, its models loaded; raise Usage for an unknown name."""
    try:
        module, _, attribute = ENGINES[name].partition(":")
    except KeyError:
        raise Usage(f"There is no engine called {name!r}.", hint=f"Engines: {', '.join(ENGINES)}.") from None
    return cast("OcrEngine | LayoutEngine", getattr(import_module(module), attribute)(settings))
