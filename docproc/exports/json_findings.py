"""Findings and answers as JSON objects; `docproc.exports.json_reader` brings them back."""

from __future__ import annotations

from typing import Any

from docproc.findings import Answer, Finding, Mask


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """Return one finding as it stands in `findings` of a page."""
    return {
        "task": finding.task,
        "prompt": finding.prompt,
        "page": finding.page,
        "label": finding.label,
        "box": finding.box.as_list() if finding.box else None,
        "polygon": [list(corner) for corner in finding.polygon],
        "mask": _mask(finding.mask) if finding.mask else None,
        "text": finding.text,
        "confidence": finding.confidence,
        "run": finding.run,
    }


def answer_to_dict(answer: Answer) -> dict[str, Any]:
    """Return an answer as `docproc ask --json` prints it."""
    return {
        "text": answer.text,
        "confidence": answer.confidence,
        "not_found": answer.not_found,
        "ungrounded": answer.ungrounded,
        "engine": answer.engine,
        "evidence": [{"page": one.page, "text": one.text, "box": one.box.as_list()} for one in answer.evidence],
    }


def _mask(mask: Mask) -> dict[str, Any]:
    """Return COCO's uncompressed run-length code, with the rectangle of the page that its grid covers."""
    return {"box": mask.box.as_list(), "size": [mask.height, mask.width], "counts": list(mask.counts)}
