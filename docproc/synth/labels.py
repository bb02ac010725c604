"""Drawn documents as files with their truth: `SET/dev/labels.jsonl` and `SET/dev/files/`, for `evaluate`.

Boxes are `[left, top, right, bottom]`: pixels of the image as stored for PNG and TIFF, points for PDF.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pymupdf
from PIL import Image

from docproc.document import Cell, Page, Table
from docproc.geometry import Box
from docproc.raster import POINTS_PER_INCH, PageImage
from docproc.synth.kinds import Drawn
from docproc.synth.scan import encoded
from docproc.synth.things import Thing, move_things

Format = Literal["pdf", "png", "tiff"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One file with its truth. `pages` are in points; `scale` is how many units of the file make a point."""

    name: str
    data: bytes
    pages: tuple[Page, ...]
    scale: float
    drawn: Drawn


def samples(drawn: Drawn, format: Format, dpi: float | None = None) -> list[Sample]:  # noqa: A002  (the CLI's word)
    """Return `drawn` as one file, as PNG one a page; a PDF that is not scanned stays born digital."""
    stem, dpi = f"{drawn.kind}-{drawn.seed:04d}", dpi or drawn.dpi
    if format == "pdf" and drawn.scan is None:
        return [Sample(f"{stem}.pdf", drawn.pdf, drawn.pages, 1.0, drawn)]
    scanned = list(scans(drawn, dpi))
    images, pages = [image for image, _ in scanned], tuple(page for _, page in scanned)
    if format == "pdf":
        return [Sample(f"{stem}.pdf", image_pdf(images, drawn), pages, 1.0, drawn)]
    scale = dpi / POINTS_PER_INCH
    if format == "tiff":
        return [Sample(f"{stem}.tif", _tiff(images), pages, scale, drawn)]
    names = [f"{stem}.png"] if len(images) == 1 else [f"{stem}-{page.number}.png" for page in pages]
    return [
        Sample(name, _image(image, "PNG"), (page,), scale, drawn)
        for name, image, page in zip(names, images, pages, strict=True)
    ]


def placed_things(drawn: Drawn, number: int) -> tuple[Thing, ...]:
    """Return what stands on page `number` where its scan shows it, in points."""
    things = drawn.things[number - 1] if drawn.things else ()
    page = drawn.pages[number - 1]
    return move_things(things, drawn.scan.affine((page.width, page.height))) if drawn.scan else things


def scans(drawn: Drawn, dpi: float) -> Iterator[tuple[PageImage, Page]]:
    """Yield each page as pixels, scanned as the kind says, with its truth where the pixels show it."""
    with pymupdf.open("pdf", drawn.pdf) as document:
        for page in drawn.pages:
            pixmap = document[page.number - 1].get_pixmap(dpi=round(dpi))
            pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
            image = PageImage(pixels, dpi)
            yield drawn.scan.apply(image, page, drawn.seed + page.number) if drawn.scan else (image, page)


def image_pdf(images: Sequence[PageImage], drawn: Drawn) -> bytes:
    """Return a PDF of pictures without any text layer, as scanners make them."""
    quality = drawn.scan.jpeg if drawn.scan else 0
    with pymupdf.open() as document:
        for image in images:
            page = document.new_page(width=image.box.right, height=image.box.bottom)
            data = encoded(image.pixels, quality) if quality else _image(image, "PNG")
            page.insert_image(page.rect, stream=data)
        return bytes(document.tobytes(garbage=3, deflate=True, no_new_id=True))


def write_set(documents: Iterable[Drawn], out: Path, format: Format, dpi: float | None = None) -> int:  # noqa: A002
    """Write a set to `out`, replacing its labels; return how many files it has."""
    folder = out / "dev" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (out / "dev" / "labels.jsonl").open("w", encoding="utf-8") as labels:
        for drawn in documents:
            for sample in samples(drawn, format, dpi):
                (folder / sample.name).write_bytes(sample.data)
                labels.write(json.dumps(row(sample), ensure_ascii=False) + "\n")
                count += 1
    return count


