"""docproc: PDFs and scans to text, layout and tables that a person can check.

    import docproc
    document = docproc.process("scan.pdf")
    print(document.text)

No Flask and no Celery in this package; importing it loads no model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docproc.document import Document, Page

# Nothing is ever sent. The onnxruntime wheel has a telemetry client that starts with its import (PyMuPDF
# imports it too) unless this is set before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["process", "read_pages"]


def process(path: str | Path, **options: Any) -> Document:
    """Read a whole file (PDF, PNG, JPEG, TIFF, WebP, BMP, GIF) and return what it says.

    `options` are those of `docproc.pipeline.ReadOptions`: engine, dpi, languages, password, text_layer,
    rasterizer. Raises Rejected when the file cannot be accepted; a page that cannot be read is in the result,
    with `problems`. To read many files, keep one `docproc.pipeline.Reader`, which loads the models once.
    """
    from docproc.pipeline import Reader, ReadOptions  # noqa: PLC0415  (importing docproc stays quick)

    with Reader(ReadOptions(**options)) as reader:
        return reader.document(reader.open(Path(path)))


def read_pages(path: str | Path, **options: Any) -> Iterator[Page]:
    """Read a file page by page, in order, with one page in memory at a time; arguments as for `process`."""
    from docproc.pipeline import Reader, ReadOptions  # noqa: PLC0415

    with Reader(ReadOptions(**options)) as reader:
        yield from reader.pages(reader.open(Path(path)))
