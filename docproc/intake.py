"""From a file that somebody hands in to an `Upload` that can be read: type, hash, pages, within the limits.

The type is found from the first bytes, never the name. Opening happens in the sandbox; scripts, attachments
and links of a PDF are never looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docproc.errors import EngineFailed, Rejected, Unavailable
from docproc.sandbox import Sandbox
from docproc.settings import Settings

PDF = "application/pdf"
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/tiff": "TIFF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
    "image/gif": "GIF",
}
"""Media type of an image -> Pillow's name of its format."""
ACCEPTED = "PDF, PNG, JPEG, TIFF, WebP, BMP and GIF are accepted."
HEAD = 1024
"""Bytes in which a PDF's header may start (PDF 32000-1, implementation note 13 to annex H)."""
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),  # BigTIFF
    (b"MM\x00+", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "PostScript"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"8BPS", "a Photoshop image"),
    (b"<", "HTML or XML"),
)
"""What people hand in most often by mistake; anything else is just not one of ours."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that can be read. `pages` is their count, `bytes` the size, `sha256` in hex."""

    path: Path
    filename: str
    sha256: str
    media_type: str
    bytes: int
    pages: int
    password: str | None = field(default=None, repr=False)


def open_upload(path: Path, sandbox: Sandbox, *, password: str | None = None, settings: Settings) -> Upload:
    """Return the file at `path` as an Upload.

    Raises Rejected for what is no file, empty, of another type, broken or over a limit, and with the code
    `password` when it needs one or another one.
    """
    size = _size(path, settings)
    media_type = _sniffed(path)
    values = _opened(str(path.absolute()), media_type, sandbox, password, settings)
    pages = _within_limits(values, settings)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Upload(path.absolute(), path.name, sha256, media_type, size, pages, password)


def media_type_of(head: bytes) -> str | None:
    """Return the media type of a file that begins with `head` (1024 bytes), None when it is not accepted."""
    for magic, media_type in MAGIC:
        if head.startswith(magic):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if any(head.startswith(magic) for magic, _ in FOREIGN[:3]):
        return None
    return PDF if b"%PDF-" in head[:HEAD] else None


def accepted_type(head: bytes) -> str:
    """Return the media type of a file that begins with `head`; raise Rejected (`media-type`), naming what it is."""
    media_type = media_type_of(head)
    if media_type is None:
        known = next((what for magic, what in FOREIGN if head.startswith(magic)), "not a PDF or an image we read")
        raise Rejected(f"The file is {known}.", hint=ACCEPTED, code="media-type")
    return media_type


def _size(path: Path, settings: Settings) -> int:
    try:
        status = path.stat()
    except OSError as error:
        raise Rejected(f"The file cannot be read: {error.strerror}.", code="unreadable") from None
    if not stat.S_ISREG(status.st_mode):
        raise Rejected("That is not a file.", code="unreadable")
    if status.st_size == 0:
        raise Rejected("The file is empty.", code="empty")
    if status.st_size > settings.max_bytes:
        raise Rejected(
            f"The file has {status.st_size:,} bytes; the limit is {settings.max_bytes:,}.",
            hint="DOCPROC_MAX_BYTES raises it.",
            code="too-large",
        )
    return status.st_size


def _sniffed(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise Rejected(f"The file cannot be read: {error.strerror}.", code="unreadable") from None
    return accepted_type(head)


def _opened(
    where: str, media_type: str, sandbox: Sandbox, password: str | None, settings: Settings
) -> Mapping[str, Any]:
    if media_type == PDF:
        return _opened_pdf({"path": where, "password": password}, sandbox, settings)
    limits = {"max_pages": settings.max_pages, "max_pixels": settings.max_pixels}
    return _asked("image-open", {"path": where, "kind": FORMATS[media_type], **limits}, sandbox, settings)


def _opened_pdf(arguments: Mapping[str, Any], sandbox: Sandbox, settings: Settings) -> Mapping[str, Any]:
    try:
        return _asked("pdf-open", arguments, sandbox, settings)
    except Rejected as rejected:
        if rejected.code == "parser-time":
            raise
        # poppler opens some that MuPDF does not; where it fails too, what MuPDF said is the clearer answer
        with contextlib.suppress(Rejected, Unavailable):
            values = _asked("poppler-open", arguments, sandbox, settings)
            # MuPDF asks for a password when only the attachments are encrypted
            if rejected.code != "password" or not values.get("encrypted", True):
                return values
        raise


def _asked(verb: str, arguments: Mapping[str, Any], sandbox: Sandbox, settings: Settings) -> Mapping[str, Any]:
    """Return what `verb` says; what would cost one page later costs the whole file here."""
    try:
        return sandbox.call(verb, arguments, seconds=settings.page_seconds).values
    except EngineFailed as error:
        raise Rejected(error.message, hint=error.hint, code=error.code) from error


def _within_limits(values: Mapping[str, Any], settings: Settings) -> int:
    pages, pixels = values.get("pages"), values.get("pixels", 0)
    if not isinstance(pages, int) or not isinstance(pixels, int) or pages < 1:
        raise Rejected("The file has no pages.", code="no-pages")
    if pages > settings.max_pages:
        raise Rejected(
            f"The file has more than {settings.max_pages:,} pages.",
            hint="DOCPROC_MAX_PAGES raises the limit.",
            code="too-many-pages",
        )
    if pixels > settings.max_pixels:
        raise Rejected(
            f"The image has {pixels:,} pixels; the limit is {settings.max_pixels:,}.",
            hint="DOCPROC_MAX_PIXELS raises it.",
            code="too-many-pixels",
        )
    return pages
