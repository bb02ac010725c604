"""The examples of the repository, drawn with fixed seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from docproc.synth.kinds import draw
from docproc.synth.labels import Sample, samples

EXAMPLES = {
    "invoice.pdf": ("invoice", 23, False),
    "invoice-scan.pdf": ("invoice", 11, True),
    "report.pdf": ("example-report", 0, True),
}
"""File name -> (kind, seed, whether it is scanned where its kind is)."""


def example(name: str) -> Sample:
    """Return one example: its bytes and its truth."""
    kind, seed, scanned = EXAMPLES[name]
    drawn = draw(kind, seed)
    return samples(drawn if scanned else replace(drawn, scan=None), "pdf")[0]


def write_examples(folder: Path) -> list[Path]:
    """Write every example to `folder`; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in EXAMPLES:
        path = folder / name
        path.write_bytes(example(name).data)
        paths.append(path)
    return paths
