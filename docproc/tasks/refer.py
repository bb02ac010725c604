"""The one thing that a description means: "the round stamp beside the signature"."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, clean, write_prompt
from docproc.tasks.locations import read_spots
from docproc.tasks.objects import box_findings, mask_findings

name = "refer"
needs = "description"
reads: Reads = "overview"  # a tile does not show what the thing is beside
tokens = 128
side = 448


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt. A description with `;` in it is still one."""
    return write_prompt(trained, name, Words(thing=ask.thing.replace(";", ",")))


def parse(seen: Seen) -> Parsed:
    """Return the surest object, with its mask where the model wrote one."""
    label = clean(seen.ask.thing)
    spots, _ = read_spots(seen.generation.text)
    masked = seen.decoder is not None and any(spot.codes for spot in spots)
    parsed = mask_findings(seen, label=label) if masked else box_findings(seen, label=label)
    best = sorted(parsed.findings, key=lambda finding: -(finding.confidence or 0.0))[:1]
    return Parsed(best, parsed.invalid)
