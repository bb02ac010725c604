"""One product behind one pipe: reads paths on stdin, answers each with a JSON line on stdout.

    python benchmarks/worker.py rapidocr

The parent starts one worker per product, so memory and start-up are measured apart. The first line says that
the product is ready. Everything a product prints by itself goes to stderr.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

DPI = 200
Answer = dict[str, Any]
"""`pages`: list of {width, height (points), text, regions [{label, box}], tables [{box, cells}], markdown}."""


def docproc() -> Callable[[Path], Answer]:
    """Return a reader that is this project, the text layer ignored."""
    from docproc.pipeline import Reader, ReadOptions  # noqa: PLC0415  (each worker loads one product)

    reader = Reader(ReadOptions(text_layer="never"))

    def read(path: Path) -> Answer:
        document = reader.document(reader.open(path))
        return {"pages": [{"width": page.width, "height": page.height, "text": page.text} for page in document.pages]}

    return read


def rapidocr() -> Callable[[Path], Answer]:
    """Return a reader that is RapidOCR with its defaults; PDFs are drawn at 200 dpi, images keep their pixels."""
    from rapidocr import RapidOCR  # noqa: PLC0415  (each worker loads one product)

    engine = RapidOCR()

    def read(path: Path) -> Answer:
        return {"pages": [_rapidocr_page(engine(image)) for image in _images(path)]}

    return read


def _rapidocr_page(result: Any) -> Answer:
    return {"width": 1, "height": 1, "text": "\n".join(result.txts or ())}


def ocrmypdf() -> Callable[[Path], Answer]:
    """Return a reader that is OCRmyPDF with Tesseract (English), all cores; its text is what it puts in the PDF."""
    import ocrmypdf as product  # noqa: PLC0415  (each worker loads one product)

    def read(path: Path) -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.pdf"
            # Deskewing, PDF/A and optimizing are off: only reading is compared.
            product.ocr(
                path,
                out,
                language=["eng"],
                output_type="pdf",
                optimize=0,
                force_ocr=path.suffix == ".pdf",
                image_dpi=None if path.suffix == ".pdf" else DPI,
                progress_bar=False,
            )
            with pymupdf.open(out) as document:
                return {"pages": [_pdf_page(page) for page in document]}

    return read


def _pdf_page(page: pymupdf.Page) -> Answer:
    return {"width": page.rect.width, "height": page.rect.height, "text": page.get_text()}


def pymupdf4llm(*, html_tables: bool = False) -> Callable[[Path], Answer]:
    """Return a reader that is PyMuPDF4LLM, made to read every page with its own choice of OCR."""
    from pymupdf4llm.helpers.document_layout import parse_document  # noqa: PLC0415  (each worker loads one product)

    def read(path: Path) -> Answer:
        # Images become PDF pages at 72 dpi, which is what the small table and layout images have.
        with _as_pdf(path) as document:
            parsed = parse_document(document, force_text=True, force_ocr=True, render_html_tables=html_tables)
            markdown = parsed.to_markdown(page_chunks=True)
            text = parsed.to_text(table_format="plain", page_chunks=True)
        return {
            "pages": [
                {
                    "width": page.width,
                    "height": page.height,
                    "text": plain["text"],
                    "markdown": chunk["text"],
                    "regions": [
                        {"label": box.boxclass, "box": [box.x0, box.y0, box.x1, box.y1]} for box in page.boxes
                    ],
                }
                for page, chunk, plain in zip(parsed.pages, markdown, text, strict=True)
            ]
        }

    return read


def find_tables(**options: bool) -> Callable[[Path], Answer]:
    """Return a reader that is PyMuPDF's own table finder on a PDF's text layer."""
    # Importing it switches the layout analyzer on, which `union` needs.
    importlib.import_module("pymupdf.layout").activate()

    def read(path: Path) -> Answer:
        with pymupdf.open(path) as document:
            return {"pages": [_found_tables(page, options) for page in document]}

    return read


def _found_tables(page: pymupdf.Page, options: dict[str, bool]) -> Answer:
    tables = page.find_tables(**options).tables
    found = [{"box": list(table.bbox), "cells": _cells(table)} for table in tables]
    regions = [{"label": "table", "box": one["box"]} for one in found]
    return {"width": page.rect.width, "height": page.rect.height, "text": "", "tables": found, "regions": regions}


def _cells(table: Any) -> list[list[Any]]:
    """Return [row, column, row span, column span, text]; spans are the grid lines that a cell's box crosses."""
    boxes = [cell for row in table.rows for cell in row.cells if cell]
    lefts, tops = (sorted({round(box[side]) for box in boxes}) for side in (0, 1))
    return [
        [at, column, _crossed(tops, box[1], box[3]), _crossed(lefts, box[0], box[2]), text or ""]
        for at, (row, texts) in enumerate(zip(table.rows, table.extract(), strict=True))
        for column, (box, text) in enumerate(zip(row.cells, texts, strict=True))
        if box
    ]


def _crossed(edges: list[int], start: float, end: float) -> int:
    return max(sum(round(start) <= edge < round(end) - 1 for edge in edges), 1)


PRODUCTS: dict[str, Callable[[], Callable[[Path], Answer]]] = {
    "docproc": docproc,
    "rapidocr": rapidocr,
    "ocrmypdf": ocrmypdf,
    "pymupdf4llm": pymupdf4llm,
    "pymupdf4llm-html": lambda: pymupdf4llm(html_tables=True),
    "find-tables": find_tables,
    "find-tables-union": lambda: find_tables(union=True, refine=True),
}
"""Name -> what loads the product."""


def _images(path: Path) -> Iterator[Any]:
    if path.suffix.lower() != ".pdf":
        # As a path, RapidOCR takes the 0 and 1 of a bilevel image for two blacks.
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB"))[:, :, ::-1].copy()
        return
    with pymupdf.open(path) as document:
        for page in document:
            pixmap = page.get_pixmap(dpi=DPI)
            pixels = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
            yield np.ascontiguousarray(pixels[:, :, ::-1])  # RapidOCR takes BGR arrays


def _as_pdf(path: Path) -> pymupdf.Document:
    if path.suffix.lower() == ".pdf":
        return pymupdf.open(path)
    pixmap = pymupdf.Pixmap(path)
    document = pymupdf.open()
    page = document.new_page(width=pixmap.width, height=pixmap.height)
    page.insert_image(page.rect, filename=path)
    return document


def main() -> None:
    # Products print to stdout as they please; answers go to the pipe that stdout was.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    start = time.perf_counter()
    read = PRODUCTS[sys.argv[1]]()
    _answer(answers, {"ready": time.perf_counter() - start})
    for line in sys.stdin:
        start = time.perf_counter()
        answer = read(Path(line.rstrip("\n")))
        _answer(answers, {"seconds": time.perf_counter() - start, **answer})


def _answer(answers: Any, answer: Answer) -> None:
    with contextlib.suppress(BrokenPipeError):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
