"""What other products reach on labelled sets, scored by the rules of `docproc evaluate`: the numbers to beat.

python benchmarks/baselines.py ../sets
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

from products import Product, as_document

from docproc.evaluate.dataset import load
from docproc.evaluate.metrics import FOOTER, definitions
from docproc.evaluate.report import figures, markdown
from docproc.evaluate.score import SetResult, evaluate_set

RESULTS = Path(__file__).with_name("results")
TEXT = {"sroie": 20, "pages_en": None, "pages_rotated": None, "pages_typewritten": 5, "pages_historical": 5}
PLAN: dict[str, dict[str, int | None]] = {
    "rapidocr": TEXT,
    "pymupdf4llm": {"pubtabnet": None, "publaynet": None},
    "pymupdf4llm-html": {"pubtabnet": None, "tables_synth": None},
    "find-tables": {"tables_icdar2013": None},
    "find-tables-union": {"tables_icdar2013": None},
}
"""Product -> set -> how many documents of it (None: all)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the labelled sets")
    parser.add_argument("--product", choices=PLAN, action="append", help="only these")
    options = parser.parse_args()
    results = [
        measure(name, options.folder / chosen, limit)
        for name, sets in PLAN.items()
        if name in (options.product or PLAN)
        for chosen, limit in sets.items()
        if (options.folder / chosen).is_dir()
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "baselines.md").write_text(_report(results), "utf-8")


def measure(name: str, folder: Path, limit: int | None) -> SetResult:
    """Let one product read one set."""
    [labelled] = load(folder)
    with Product(name) as product:
        result = evaluate_set(
            replace(labelled, truths=labelled.truths[:limit]),
            lambda path: as_document(product.read(path), path),
            done=lambda one: print(name, one.truth.path.name, one.scores, flush=True),
        )
    return replace(result, name=f"{name} on {result.name}")


def _report(results: list[SetResult]) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("rapidocr", "pymupdf4llm", "pymupdf"))
    notes = "".join(f"- {line}\n" for line in definitions().splitlines())
    return (
        f"# What other products reach\n\nMeasured {date.today()} with {versions}.\n\n"
        f"{markdown(figures(results))}\n{FOOTER}\n\n{notes}"
    )


if __name__ == "__main__":
    main()
