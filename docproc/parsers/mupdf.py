"""PyMuPDF as the child uses it: quiet, bounded, one document open at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf

from docproc.errors import EngineFailed, Rejected

VERSION = f"pymupdf {pymupdf.__version__}"
MUPDF_ERRORS = (pymupdf.mupdf.FzErrorBase, RuntimeError, ValueError, LookupError, AssertionError)
"""What PyMuPDF raises on broken files: MuPDF's own errors and slips of its wrapper."""

pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)


@dataclass(frozen=True, slots=True)
class _Open:
    key: tuple[str, str | None, int, int]
    document: Any


_kept: list[_Open] = []
"""The document of the last call, so that its next page is cheap."""
_drawn_pages = [0]
FREE_EVERY = 20


def document(path: str, password: str | None) -> Any:
    """Return the PDF at `path`, opened and unlocked.

    Raises Rejected: code `password` when it needs another one, `broken` when MuPDF cannot open it at all.
    """
    status = Path(path).stat()
    key = (path, password, status.st_mtime_ns, status.st_size)
    if not _kept or _kept[0].key != key:
        _kept.clear()
        free_memory()
        _kept.append(_Open(key, _filled_in(unlocked(path, password))))
    return _kept[0].document


def _filled_in(pdf: Any) -> Any:
    """Return the PDF with what is filled into its form fields as part of its pages: else no text layer has it."""
    try:
        if pdf.is_form_pdf:
            pdf.bake(annots=False, widgets=True)
    except MUPDF_ERRORS as error:
        failed(error)  # what cannot be filled in is still drawn
    return pdf


def page(path: str, password: str | None, number: int) -> Any:
    """Return page `number` (from 1); raise EngineFailed when the file does not have it in a readable form."""
    pdf = document(path, password)
    try:
        return pdf.load_page(number - 1)
    except MUPDF_ERRORS as error:
        raise failed(error) from error


def page_done(heavy: bool) -> None:
    """Free memory after a page with pictures (`heavy`), and now and then; fonts are worth keeping for a while."""
    _drawn_pages[0] += 1
    if heavy or _drawn_pages[0] % FREE_EVERY == 0:
        free_memory()


def free_memory() -> None:
    """Forget what MuPDF keeps for later: fonts, glyphs, decoded images."""
    pymupdf.TOOLS.store_shrink(100)
    pymupdf.TOOLS.glyph_cache_empty()


def complaints() -> str:
    """Return and forget the first thing that MuPDF complained about since the last time, or ""."""
    return str(pymupdf.TOOLS.mupdf_warnings(reset=True)).partition("\n")[0]


def failed(error: BaseException) -> EngineFailed:
    """Return the failure to raise for an error of MuPDF; raise MemoryError when that is what it means."""
    text = str(error)
    if re.search(r"\b[mc]alloc\b|out of memory", text):
        raise MemoryError from error
    return EngineFailed(f"MuPDF cannot draw the page: {text or type(error).__name__}.", code="broken-page")


def unlocked(path: str, password: str | None) -> Any:
    """Return the PDF at `path`, opened anew, for a caller that changes it; raise as `document` does."""
    try:
        pdf = pymupdf.open(_utf8(path), filetype="pdf")
        locked = pdf.needs_pass and not pdf.authenticate(password or "")
    except MUPDF_ERRORS as error:
        failed(error)
        raise Rejected("The PDF is too damaged to open.", code="broken") from error
    if locked:
        said = "The password does not open this PDF." if password else "A password is needed to open this PDF."
        raise Rejected(said, hint="Give it with --password.", code="password")
    if not _counts(pdf):
        _recount(pdf)
    return pdf


def _counts(pdf: Any) -> bool:
    try:
        return bool(pdf.page_count > 0)
    except MUPDF_ERRORS:  # fewer than none, or more than the file has objects
        return False


def _utf8(path: str) -> str:
    """Return a path to the same file that MuPDF can take: its own are UTF-8, those of Linux are any bytes."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        link = Path("upload.pdf")  # the child works in its private folder
        link.unlink(missing_ok=True)
        link.symlink_to(path)
        return str(link)
    return path


def _recount(pdf: Any) -> None:
    """Hang the pages that can be found directly below the root, in memory: MuPDF believes a wrong /Count."""
    try:
        root = int(pdf.xref_get_key(pdf.pdf_catalog(), "Pages")[1].split()[0])
        leaves = _leaves(pdf, root)
        if leaves:
            pdf.xref_set_key(root, "Kids", f"[{' '.join(f'{leaf} 0 R' for leaf in leaves)}]")
            pdf.xref_set_key(root, "Count", str(len(leaves)))
    except MUPDF_ERRORS:
        return


def _leaves(pdf: Any, root: int) -> list[int]:
    seen, found, waiting = {root}, [], [root]
    while waiting:
        node = waiting.pop()
        kids = [int(kid) for kid in re.findall(r"(\d+) \d+ R", pdf.xref_get_key(node, "Kids")[1])]
        if not kids and pdf.xref_get_key(node, "Type")[1] == "/Page":
            found.append(node)
        fresh = [kid for kid in dict.fromkeys(kids) if kid not in seen]
        seen.update(fresh)
        waiting.extend(reversed(fresh))
    return found
