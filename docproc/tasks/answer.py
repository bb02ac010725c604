"""A question about a page. Answers are English, whatever the question is in; with choices, one of them."""

from __future__ import annotations

from docproc.tasks.asking import Ask, Parsed, Reads, Seen, View
from docproc.tasks.grammar import Trained, Words, write_prompt
from docproc.tasks.writing import text_finding

name = "answer"
needs = "question"
reads: Reads = "overview"
tokens = 64
side = 896  # DocVQA at 224, 448 and 896: 43.7, 78.0 and 84.8 (arXiv 2407.07726, table 1)


def prompt(ask: Ask, view: View, trained: Trained) -> str:  # noqa: ARG001
    """Return the question as the model was trained to get it."""
    asked = "answer-choice" if ask.choices else name
    return write_prompt(trained, asked, Words(thing=ask.thing, choices=ask.choices))


def parse(seen: Seen) -> Parsed:
    """Return the answer; `docproc.tasks.ground` says what it rests on."""
    return text_finding(seen)
