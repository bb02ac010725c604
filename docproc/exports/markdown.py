"""Markdown (GFM) in reading order: headings, paragraphs, lists, tables, captions, pictures as their alt text.

Running page headers and footers are left out. A page is announced by `<!-- page N -->` when there are
several. A heading over several columns is repeated over each, so that every figure stands under all its
headings; any other cell that spans several places stands in its first. What was read is text and stays text:
characters that mean something to Markdown or HTML are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from docproc.document import Document, Page, Table
from docproc.exports.blocks import Block, blocks, caption_of
from docproc.exports.paragraphs import BREAK, goes_on, join, list_items, running_text

name = "markdown"
suffix = ".md"
media_type = "text/markdown; charset=utf-8"

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
SPECIAL = re.compile(r"[\\`*\[\]~]|(?<![^\W_])_|_(?![^\W_])")
"""Characters that Markdown reads; an underscore inside a word is none."""
LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[+-](?=\s|$)|[-=]+(?=\s*$)|\d{1,9}(?=[.)](?:\s|$)))", re.MULTILINE)
AROUND = {"title": ("# ", ""), "section-header": ("## ", ""), "caption": ("*", "*")}
HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write(document: Document, original: Path | None, **_: Any) -> bytes:  # noqa: ARG001
    """Return the document as UTF-8 Markdown."""
    parts: list[str] = []
    for page in document.pages:
        if len(document.pages) > 1:
            parts.append(f"<!-- page {page.number} -->")
        parts.extend(_page(page))
    return ("\n\n".join(parts) + "\n").encode() if parts else b""


def escape(text: str) -> str:
    """Return `text` so that Markdown and HTML show it as it is; line ends stay."""
    text = SPECIAL.sub(lambda found: "\\" + found.group(), CONTROLS.sub("", text))
    text = LINE_START.sub(_escaped_start, text)
    return text.translate(HTML)


def _escaped_start(found: re.Match[str]) -> str:
    mark: str = found.group()
    return mark + "\\" if mark.isdigit() else "\\" + mark


def _page(page: Page) -> Iterator[str]:
    if page.failed:
        yield f"*Page {page.number} could not be read: {escape(page.problems[0].message)}*"
    for is_list, group in groupby(blocks(page), lambda block: block.region.label == "list-item"):
        together = [*group]
        found = [_list(together)] if is_list else _joined(together, page)
        yield from filter(None, found)


def _joined(group: Sequence[Block], page: Page) -> list[str]:
    """Return the blocks as text; a paragraph that goes on in the next column is one."""
    found: list[str] = []
    for before, block in zip([None, *group], group, strict=False):
        text = _block(block, page)
        running = before is not None and before.region.label == block.region.label == "text"
        if running and before is not None and goes_on(before.lines, block.lines):
            found[-1] = join(found[-1], text)
        else:
            found.append(text)
    return found


def _block(block: Block, page: Page) -> str:
    label, text = block.region.label, _paragraph(block)
    if label in ("page-header", "page-footer"):
        return ""
    if label == "picture":
        alt = _one_line(escape(caption_of(block.region, page)))
        return f"![{alt}]()\n\n{text}".strip()
    if block.table is not None and block.table.cells:
        return _table(block.table)
    if label == "formula" and text:
        return _code(block)
    before, after = AROUND.get(label, ("", ""))
    return f"{before}{_one_line(text)}{after}" if before and text else text


def _paragraph(block: Block) -> str:
    return escape(running_text(block.lines).strip()).replace(BREAK, "  \n")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(block: Block) -> str:
    """Return a formula between backticks: it is no TeX, and as code nothing in it is markup."""
    text = _one_line(CONTROLS.sub("", " ".join(line.text for line in block.lines)))
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    padding = " " if "`" in text else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _list(regions: Sequence[Block]) -> str:
    lines = [line for block in regions for line in block.lines]
    return "\n".join(
        f"{item.number}. {escape(item.text)}" if item.number else f"- {escape(item.text)}"
        for item in list_items(lines)
        if item.text
    )


def _table(table: Table) -> str:
    """Return a GFM table; its first row is the header, as GFM has no table without one."""
    rows = max(table.rows, max(cell.row for cell in table.cells) + 1)
    columns = max(table.columns, max(cell.column for cell in table.cells) + 1)
    grid = [[""] * columns for _ in range(rows)]
    for cell in table.cells:
        text = "<br>".join(escape(line.strip()).replace("|", "\\|") for line in cell.text.splitlines())
        for column in range(cell.column, cell.column + (cell.column_span if cell.header else 1)):
            grid[cell.row][column] = text
    return "\n".join(_row(row) for row in [grid[0], ["---"] * columns, *grid[1:]])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
