"""The searchable PDF: the original's pages as they are, with the words laid invisibly over their pictures.

The layer goes *before* a page's own content, where the graphics state is still the page's first one, and
nothing that is drawn changes. The layers come as a file with a JSON object per line and page, in points of the
upright page: `{number, width, height, rotation, mode, lines: [[[text, quad, space_after], ...], ...]}`, `mode`
being "all" (add every line; the old invisible text goes) or "new" (add the lines that lie over no text).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymupdf

from docproc.errors import EngineFailed, Rejected
from docproc.geometry import Box, Point
from docproc.parsers.glyphless import Codes, right_to_left, visual, word_operators
from docproc.parsers.graft import FONT, embed_font, prepend
from docproc.parsers.image_pdf import pdf_of_image, stand_upright
from docproc.parsers.mupdf import MUPDF_ERRORS, unlocked
from docproc.parsers.old_text import remove_invisible

COVERED = 0.5
"""A line that lies over existing text with more than this share of itself is not added again."""

Quad = tuple[Point, Point, Point, Point]


def write(
    path: str, layers: str, *, media_type: str, password: str | None = None, max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    """Return `({"kept": [...]}, PDF)`; `kept` are the pages whose old invisible text could not be taken out.

    `path` is the file that was read, `layers` the file described above. Raises Rejected when it is no PDF or
    picture, when it is locked and `password` does not open it, or when its pages are not those that were read;
    EngineFailed when MuPDF cannot do it.
    """
    pages = read_layers(layers)
    try:
        return _written(path, pages, media_type, password, max_pixels)
    except MUPDF_ERRORS as error:
        raise EngineFailed(f"MuPDF cannot write the searchable PDF: {error}.", code="overlay") from error


def read_layers(path: str) -> list[Any]:
    """Return the pages of a file of layers."""
    with Path(path).open("rb") as lines:
        return [json.loads(line) for line in lines]


def _written(
    path: str, pages: list[Any], media_type: str, password: str | None, max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    if media_type == "application/pdf":
        doc, kept = opened_for(path, pages, password)
    else:
        doc, kept = pdf_of_image(path, pages, max_pixels=max_pixels), []
        pages = stand_upright(pages)
    lay_text(doc, pages)
    keep = pymupdf.PDF_ENCRYPT_KEEP
    data: bytes = doc.tobytes(garbage=1, deflate=True, encryption=keep)
    return {"kept": kept}, data


def lay_text(doc: pymupdf.Document, pages: Sequence[Any]) -> None:
    """Add the lines of `pages` (as in `layers`) to `doc`, one font for the whole file."""
    _check_pages(doc, pages)
    codes, font = Codes(), doc.get_new_xref()
    added = False
    for layer in pages:
        content = _content(doc, layer, codes)
        if content:
            prepend(doc, doc[layer["number"] - 1], content, font)
            added = True
    if added:
        embed_font(doc, font, codes)
    else:
        doc.update_object(font, "null")


def opened_for(path: str, pages: Sequence[Any], password: str | None) -> tuple[pymupdf.Document, list[int]]:
    """Return the PDF without the invisible text that `pages` replace, and the pages that kept it."""
    doc = unlocked(path, password)
    _check_pages(doc, pages)
    wanted = [page["number"] for page in pages if page["mode"] == "all" and page["lines"]]
    kept, changed = remove_invisible(doc, wanted)
    if changed:  # some page would look different: once more, without those
        doc = unlocked(path, password)
        kept, _ = remove_invisible(doc, [number for number in wanted if number not in changed])
    return doc, sorted({*kept, *changed})


def _check_pages(doc: pymupdf.Document, pages: Sequence[Any]) -> None:
    if any(page["number"] > doc.page_count for page in pages):
        raise Rejected("This is not the file that was read: it has fewer pages.", code="other-file")


def _content(doc: pymupdf.Document, layer: Any, codes: Codes) -> bytes:
    page = doc[layer["number"] - 1]
    to_user = _to_user_space(doc, layer)
    taken = [box for _, box in text_boxes(page)] if layer["mode"] == "new" else []
    lines = [_line(line, to_user, codes) for line in layer["lines"] if not _covered(line, layer, page, taken)]
    text = "".join(f"BT\n3 Tr\n{line}ET\n" for line in lines if line)
    return f"q\n{text}Q\n".encode("ascii") if text else b""


def _line(words: Sequence[Any], to_user: pymupdf.Matrix, codes: Codes) -> str:
    """Return the operators of one line; a space is stretched over the whole gap to the next word."""
    placed = [
        (text, [tuple(pymupdf.Point(corner) * to_user) for corner in corners], space)
        for text, corners, space in words
    ]
    if any(right_to_left(text) for text, _, _ in placed):  # then words are laid from left to right, too
        quad = placed[0][1]
        placed.sort(key=lambda word: _along(quad[3], word[1][3], quad))
        placed = [(visual(text), corners, True) for text, corners, _ in placed]
    operators = ""
    for word, following in zip(placed, [*placed[1:], None], strict=True):
        operators += word_operators(word[0], word[1], FONT, codes)
        if word[2] and following:
            operators += word_operators(" ", _gap(word[1], following[1]), FONT, codes)
    return operators


def _gap(before: Sequence[Point], after: Sequence[Point]) -> Quad:
    """Return the quad between two words of a line, at least a tenth as wide as it is high."""
    (_, top, bottom, corner) = before
    across = (bottom[0] - corner[0], bottom[1] - corner[1])
    length = max((across[0] ** 2 + across[1] ** 2) ** 0.5, 1e-6)
    unit = (across[0] / length, across[1] / length)
    height = ((top[0] - bottom[0]) ** 2 + (top[1] - bottom[1]) ** 2) ** 0.5
    wide = max(_along(bottom, after[3], before) / length, height / 10)
    step = (unit[0] * wide, unit[1] * wide)
    return (top, (top[0] + step[0], top[1] + step[1]), (bottom[0] + step[0], bottom[1] + step[1]), bottom)


def _along(start: Point, end: Point, quad: Sequence[Point]) -> float:
    """Return how far it is from `start` to `end` in the direction of the text, times the length of `quad`."""
    (x0, y0), (x1, y1) = quad[3], quad[2]
    return (end[0] - start[0]) * (x1 - x0) + (end[1] - start[1]) * (y1 - y0)


def _to_user_space(doc: pymupdf.Document, layer: Any) -> pymupdf.Matrix:
    """Return the matrix from points of the upright page to the page's user space (y up).

    MuPDF's own page transform knows the page's /Rotate, CropBox and UserUnit; PyMuPDF's matrices leave out
    the last two.
    """
    mupdf = pymupdf.mupdf
    box, found = mupdf.FzRect(), mupdf.FzMatrix()
    mupdf.pdf_page_transform(mupdf.pdf_load_page(mupdf.pdf_specifics(doc.this), layer["number"] - 1), box, found)
    shown = ~pymupdf.Matrix(found.a, found.b, found.c, found.d, found.e, found.f)
    return upright_to_shown(layer, doc[layer["number"] - 1].rect) * shown


def upright_to_shown(layer: Any, rect: pymupdf.Rect) -> pymupdf.Matrix:
    """Return the matrix from the upright page to the page as its file shows it, whose size is `rect`'s.

    The shown page was turned clockwise by `rotation` to stand upright; this turns it back.
    """
    width, height = layer["width"], layer["height"]
    turned = {
        0: pymupdf.Matrix(1, 0, 0, 1, 0, 0),
        90: pymupdf.Matrix(0, -1, 1, 0, 0, width),
        180: pymupdf.Matrix(-1, 0, 0, -1, width, height),
        270: pymupdf.Matrix(0, 1, -1, 0, height, 0),
    }[layer["rotation"]]
    shown = (height, width) if layer["rotation"] in (90, 270) else (width, height)
    return turned * pymupdf.Matrix(rect.width / max(shown[0], 1e-6), rect.height / max(shown[1], 1e-6))


def text_boxes(page: pymupdf.Page) -> list[tuple[str, Box]]:
    """Return the words that the page has with their boxes, in points of the page as shown.

    PyMuPDF gives them on the page as it is before /Rotate.
    """
    shown = {"width": page.rect.width, "height": page.rect.height, "rotation": page.rotation}
    flat = pymupdf.Rect(0, 0, page.rect.width, page.rect.height)
    if page.rotation in (90, 270):
        flat = pymupdf.Rect(0, 0, page.rect.height, page.rect.width)
    turn = ~upright_to_shown(shown, flat)
    rects = ((word[4], (pymupdf.Rect(word[:4]) * turn).normalize()) for word in page.get_text("words"))
    return [(text, Box(*rect)) for text, rect in rects]


def _covered(line: Sequence[Any], layer: Any, page: pymupdf.Page, taken: Sequence[Box]) -> bool:
    if not taken or not line:
        return False
    matrix = upright_to_shown(layer, page.rect)
    box = Box.around(tuple(pymupdf.Point(corner) * matrix) for _, quad, _ in line for corner in quad)
    return sum(box.overlap(other) for other in taken) > COVERED * max(box.area, 1e-6)
