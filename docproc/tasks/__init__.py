"""Tasks turn a page into prompts for a vision engine, and what it wrote into findings: one small file each.

A task needs no model of its own and knows none: how a prompt is worded for which model stands in
`docproc.tasks.grammar`, which views of a page are shown in `docproc.tasks.pages`. Never import Flask, Celery,
SQLAlchemy or torch here. Whatever a model writes is untrusted: it is parsed, checked and counted, and never raises.
"""

from __future__ import annotations

from docproc.tasks import answer, caption, describe, detect, ocr, question, refer, segment, table
from docproc.tasks.asking import Ask, Parsed, Seen, Task

__all__ = ["TASKS", "Ask", "Parsed", "Seen", "Task"]

TASKS: dict[str, Task] = {
    task.name: task for task in (ocr, answer, caption, describe, detect, segment, refer, table, question)
}
"""Name -> task, in the order menus show them."""
