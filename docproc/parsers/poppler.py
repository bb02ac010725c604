"""PDF pages through poppler (pdf2image), for those that PyMuPDF cannot draw. No text layer from here."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from typing import Any, NoReturn

from pdf2image import convert_from_path, pdfinfo_from_path
from pdf2image.exceptions import (
    PDFInfoNotInstalledError,
    PDFPageCountError,
    PDFPopplerTimeoutError,
    PDFSyntaxError,
)

from docproc.errors import EngineFailed, Unavailable
from docproc.parsers.wire import Blob

POPPLER_ERRORS = (PDFPageCountError, PDFPopplerTimeoutError, PDFSyntaxError, ValueError, OSError)
SIZE = re.compile(r"([\d.]+) x ([\d.]+) pts")


def open_file(path: str, password: str | None) -> tuple[dict[str, Any], Blob]:
    """Return `pages` and `encrypted`; raise EngineFailed when poppler cannot open it, Unavailable without it."""
    facts = _facts(path, password, 1)
    return {"pages": facts["Pages"], "encrypted": not str(facts.get("Encrypted")).startswith("no")}, b""


def look(path: str, password: str | None, number: int) -> tuple[dict[str, Any], Blob]:
    """Return `width` and `height` of page `number` (points, upright), without `words` and `pictures`.

    Poppler does not apply UserUnit: its size of such a page is too small by that factor.
    """
    facts = _facts(path, password, number)
    found = SIZE.match(str(facts.get(f"Page {number:>4} size", "")))
    if not found:
        raise EngineFailed("Poppler does not find the page.", code="broken-page")
    width, height = map(float, found.groups())
    if not (width > 0 and height > 0):
        raise EngineFailed("The page has no area.", code="broken-page")
    if int(facts.get(f"Page {number:>4} rot", 0)) % 180 == 90:
        width, height = height, width
    return {"width": width, "height": height, "words": [], "pictures": []}, b""


def draw(path: str, password: str | None, number: int, dpi: float, width: float) -> tuple[dict[str, Any], Blob]:
    """Draw page `number`, `width` points wide, at `dpi`; return the values of `pdf.draw` and RGB bytes."""
    seen, _ = look(path, password, number)
    try:
        images = convert_from_path(
            path,
            first_page=number,
            last_page=number,
            dpi=dpi * width / seen["width"],  # more where the file has a UserUnit
            use_cropbox=True,
            userpw=password,
            ownerpw=password,
        )
    except PDFInfoNotInstalledError as error:
        _missing(error)
    except POPPLER_ERRORS as error:
        raise _failed(error) from error
    if not images:
        raise EngineFailed("Poppler draws nothing for the page.", code="broken-page")
    image = images[0].convert("RGB")
    values = {"width": image.width, "height": image.height, "drawn_by": version(), "complaint": ""}
    return values, image.tobytes()


def _facts(path: str, password: str | None, number: int) -> dict[str, Any]:
    try:
        return dict(pdfinfo_from_path(path, userpw=password, ownerpw=password, first_page=number, last_page=number))
    except PDFInfoNotInstalledError as error:
        _missing(error)
    except POPPLER_ERRORS as error:
        raise _failed(error) from error


@cache
def version() -> str:
    """Return "poppler 22.12" (the version that `pdftoppm` tells)."""
    told = subprocess.run(["pdftoppm", "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"version ([\d.]+)", told.stderr + told.stdout)
    return f"poppler {'.'.join(found[1].split('.')[:2])}" if found else "poppler"


def _missing(error: Exception) -> NoReturn:
    raise Unavailable(
        "Poppler is not installed.", hint="`apt install poppler-utils` (or your system's package) brings it."
    ) from error


def _failed(error: Exception) -> EngineFailed:
    said = str(error).strip().rpartition("\n")[2]
    return EngineFailed(f"Poppler cannot read the file: {said or type(error).__name__}.", code="broken-page")
