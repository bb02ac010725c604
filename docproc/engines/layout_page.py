"""Draws what was read as a one-page PDF of our own making, the form that PyMuPDF's layout models take.

The uploaded file never comes here: the page holds the picture, and every word as invisible text in its box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import pymupdf

from docproc.document import Line, Word
from docproc.geometry import Box
from docproc.raster import POINTS_PER_INCH, PageImage

MODEL_DPI = POINTS_PER_INCH
"""The models look at the page at 72 dpi, so a finer picture would only cost time."""

WIDE_SPACE = 1.2
"""Words further apart than so many line heights are of different columns or cells."""

_FONT = pymupdf.Font("helv")
_ADVANCE = {chr(code): _FONT.glyph_advance(code) for code in range(32, 127)}
"""Width of each letter as a share of the font size."""

_ASCENT, _DESCENT = 0.72, 0.21
"""Helvetica's capitals and descenders as shares of the font size."""


def draw_page(image: PageImage, lines: Sequence[Line]) -> pymupdf.Document:
    """Return a document with one page of `image`'s size: its pixels, and the words of `lines` over them.

    The page starts at (0, 0): boxes found on it are to be moved by `image.left`, `image.top`.
    """
    box = image.box
    document = pymupdf.open()
    page = document.new_page(width=max(box.width, 1), height=max(box.height, 1))
    page.insert_font(fontname="helv")
    page.insert_image(page.rect, pixmap=_small(image))
    text = _text(lines, Box(box.left, box.top, box.right, box.bottom))
    xref = document.get_new_xref()
    document.update_object(xref, "<<>>")
    document.update_stream(xref, text)
    streams = " ".join(f"{one} 0 R" for one in [*page.get_contents(), xref])
    document.xref_set_key(page.xref, "Contents", f"[{streams}]")
    return document


def _small(image: PageImage) -> pymupdf.Pixmap:
    scale = MODEL_DPI / image.dpi
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    small = np.ascontiguousarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA))
    return pymupdf.Pixmap(pymupdf.csRGB, size[0], size[1], small.tobytes(), False)


def _text(lines: Iterable[Line], page: Box) -> bytes:
    """Return a content stream with the words of each line stretched to their boxes, at one font size.

    Words that follow each other as words do are one string: the models' time goes by strings.
    """
    parts = [b"BT 3 Tr"]
    for line in lines:
        size = max(line.box.height / (_ASCENT + _DESCENT) * 0.8, 1.0)
        base = page.bottom - (line.box.bottom - 0.2 * line.box.height)
        for box, text in _phrases(line):
            stretch = 100 * max(box.width, 0.1) / max(size * sum(_ADVANCE[char] for char in text), 0.1)
            spot = (size, stretch, box.left - page.left, base, text.encode("ascii"))
            parts.append(b"/helv %.2f Tf %.2f Tz 1 0 0 1 %.2f %.2f Tm (%s) Tj" % spot)
    return b"\n".join([*parts, b"ET"])


def _phrases(line: Line) -> Iterator[tuple[Box, str]]:
    """Yield runs of words of a line that are no further apart than a wide space."""
    run: list[Word] = []
    for word in line.words:
        if run and not -1 < word.box.left - run[-1].box.right < WIDE_SPACE * line.box.height:
            yield Box.union(one.box for one in run), _latin(" ".join(one.text for one in run))
            run = []
        run.append(word)
    if run:
        yield Box.union(one.box for one in run), _latin(" ".join(one.text for one in run))


def _latin(text: str) -> str:
    """Return `text` in letters of a standard font; the models see its kind (digits, case), not its words."""
    return "".join(char if " " <= char <= "~" and char not in "()\\" else "x" for char in text)
