"""DoclingDocument JSON, so that docling's ecosystem can read us. Needs the extra `docling`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from docproc.document import Document, Line, Page
from docproc.errors import Unavailable
from docproc.exports.blocks import Block, blocks
from docproc.exports.markup import clean
from docproc.exports.paragraphs import list_items, running_text
from docproc.geometry import Box

name = "docling"
suffix = ".docling.json"
media_type = "application/json"


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as DoclingDocument JSON; raise Unavailable when docling-core is not installed."""
    found: str = build(document).model_dump_json(by_alias=True, exclude_none=True)
    return found.encode() + b"\n"


def build(document: Document) -> Any:
    """Return the `DoclingDocument`: boxes in points from the top-left, headers and footers as furniture."""
    doc = _library("docling_core.types.doc")
    source = document.source
    found = doc.DoclingDocument(
        name=clean(Path(source.filename).stem) or "document",
        origin=doc.DocumentOrigin(
            mimetype=source.media_type,
            # docling keeps 64 bits of the hash
            binary_hash=int(source.sha256[:16] or "0", 16),
            filename=clean(source.filename),
        ),
    )
    for page in document.pages:
        found.add_page(page_no=page.number, size=doc.Size(width=page.width, height=page.height))
        _Writer(doc, found, page).write()
    return found


def _library(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise Unavailable(
            "DoclingDocument needs docling-core.", hint="pip install 'docproc[docling]' brings it."
        ) from None


class _Writer:
    """Adds one page to a DoclingDocument."""

    def __init__(self, doc: Any, found: Any, page: Page) -> None:
        self._doc, self._found, self._page = doc, found, page

    def write(self) -> None:
        for is_list, group in groupby(blocks(self._page), lambda block: block.region.label == "list-item"):
            if is_list:
                self._list([line for block in group for line in block.lines])
            else:
                for block in group:
                    self._block(block)

    def _block(self, block: Block) -> None:
        label, text = block.region.label, clean(running_text(block.lines)).strip()
        prov = self._prov(block.region.box, text)
        if label == "picture":
            self._picture(block, prov, text)
        elif block.table is not None:
            self._found.add_table(data=self._table(block), prov=prov)
        elif not text:
            return
        elif label == "title":
            self._found.add_title(text=text, orig=text, prov=prov)
        elif label == "section-header":
            self._found.add_heading(text=text, orig=text, prov=prov)
        else:
            self._text(label, text, prov)

    def _list(self, lines: Sequence[Line]) -> None:
        whole = None
        for item in list_items(lines):
            if text := clean(item.text):
                whole = whole or self._found.add_list_group()
                marks = {"enumerated": bool(item.number), "marker": f"{item.number}." if item.number else "-"}
                prov = self._prov(Box.union(line.box for line in item.lines), text)
                self._found.add_list_item(text=text, orig=text, prov=prov, parent=whole, **marks)

    def _text(self, label: str, text: str, prov: Any) -> None:
        furniture = label in ("page-header", "page-footer")
        layer = self._doc.ContentLayer.FURNITURE if furniture else self._doc.ContentLayer.BODY
        labels = self._doc.DocItemLabel
        # a table region without cells is only its text
        kind = labels.TEXT if label == "table" else labels(label.replace("-", "_"))
        self._found.add_text(label=kind, text=text, orig=text, prov=prov, content_layer=layer)

    def _picture(self, block: Block, prov: Any, text: str) -> None:
        picture = self._found.add_picture(prov=prov)
        # a caption is a text of its own here
        if words := clean(block.region.alt_text or ""):
            picture.meta = self._doc.PictureMeta(description=self._doc.DescriptionMetaField(text=words))
        if text:
            label = self._doc.DocItemLabel.TEXT
            self._found.add_text(label=label, text=text, orig=text, prov=prov, parent=picture)

    def _table(self, block: Block) -> Any:
        assert block.table is not None  # noqa: S101  (the caller saw it)
        cells = [
            self._doc.TableCell(
                text=clean(cell.text),
                bbox=self._box(cell.box),
                start_row_offset_idx=cell.row,
                end_row_offset_idx=cell.row + cell.row_span,
                start_col_offset_idx=cell.column,
                end_col_offset_idx=cell.column + cell.column_span,
                row_span=cell.row_span,
                col_span=cell.column_span,
                column_header=cell.header,
            )
            for cell in block.table.cells
        ]
        return self._doc.TableData(
            table_cells=cells,
            num_rows=max([block.table.rows, *(cell.end_row_offset_idx for cell in cells)]),
            num_cols=max([block.table.columns, *(cell.end_col_offset_idx for cell in cells)]),
        )

    def _prov(self, box: Box, text: str) -> Any:
        span = (0, len(text))
        return self._doc.ProvenanceItem(page_no=self._page.number, bbox=self._box(box), charspan=span)

    def _box(self, box: Box) -> Any:
        origin = self._doc.CoordOrigin.TOPLEFT
        return self._doc.BoundingBox(l=box.left, t=box.top, r=box.right, b=box.bottom, coord_origin=origin)
