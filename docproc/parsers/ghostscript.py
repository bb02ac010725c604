"""Ghostscript, inside the sandbox child, for what only it can make PDF/A: fonts and colours."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pymupdf
from numpy.typing import NDArray

from docproc.errors import Unavailable

COMMAND = (
    "gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-dPDFA=2", "-dPDFACompatibilityPolicy=1",
    "-sDEVICE=pdfwrite", "-sColorConversionStrategy=RGB", "-dAutoRotatePages=/None",
    "--permit-file-read=srgb.icc", "-sOutputFile=out.pdf", "intent.ps", "in.pdf",
)  # fmt: skip
INTENT = """%!
[/_objdef {icc} /type /stream /OBJ pdfmark
[{icc} << /N 3 >> /PUT pdfmark
[{icc} (srgb.icc) (r) file /PUT pdfmark
[/_objdef {intent} /type /dict /OBJ pdfmark
[{intent} << /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile {icc}
  /OutputConditionIdentifier (sRGB) >> /PUT pdfmark
[{Catalog} << /OutputIntents [ {intent} ] >> /PUT pdfmark
"""
CHECK_DPI = 36
LIKE = 8.0
"""Mean difference of a page's pixels (0-255) up to which it looks the same: colours are converted."""
TEXT_KEPT = 0.98
"""Share of the characters that must be there afterwards: several releases of Ghostscript lose text."""


def convert(data: bytes, icc: bytes) -> bytes:
    """Return the PDF as PDF/A-2b with the output intent `icc`.

    Raises Unavailable when there is no Ghostscript, when it fails, or when pages look or read otherwise
    afterwards.
    """
    if shutil.which("gs") is None:
        raise Unavailable(
            "This PDF has text or drawings of its own; making PDF/A of it needs Ghostscript.",
            hint="Install ghostscript, or ask for `pdf` instead.",
        )
    with tempfile.TemporaryDirectory(prefix="docproc-") as name:
        folder = Path(name)
        folder.joinpath("in.pdf").write_bytes(data)
        folder.joinpath("srgb.icc").write_bytes(icc)
        folder.joinpath("intent.ps").write_text(INTENT, "ascii")
        done = subprocess.run(COMMAND, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        made = folder / "out.pdf"
        if done.returncode != 0 or not made.is_file():
            raise Unavailable("Ghostscript could not make PDF/A of this file.", hint="Ask for `pdf` instead.")
        found = made.read_bytes()
    compare(data, found)
    return found


def compare(before: bytes, after: bytes) -> None:
    """Raise Unavailable when a page of `after` looks or reads otherwise than in `before`."""
    with (
        pymupdf.open(stream=before, filetype="pdf") as old,
        pymupdf.open(stream=after, filetype="pdf") as new,
    ):
        same = old.page_count == new.page_count and all(map(_alike, old, new))
    if not same:
        raise Unavailable(
            "Ghostscript changed what this PDF shows or says.",
            hint="A newer Ghostscript (10.02.1 or later) may do better; or ask for `pdf` instead.",
        )


def _alike(old: pymupdf.Page, new: pymupdf.Page) -> bool:
    (size, a), (new_size, b) = map(_drawn, (old, new))
    if size != new_size or np.abs(a - b).mean() > LIKE:
        return False
    return _letters(new) >= TEXT_KEPT * _letters(old)


def _drawn(page: pymupdf.Page) -> tuple[tuple[int, int], NDArray[np.float32]]:
    pixmap = page.get_pixmap(dpi=CHECK_DPI, colorspace=pymupdf.csGRAY)
    return (pixmap.width, pixmap.height), np.frombuffer(pixmap.samples, np.uint8).astype(np.float32)


def _letters(page: pymupdf.Page) -> int:
    return len("".join(page.get_text().split()))
