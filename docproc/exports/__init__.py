"""Exports: one file per format, all of the same shape. Nothing here reads pixels or models.

Each module is itself the export: it has `name`, `suffix`, `media_type` and `write`. What one format alone
needs and is slow to import (docling-core) is imported when it is written, not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from docproc.document import Document
from docproc.exports import alto, docling, hocr, json, markdown, page_xml, pdf, pdfa, text
from docproc.settings import Settings


class Export(Protocol):
    """A format. `suffix` begins with a dot; two formats may share one."""

    @property
    def name(self) -> str:
        """What `--format` and `/exports/{format}` call it."""
        ...

    @property
    def suffix(self) -> str:
        """How names of its files end, with the dot."""
        ...

    @property
    def media_type(self) -> str:
        """The media type of what `write` returns."""
        ...

    def write(
        self,
        document: Document,
        original: Path | None,
        *,
        password: str | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        """Return the whole file.

        Only the PDFs need `original`, the file that was read, its `password`, and the limits of `settings`, which
        are those of the environment where not given.

        Raises Unavailable when something it needs (the original, an extra, a program) is not here.
        """
        ...


EXPORTS: dict[str, Export] = {
    export.name: export for export in (text, markdown, json, hocr, alto, page_xml, pdf, pdfa, docling)
}
"""Name -> export, in the order menus show them."""
