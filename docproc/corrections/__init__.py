"""What people correct on a page as read. Pure: the reading itself is never edited, a new one is made of it.

An operation is a JSON object with `op` and the ids of the page as it is shown when the operation is its turn:

    {"op": "replace", "id": word or line, "text": "..."}            the same text confirms it
    {"op": "split", "id": word or line, "at": n}                    after n characters, or after n words
    {"op": "merge", "ids": [neighbouring words, or lines]}          in the order they are to be read
    {"op": "add", "line": id, "text": "...", "box": [...], "after": word or null}      a word
    {"op": "add", "region": id, "text": "...", "box": [...], "after": line or null}    a line; region may be left out
    {"op": "delete", "id": word, line or region}                    a region whose lines lie in others too
    {"op": "label", "id": region, "label": "title"}
    {"op": "order", "id": region, "after": region or null}
    {"op": "region", "label": "table", "box": [...], "after": region or null}          after may be left out
    {"op": "resize", "id": region, "box": [...]}
    {"op": "cell", "id": cell, "text": "..."}
    {"op": "grid", "id": region, "rows": [y, ...], "columns": [x, ...], "cells": [...]}  the rows and columns of its
        table by their edges; `cells` name those that span several or say something else than their words:
        {"row": 0, "column": 1, "row_span": 2, "column_span": 1, "header": true, "text": "..."}

Boxes are points of the upright page. Text is brought to NFC, and what a person said has confidence 1. What an
operation makes anew is named after its correction, so that later ones can speak of it. Label-value pairs stay as they
were: whoever is done finds them again in what the page says then (`docproc.pairs.with_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docproc.corrections.anchors import anchor, reanchor
from docproc.corrections.ask import Ask, Correction
from docproc.corrections.operations import OPERATIONS
from docproc.document import Page
from docproc.errors import Rejected

__all__ = ["Correction", "anchor", "apply", "apply_what_fits", "reanchor"]


def apply(page: Page, corrections: Sequence[Correction], *, first: int = 0) -> Page:
    """Return the page with these corrections, in this order.

    Raises Rejected (code `bad-correction`) that names the operation which cannot be done, counted from `first`, and
    why.
    """
    for index, correction in enumerate(corrections, first):
        page = _apply_one(page, correction, index)
    return page


def apply_what_fits(page: Page, corrections: Sequence[Correction]) -> tuple[Page, list[Correction]]:
    """Return the page with those corrections that can be done, and the others."""
    left_out = []
    for correction in corrections:
        try:
            page = _apply_one(page, correction, 0)
        except Rejected:
            left_out.append(correction)
    return page, left_out


def _apply_one(page: Page, correction: Correction, index: int) -> Page:
    name = correction.operation.get("op")
    try:
        if not isinstance(name, str) or name not in OPERATIONS:
            raise Rejected(f"there is no operation {name!r:.40}.", hint=f"There are {', '.join(OPERATIONS)}.")
        changed = OPERATIONS[name](page, Ask(page, correction))
    except Rejected as error:
        message = f"operations[{index}]: {error.message}"
        raise Rejected(message, hint=error.hint, code="bad-correction") from None
    regions = tuple(replace(region, order=order) for order, region in enumerate(changed.regions))
    return replace(changed, regions=regions)
