"""Masks of things that are named: "stamp ; signature"."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, things, write_prompt
from docproc.tasks.objects import mask_findings

name = "segment"
needs = "things"
reads: Reads = "both"
tokens = 512
side = 448  # RefCOCO at 224, 448 and 896: mIoU 73.4, 75.6 and 76.9 (arXiv 2407.07726, table 1)


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt for one or several things, apart by `;`."""
    return write_prompt(trained, name, Words(thing=ask.thing))


def parse(seen: Seen) -> Parsed:
    """Return a box and a mask for every object."""
    asked = things(seen.ask.thing)
    return mask_findings(seen, label=asked[0] if len(asked) == 1 else "")
