"""The searchable PDF as PDF/A-2b (ISO 19005-2), for archives.

Scans and pictures are made to conform by docproc itself; a PDF with text or drawings of its own needs
Ghostscript. A locked original comes out unlocked, as PDF/A knows no encryption.
"""

from __future__ import annotations

from pathlib import Path

from docproc.document import Document
from docproc.exports.pdf import overlay
from docproc.settings import Settings

name = "pdfa"
suffix = ".pdf"
media_type = "application/pdf"


def write(
    document: Document,
    original: Path | None,
    *,
    password: str | None = None,
    settings: Settings | None = None,
) -> bytes:
    """Return the PDF/A; raise as `docproc.exports.pdf.write` does, and Unavailable without Ghostscript."""
    return overlay("pdfa", document, original, password, settings or Settings.from_environment())
