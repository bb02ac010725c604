"""What other products reach on labelled sets, scored by the rules of `docproc evaluate`: the numbers to beat.

python benchmarks/baselines.py ../sets
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

from products import Product, as_document

from docproc.evaluate.dataset import load
from docproc.evaluate.metrics import FOOTER, METRICS, definitions
from docproc.evaluate.report import figures, markdown
from docproc.evaluate.score import SetResult, evaluate_set

Known = dict[str, dict[str, str]]
"""`product on set` -> column -> figure."""

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
    parser.add_argument("--set", action="append", help="only these")
    options = parser.parse_args()
    for name, sets in PLAN.items():
        for chosen, limit in sets.items():
            if name in (options.product or PLAN) and chosen in (options.set or sets):
                _keep(measure(name, options.folder / chosen, limit))


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


def _keep(result: SetResult) -> None:
    """Put one result into results/baselines.json and write the table anew, so that a part can be run again."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "baselines.json"
    known: Known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    head, row = figures([result])
    known[result.name] = {"date": str(date.today()), **dict(zip(head[1:], row[1:], strict=True))}
    path.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    (RESULTS / "baselines.md").write_text(_report(known), "utf-8")


def _report(known: Known) -> str:
    titles = ["date", "documents", "failed", *(one.title for one in METRICS.values()), "s/document"]
    shown = [title for title in titles if any(title in one for one in known.values())]
    rows = [["product and set", *shown]]
    rows += [[name, *(one.get(title, "") for title in shown)] for name, one in sorted(known.items())]
    versions = ", ".join(f"{name} {version(name)}" for name in ("rapidocr", "pymupdf4llm", "pymupdf"))
    notes = "".join(f"- {line}\n" for line in definitions().splitlines())
    return (
        f"# What other products reach\n\nWith {versions}. Seconds are of a busy machine: compare.md has times that "
        "can be compared. Of some sets only the first documents were read.\n\n"
        f"{markdown(rows)}\n{FOOTER}\n\n{notes}"
    )


if __name__ == "__main__":
    main()
