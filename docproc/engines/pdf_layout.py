"""Layout through PyMuPDF's own models (in its wheel), on a page that we draw from pixels and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, cast, get_args

import pymupdf

from docproc.document import Label, Line, Region, Table
from docproc.engines.layout_page import draw_page
from docproc.engines.pictures import find_pictures
from docproc.engines.regions import correct
from docproc.engines.table_regions import crop_table
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.rules import find_rules
from docproc.settings import Settings

LARGEST_PAGE = 3400.0
"""Points: A0 is 3370 long."""

LABELS = frozenset(get_args(Label))


class PdfLayoutEngine:
    """DocLayNet regions from `pymupdf.layout`, and tables in them. Safe to call from several threads."""

    name = "pdf-layout"

    def __init__(self, settings: Settings) -> None:
        """Load the models, which use `settings.threads` cores."""
        self.version = str(pymupdf.__version__)
        self._model = _load(settings.threads)
        self._lock = Lock()  # the model keeps the page it works on in its own attributes

    def analyze(self, image: PageImage, lines: Sequence[Line]) -> tuple[list[Region], list[Table]]:
        """Return the regions (without lines and order) and tables of a page, in points."""
        if not any(line.words for line in lines):
            return [], []
        rules = find_rules(image)
        whole = crop_table(image.box, lines, rules)
        if whole is not None:
            return [Region("r0", "table", whole.box, 0)], [replace(whole, region_id="r0")]
        # A plan of several metres would be drawn at 72 dpi, a gigabyte; the models know pages, not plans.
        page = max(image.box.width, image.box.height) <= LARGEST_PAGE
        regions, tables = correct(image.box, self._regions(image, lines) if page else [], lines, rules)
        return find_pictures(image, regions), tables

    def _regions(self, image: PageImage, lines: Sequence[Line]) -> list[Region]:
        page_box = image.box
        with draw_page(image, lines) as document, self._lock:
            groups = self._model.predict(document[0], return_raw=True)
        # What MuPDF has decoded it keeps, up to 256 MB, although the document is gone: 3 MB for every page.
        pymupdf.TOOLS.store_shrink(100)
        found: list[Region] = []
        for group in groups:
            left, top, right, bottom = group["group_bbox"][:4]
            label = group["class_name"]
            if label not in LABELS or left > right or top > bottom:
                continue
            box = Box(left, top, right, bottom).moved(image.left, image.top).clipped(page_box)
            found.append(Region(f"r{len(found)}", cast("Label", label), box, len(found)))
        return found


def _load(threads: int) -> Any:
    """Return the layout model, its sessions limited to `threads` cores (0: all)."""
    from pymupdf.layout.onnx.BoxRFDGNN import BoxRFDGNN  # noqa: PLC0415  (loads onnxruntime and its models)

    model = BoxRFDGNN(enable_inference_cache=False, use_sort=False)
    model.table_grid_extractor = None  # tables are built from words and rules (docproc.tables), which is better
    if threads:
        # It has no setting for this, so its sessions are made once more.
        model.session = _session(model.model_path, threads)
        model.feature_extractor._session = _session(model.imf_model_path, threads)  # noqa: SLF001
    return model


def _session(path: str, threads: int) -> Any:
    import onnxruntime as ort  # noqa: PLC0415

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest page for ever
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
