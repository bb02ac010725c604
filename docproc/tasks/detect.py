"""Boxes around things that are named: "stamp ; signature"."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, things, write_prompt
from docproc.tasks.objects import box_findings

name = "detect"
needs = "things"
reads: Reads = "both"
tokens = 512
side = 448  # COCO detection at 224, 448 and 896: mAP 28.7, 37.0 and 41.1 (arXiv 2412.03555, appendix C)


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt for one or several things, apart by `;`."""
    return write_prompt(trained, name, Words(thing=ask.thing))


def parse(seen: Seen) -> Parsed:
    """Return a box for every object. One without a label is what was asked for, if that was one thing."""
    asked = things(seen.ask.thing)
    return box_findings(seen, label=asked[0] if len(asked) == 1 else "")
