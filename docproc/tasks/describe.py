"""A long description of a page, or of a part of it."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.writing import text_finding

name = "describe"
needs = ""
reads: Reads = "overview"
tokens = 256
side = 448


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt in the language asked for."""
    return write_prompt(trained, name, Words(language=ask.language))


def parse(seen: Seen) -> Parsed:
    """Return the description."""
    return text_finding(seen)
