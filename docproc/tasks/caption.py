"""A short description of a page, or of a part of it: what becomes the alt text of a picture."""

from __future__ import annotations

from docproc.geometry import Box
from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.locations import write_box
from docproc.tasks.writing import text_finding

name = "caption"
needs = ""
reads: Reads = "overview"
tokens = 64
side = 224  # COCO captions at 224 and 448: CIDEr 141.9 and 144.6 (arXiv 2407.07726, table 1)


def prompt(ask: Ask, view: View, trained: Trained) -> str:
    """Return the prompt: "what is in this box" where the model is shown the whole page and told the box."""
    if box := told_box(ask, trained):
        return write_prompt(trained, "caption-box", Words(box=write_box(box, view.box)))
    return write_prompt(trained, name, Words(language=ask.language))


def told_box(ask: Ask, trained: Trained) -> Box | None:
    """Return the box that the model is told; None when it is shown the box alone, or asked about the whole page."""
    return ask.box if ask.language == "en" and trained.knows("caption-box") else None


def parse(seen: Seen) -> Parsed:
    """Return the caption."""
    return text_finding(seen)
