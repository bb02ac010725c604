"""Taking a bad invisible text layer out of a PDF, only where nothing that is seen can change."""

from __future__ import annotations

from collections.abc import Sequence

import pymupdf

INVISIBLE = 3
"""Text rendering mode 3: neither filled nor stroked (ISO 32000-1, 9.3.6)."""
CHECK_DPI = 72


def remove_invisible(doc: pymupdf.Document, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """Remove the invisible text of these pages; return where it was left, and which look different now.

    It is left where the page has annotations, links or fields: MuPDF's redaction, which does the work,
    touches those too.
    """
    left, changed = [], []
    for number in numbers:
        page = doc[number - 1]
        if not _has_invisible_text(page):
            continue
        if page.first_annot or page.first_link or page.first_widget:
            left.append(number)
            continue
        before = page.get_pixmap(dpi=CHECK_DPI).samples
        page.add_redact_annot(page.rect, fill=False, cross_out=False)
        page.apply_redactions(
            images=pymupdf.PDF_REDACT_IMAGE_NONE,
            graphics=pymupdf.PDF_REDACT_LINE_ART_NONE,
            text=pymupdf.PDF_REDACT_TEXT_REMOVE_INVISIBLE,
        )
        page = doc[number - 1]
        if page.get_pixmap(dpi=CHECK_DPI).samples != before:
            changed.append(number)
        elif _has_invisible_text(page):
            left.append(number)
    return left, changed


def _has_invisible_text(page: pymupdf.Page) -> bool:
    return any(span["type"] == INVISIBLE for span in page.get_texttrace())
