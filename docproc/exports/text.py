"""Plain text in reading order; pages are parted by a form feed, as pdftotext does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docproc.document import Document

name = "text"
suffix = ".txt"
media_type = "text/plain; charset=utf-8"


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the text as UTF-8. A lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return (document.text + "\n").encode("utf-8", "replace") if document.text else b""
