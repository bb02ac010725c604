"""The report as one HTML file: figures, and pictures of the worst places with what was read there.

It needs nothing from outside: pictures are data URIs, there is no script. Text is always escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from rapidfuzz.distance import Levenshtein

from docproc.document import Document
from docproc.errors import DocprocError
from docproc.evaluate.dataset import TruthCell
from docproc.evaluate.layout import Spot
from docproc.evaluate.metrics import FOOTER, METRICS
from docproc.evaluate.report import figures, worst
from docproc.evaluate.score import DocumentResult, SetResult
from docproc.evaluate.tables import Cells
from docproc.evaluate.worst import Place, worst_places
from docproc.geometry import Box
from docproc.raster import PageImage

Draw = Callable[[Path, Document, int], PageImage]
"""Draws page `number` of a document, upright; raises DocprocError when it cannot."""

WORST_DOCUMENTS = 5
WORST_PLACES = 4
WIDEST = 900
"""Pictures are at most this many pixels wide, so that a report stays a few megabytes."""
MARGIN = 8.0
"""Points of page shown around a place."""
TRUE_COLOR, READ_COLOR = (0, 128, 60), (200, 30, 60)

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --true: #0a7a3d; --read: #c0213f }
@media (prefers-color-scheme: dark) { :root { --true: #5fd38d; --read: #ff7d90 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 } .wide { overflow-x: auto }
th, td { border: 1px solid var(--line); padding: .15rem .5rem; vertical-align: top }
.figures td + td { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 1rem 0; padding: .75rem; background: var(--soft); border-radius: .5rem }
img { max-width: 100%; background: #fff } figcaption { margin-top: .5rem }
ins { color: var(--true); text-decoration: none; border-bottom: 2px solid }
del { color: var(--read) } .side { display: flex; flex-wrap: wrap; gap: 1rem }
.side > div { overflow-x: auto } small, dd { opacity: .8 }
"""


def report(results: Sequence[SetResult], draw: Draw) -> str:
    """Return the whole report; `draw` makes the pictures."""
    parts = [_figures(results), *(part for one in results for part in _set(one, draw)), _definitions()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>docproc evaluate</title><style>{STYLE}</style></head><body>"
        f"<h1>How well documents were read</h1>{''.join(parts)}</body></html>\n"
    )


def _figures(results: Sequence[SetResult]) -> str:
    return f'<div class="wide">{html_table(figures(results), "figures")}</div><p>{escape(FOOTER)}</p>'


def _definitions() -> str:
    items = (f"<dt>{escape(one.title)}</dt><dd>{escape(one.definition)}</dd>" for one in METRICS.values())
    return f"<h2>What the figures mean</h2><dl>{''.join(items)}</dl>"


def _set(result: SetResult, draw: Draw) -> Iterator[str]:
    upper_case = _upper_case(result)
    documents = worst(result, WORST_DOCUMENTS)
    if documents:
        yield f"<h2>Worst of {escape(result.name)}</h2>"
    for one in documents:
        values = "; ".join(f"{METRICS[name].title} {value:.3f}" for name, value in one.scores.items())
        yield f"<h3>{escape(one.truth.path.name)}</h3><p>{escape(values)} {escape(one.problem)}</p>"
        images = _Images(one, draw)
        for place in worst_places(one, upper_case, WORST_PLACES):
            yield _place(place, images)
        if one.spots[0]:
            yield _layout(one, images)


def _upper_case(result: SetResult) -> bool:
    texts = [doc.truth.text for doc in result.documents if doc.truth.text]
    return bool(texts) and not any(letter.islower() for text in texts for letter in text)


def _place(place: Place, images: _Images) -> str:
    if place.grids:
        true, read = place.grids
        words = (
            f'<div class="side"><div>there is{_grid(true)}</div>'
            f"<div>read {escape(place.read)}{_grid(read)}</div></div>"
        )
    elif place.kind == "fact":
        words = f"a fact of kind {escape(place.true)} does not hold: {escape(place.read)}"
    else:
        words = f"there is: {difference(place.true, place.read)}"
    caption = f"<figcaption><small>page {place.page}</small> {words}</figcaption>"
    return f"<figure>{images.crop(place)}{caption}</figure>"


