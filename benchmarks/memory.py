"""Whether memory stays flat: a long file, read page by page, with the memory after each page.

    python benchmarks/memory.py --pages 1000

Fails (exit 1) when the end needs over 10 % more than page 50 did, or the peak is over 1.5 GB.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
from pages import drawn_pages, joined
from products import resident

import docproc

matplotlib.use("Agg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).with_name("results")
DIFFERENT = 24
"""Different pages, repeated; each is drawn, read and written as if it were new."""
SETTLED = 50
GROWTH = 1.10
LARGEST = 1.5e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--kind", default="print", help="kind of drawn page [print]")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        pages = list(drawn_pages(Path(folder), min(DIFFERENT, options.pages), options.kind))
        path = joined(pages, options.pages, Path(folder) / "long.pdf")
        used, seconds = run(path)
    verdict = judge(used)
    write(used, seconds, verdict or "flat")
    print(verdict or "memory stays flat")
    sys.exit(bool(verdict))


def run(path: Path) -> tuple[list[int], float]:
    """Read the file; return the memory after each page (bytes, RSS of this process and all below) and the time."""
    used = []
    start = time.perf_counter()
    for page in docproc.read_pages(path, text_layer="never"):
        used.append(resident(os.getpid()))
        if page.failed or page.number % 50 == 0:
            print(f"page {page.number}: {used[-1] / 1e6:.0f} MB {page.problems or ''}", flush=True)
    return used, time.perf_counter() - start


def judge(used: list[int]) -> str:
    """Return what is wrong with the memory, "" when nothing is."""
    settled = used[min(SETTLED, len(used)) - 1]
    if used[-1] > settled * GROWTH:
        return f"grew from {settled / 1e6:.0f} MB after page {SETTLED} to {used[-1] / 1e6:.0f} MB"
    return f"peaked at {max(used) / 1e6:.0f} MB" if max(used) > LARGEST else ""


def write(used: list[int], seconds: float, verdict: str) -> None:
    """Write results/memory.md and results/memory.png."""
    RESULTS.mkdir(exist_ok=True)
    settled = used[min(SETTLED, len(used)) - 1]
    (RESULTS / "memory.md").write_text(
        f"# Memory over {len(used)} pages\n\n{date.today()}: {verdict}. After page {SETTLED} {settled / 1e6:.0f} MB, "
        f"at the end {used[-1] / 1e6:.0f} MB, peak {max(used) / 1e6:.0f} MB; {seconds / len(used):.2f} s per page. "
        "RSS of the process and its children, looked at after each page.\n\n![memory over pages](memory.png)\n",
        "utf-8",
    )
    figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
    axis.plot(range(1, len(used) + 1), [one / 1e6 for one in used], color="#2b6cb0")
    axis.axhline(settled * GROWTH / 1e6, color="#c05621", linestyle="--", label=f"page {SETTLED} + 10 %")
    axis.set(xlabel="page", ylabel="MB", ylim=(0, None))
    axis.legend()
    figure.savefig(RESULTS / "memory.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