def row(sample: Sample) -> dict[str, Any]:
    """Return the label row of a file: text, words, lines, regions in reading order, tables with cells."""
    first = sample.pages[0]
    image = sample.scale != 1.0
    sizes = [[_round(page.width), _round(page.height)] for page in sample.pages]
    shape = (
        {"width": round(first.width * sample.scale), "height": round(first.height * sample.scale)}
        if image
        else {"pages": len(sample.pages), "page_size_pt": sizes[0], "page_sizes_pt": sizes}
    )
    scan = sample.drawn.scan
    return {
        "file": f"dev/files/{sample.name}",
        "split": "dev",
        **shape,
        "kind": sample.drawn.kind,
        "seed": sample.drawn.seed,
        "lang": sample.drawn.language,
        # How far clockwise the file must be turned to stand upright, as in a reading's `rotation`.
        "rotation": -scan.turn % 360 if scan else 0,
        "skew": _round(scan.skew) if scan else 0.0,
        "coordinates": "pixels of the image as stored" if image else "PDF points, origin top left",
        "text": "\f".join(page.text for page in sample.pages),
        "text_order": "reading order",
        "word_level": "word",
        "words": [
            {
                "text": word.text,
                "box": _box(word.box, sample),
                "quad": _quad(word.polygon, sample),
                "page": number,
            }
            for number, page in enumerate(sample.pages, start=1)
            for line in page.lines
            for word in line.words
        ],
        "lines": [
            {"text": line.text, "box": _box(line.box, sample), "page": number}
            for number, page in enumerate(sample.pages, start=1)
            for line in page.lines
        ],
        "regions": [
            {"label": region.label, "box": _box(region.box, sample), "page": number, "order": region.order}
            for number, page in enumerate(sample.pages, start=1)
            for region in page.regions
        ],
        "tables": [
            _table(table, number, sample)
            for number, page in enumerate(sample.pages, start=1)
            for table in page.tables
        ],
        "objects": [
            _thing(thing, page.number, sample)
            for page in sample.pages
            for thing in placed_things(sample.drawn, page.number)
        ],
        "captions": [sample.drawn.captions[page.number - 1] for page in sample.pages],
        **_asked(sample),
        "source": "docproc synth",
        "license": "CC0-1.0",
        "sha256": hashlib.sha256(sample.data).hexdigest(),
    }


def _asked(sample: Sample) -> dict[str, Any]:
    """Return what is asked about the file's pages, and its fields; nothing where nothing is asked."""
    drawn = sample.drawn
    if not drawn.asked:
        return {}
    questions = []
    for page in sample.pages:
        boxes = {word.id: word.box for line in page.lines for word in line.words}
        for one in drawn.asked[page.number - 1]:
            made: dict[str, Any] = {"q": one.question, "answers": list(one.answers), "kind": one.kind}
            if one.field:
                made["field"] = one.field
            if one.word_ids:
                made |= {"page": page.number, "boxes": [_box(boxes[word_id], sample) for word_id in one.word_ids]}
            questions.append(made)
    return {"questions": questions, "fields": dict(drawn.fields)}


def _thing(thing: Thing, page: int, sample: Sample) -> dict[str, Any]:
    """Return an object as COCO writes it: polygons of x, y, x, y, ... whose union is its mask."""
    return {
        "label": thing.label,
        "box": _box(thing.box, sample),
        "segmentation": [[side for corner in _quad(one, sample) for side in corner] for one in thing.outline],
        "page": page,
        "text": thing.text,
        "values": [list(value) for value in thing.values],
    }


def _table(table: Table, page: int, sample: Sample) -> dict[str, Any]:
    def cell(one: Cell) -> dict[str, Any]:
        return {
            "row": one.row,
            "col": one.column,
            "rowspan": one.row_span,
            "colspan": one.column_span,
            "text": one.text,
            "header": one.header,
            "page": page,
            "box": _box(one.box, sample),
        }

    return {
        "rows": table.rows,
        "cols": table.columns,
        "page": page,
        "box": _box(table.box, sample),
        "cells": [cell(one) for one in table.cells],
    }


def _box(box: Box, sample: Sample) -> list[float]:
    return [_round(side * sample.scale) for side in box.as_list()]


def _quad(polygon: Sequence[tuple[float, float]], sample: Sample) -> list[list[float]]:
    return [[_round(x * sample.scale), _round(y * sample.scale)] for x, y in polygon]


def _round(value: float) -> float:
    return round(value, 2)


def _pillow(image: PageImage) -> Image.Image:
    picture = Image.fromarray(image.pixels)
    black = np.all((image.pixels == 0) | (image.pixels == 255)) and _grey(image)
    return picture.convert("1") if black else picture


def _grey(image: PageImage) -> bool:
    red, green, blue = np.moveaxis(image.pixels, 2, 0)
    return bool((red == green).all() and (green == blue).all())


def _image(image: PageImage, format: str) -> bytes:  # noqa: A002
    buffer = BytesIO()
    _pillow(image).save(buffer, format, dpi=(image.dpi, image.dpi))
    return buffer.getvalue()


def _tiff(images: Sequence[PageImage]) -> bytes:
    buffer = BytesIO()
    first, *rest = [_pillow(image) for image in images]
    packing = "group4" if first.mode == "1" else "tiff_lzw"
    dpi = (images[0].dpi, images[0].dpi)
    first.save(buffer, "TIFF", save_all=True, append_images=rest, compression=packing, dpi=dpi)
    return buffer.getvalue()
