"""The model files that ship inside pip packages: what `docproc models` and `docproc doctor` know of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Model:
    """A model file inside an installed package; `file` is relative to the package's folder."""

    name: str
    purpose: str
    package: str
    module: str
    file: str
    licence: str

    def path(self) -> Path | None:
        """Return where the file is, None when it is not there."""
        spec = find_spec(self.module)
        path = Path(spec.origin).parent / self.file if spec and spec.origin else None
        return path if path and path.is_file() else None


MODELS = (
    Model(
        "PP-OCRv6_det_small",
        "finds lines of text",
        "rapidocr",
        "rapidocr",
        "models/PP-OCRv6_det_small.onnx",
        "Apache-2.0",
    ),
    Model(
        "PP-OCRv6_rec_small",
        "reads lines of text",
        "rapidocr",
        "rapidocr",
        "models/PP-OCRv6_rec_small.onnx",
        "Apache-2.0",
    ),
    Model(
        "PP-OCRv6_rec_small_int8",
        "reads lines of text first, in two thirds of the time",
        "docproc",
        "docproc",
        "engines/weights/PP-OCRv6_rec_small_int8.onnx",
        "Apache-2.0",
    ),
    Model(
        "ch_ppocr_mobile_v2.0_cls",
        "tells lines that are upside down",
        "rapidocr",
        "rapidocr",
        "models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "Apache-2.0",
    ),
    Model(
        "layout_rf2.4.1+imf1",
        "finds the regions of a page",
        "pymupdf",
        "pymupdf",
        "layout/resources/onnx/layout_rf2.4.1+imf1.onnx",
        "AGPL-3.0-or-later",
    ),
    Model(
        "table_grid_model_v4_ep",
        "finds rows and columns of tables",
        "pymupdf",
        "pymupdf",
        "layout/resources/onnx/table_grid_model_v4_ep.onnx",
        "AGPL-3.0-or-later",
    ),
)
