"""Rows, columns, spans and cell text of a table, from its words and the rules drawn around them.

Only geometry: no model, no page image. It works alike on words of an OCR engine and of a text layer.
"""

from docproc.tables.build import build_table

__all__ = ["build_table"]
