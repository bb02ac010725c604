"""A question that the page answers with what is given: to make training data and suggestions."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.writing import text_finding

name = "question"
needs = "answer"
reads: Reads = "overview"
tokens = 64
side = 896


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the prompt for an English answer and a question in the language asked for."""
    return write_prompt(trained, name, Words(thing=ask.thing, language=ask.language))


def parse(seen: Seen) -> Parsed:
    """Return the question."""
    return text_finding(seen)
