"""Check boxes that are drawn: squares in the file or in the pixels of a page."""

from __future__ import annotations

from dataclasses import dataclass

from docproc.geometry import Box


@dataclass(frozen=True, slots=True)
class Square:
    """A box to tick, in points of the upright page; `checked` when something stands in it."""

    box: Box
    checked: bool
    confidence: float = 0.8