def difference(true: str, read: str) -> str:
    """Return the truth with what was read instead marked: <ins> stands there, <del> was read."""
    parts = []
    for step in Levenshtein.opcodes(true, read):
        there, found = true[step.src_start : step.src_end], read[step.dest_start : step.dest_end]
        if step.tag == "equal":
            parts.append(escape(there))
        else:
            parts.append(f"<ins>{escape(there)}</ins>" if there else "")
            parts.append(f"<del>{escape(found)}</del>" if found else "")
    return "".join(parts)


def _layout(result: DocumentResult, images: _Images) -> str:
    number = int(result.spots[0][0].page.rpartition("#")[2])
    mark = f"#{number}"
    shown = [
        (spot, color)
        for spots, color in zip(result.spots, (TRUE_COLOR, READ_COLOR), strict=True)
        for spot in spots
        if spot.page.endswith(mark)
    ]
    return (
        f"<figure>{images.regions(number, shown)}<figcaption><small>page {number}</small> regions: "
        "<ins>labelled (green)</ins> and <del>read (red)</del></figcaption></figure>"
    )


def _grid(cells: Cells) -> str:
    rows = sorted({cell.row for cell in cells})
    lines = []
    for row in rows:
        own = sorted((cell for cell in cells if cell.row == row), key=lambda cell: cell.column)
        lines.append("<tr>" + "".join(map(_cell, own)) + "</tr>")
    return f"<table>{''.join(lines)}</table>"


def _cell(cell: TruthCell) -> str:
    spans = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
    spans += f' colspan="{cell.column_span}"' if cell.column_span > 1 else ""
    tag = "th" if cell.header else "td"
    return f"<{tag}{spans}>{escape(cell.text)}</{tag}>"


def html_table(rows: Sequence[Sequence[str]], kind: str) -> str:
    """Return rows of cells, the first the heading, as a table of the class `kind`."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


class _Images:
    """Pictures of one document; each page is drawn once, and only when it is wanted."""

    def __init__(self, result: DocumentResult, draw: Draw) -> None:
        self._result = result
        self._draw = draw
        self._pages: dict[int, PageImage | None] = {}

    def crop(self, place: Place) -> str:
        """Return an <img> of the place, "" where its box is not known or the page cannot be drawn."""
        image = self._page(place.page) if place.box else None
        if image is None or place.box is None:
            return ""
        shown = place.box.grown(MARGIN).clipped(image.box)
        return picture_tag(Image.fromarray(image.crop(shown).pixels)) if shown.area else ""

    def regions(self, number: int, spots: Sequence[tuple[Spot, tuple[int, int, int]]]) -> str:
        """Return an <img> of a page with outlined regions."""
        image = self._page(number)
        if image is None:
            return ""
        picture = Image.fromarray(image.pixels)
        pen = ImageDraw.Draw(picture)
        for spot, color in spots:
            sides = _pixels(image, spot.box)
            pen.rectangle(sides, outline=color, width=3)
            pen.text((sides[0] + 4, sides[1] + 2), spot.label, fill=color)
        return picture_tag(picture)

    def _page(self, number: int) -> PageImage | None:
        if number not in self._pages:
            try:
                self._pages[number] = self._draw(self._result.truth.path, self._result.document, number)
            except DocprocError:
                # The report says why the document could not be read; it only has no picture.
                self._pages[number] = None
        return self._pages[number]


def _pixels(image: PageImage, box: Box) -> tuple[float, float, float, float]:
    return *image.to_pixels((box.left, box.top)), *image.to_pixels((box.right, box.bottom))


def picture_tag(picture: Image.Image) -> str:
    """Return an <img> that holds the picture, at most `WIDEST` pixels wide."""
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, max(1, picture.height * WIDEST // picture.width)))
    data = BytesIO()
    picture.save(data, "JPEG", quality=80)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}">'
