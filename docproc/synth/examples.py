"""The examples of the repository, drawn with fixed seeds."""

from __future__ import annotations

from pathlib import Path

from docproc.synth.kinds import draw
from docproc.synth.labels import Sample, samples

EXAMPLES = {"invoice-scan.pdf": ("invoice", 11), "report.pdf": ("example-report", 0)}
"""File name -> (kind, seed)."""


def example(name: str) -> Sample:
    """Return one example: its bytes and its truth."""
    kind, seed = EXAMPLES[name]
    return samples(draw(kind, seed), "pdf")[0]


def write_examples(folder: Path) -> list[Path]:
    """Write every example to `folder`; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in EXAMPLES:
        path = folder / name
        path.write_bytes(example(name).data)
        paths.append(path)
    return paths
