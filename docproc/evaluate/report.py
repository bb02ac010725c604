"""The figures as a table for the terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from docproc.evaluate.fields import by_field
from docproc.evaluate.metrics import FOOTER, METRICS, definitions, goodness
from docproc.evaluate.score import DocumentResult, Scores, SetResult

WORST = 3
"""Documents listed as the worst of a set."""


def table(results: Sequence[SetResult]) -> str:
    """Return the figures of all sets as lines of plain text, the worst documents below, then definitions."""
    parts = [aligned(figures(results))]
    for one in results:
        fields = [field for doc in one.documents for field in doc.fields]
        if fields:
            parts.append(f"Fields of {one.name}:\n{aligned(by_field(fields))}")
        listed = [f"  {goodness(doc.scores) or 0.0:.3f}  {_file(doc)}{_why(doc)}" for doc in worst(one)]
        if listed:
            parts.append("\n".join([f"Worst of {one.name}:", *listed]))
    shown = {name for one in results for name in one.scores}
    return "\n\n".join([*parts, FOOTER, definitions(shown)])


def figures(results: Sequence[SetResult]) -> list[list[str]]:
    """Return rows of cells: a heading row, then a row per set; only figures that some set has."""
    names = [name for name in METRICS if any(name in one.scores for one in results)]
    head = ["set", "documents", "failed", *(METRICS[name].title for name in names), "s/document"]
    rows = [head]
    for one in results:
        seconds = sum(doc.seconds for doc in one.documents) / max(len(one.documents), 1)
        values = [figure(one.scores, name) for name in names]
        rows.append([one.name, str(len(one.documents)), str(one.failed), *values, f"{seconds:.2f}"])
    return rows


def figure(scores: Scores, name: str) -> str:
    """Return a figure with three digits, "" where there is none."""
    return f"{scores[name]:.3f}" if name in scores else ""


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns of text: the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a GFM table; the first row is its head."""
    rule = ["---", *("---:" for _ in rows[0][1:])]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in (escaped[0], rule, *escaped[1:])) + "\n"


def to_json(results: Sequence[SetResult]) -> str:
    """Return everything as JSON: figures per set and document, facts that failed, definitions."""
    content = {
        "schema_version": "1.0",
        "definitions": {metric.name: metric.definition for metric in METRICS.values()},
        "note": FOOTER,
        "sets": [
            {
                "name": one.name,
                "failed": one.failed,
                "scores": one.scores,
                "documents": [_document(doc) for doc in one.documents],
            }
            for one in results
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def worst(result: SetResult, limit: int = WORST) -> list[DocumentResult]:
    """Return the documents with the lowest mean of their headline figures, worst first; perfect ones not."""
    rated = [(goodness(doc.scores), doc) for doc in result.documents]
    bad = sorted((value, at) for at, (value, _) in enumerate(rated) if value is not None and value < 1.0)
    return [result.documents[at] for _, at in bad[:limit]]


def _document(doc: DocumentResult) -> dict[str, Any]:
    facts = [{"fact": dict(one.fact), "passed": not one.reason, "reason": one.reason} for one in doc.facts]
    return {
        "file": _file(doc),
        "scores": doc.scores,
        "seconds": round(doc.seconds, 3),
        "problem": doc.problem,
        "facts": facts,
        "fields": [asdict(one) for one in doc.fields],
    }


def _file(doc: DocumentResult) -> str:
    return doc.truth.path.name


def _why(doc: DocumentResult) -> str:
    return f"  ({doc.problem})" if doc.problem else ""
