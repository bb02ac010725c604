"""All text of an image, in raster order: what is read is aligned with known lines by `docproc.tasks.align`."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.writing import text_finding

name = "ocr"
needs = ""
reads: Reads = "text"
tokens = 512
side = 896


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt; nothing is needed."""
    return write_prompt(trained, name, Words())


def parse(seen: Seen) -> Parsed:
    """Return the text with its line breaks, as a finding of the view."""
    return text_finding(seen, lines=True)
