"""docproc and other products on the same pages, in one run: time, memory and errors.

    python benchmarks/compare.py                      # drawn print pages, 200 dpi, no text layer
    python benchmarks/compare.py --set ../sets/sroie  # labelled documents instead; no slope then

Each product runs in a process of its own. They take turns page by page (A B C D A B C D), so that whatever
else the machine does hits all of them alike; the ratio is the median of the ratios of the same page. Warm
seconds per page are (t(24 pages) - t(4 pages)) / 20 of one file each; the first page is reported apart.
"""

from __future__ import annotations

import argparse
import os
import platform
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import matplotlib
from pages import DPI, BenchPage, drawn_pages, joined
from products import Product

from docproc.evaluate.dataset import load
from docproc.evaluate.report import markdown
from docproc.evaluate.text import text_scores

matplotlib.use("Agg")
from matplotlib import pyplot as plt

RESULTS = Path(__file__).with_name("results")
NAMES = ("docproc", "rapidocr", "ocrmypdf", "pymupdf4llm")
FEW, MANY = 4, 24


@dataclass
class Measured:
    """What was measured of one product; seconds, bytes, 0-1."""

    ready: float = 0.0
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)
    slope: float | None = None
    peak: int = 0
    word_f1: list[float] = field(default_factory=list)
    cer: list[float] = field(default_factory=list)

    @property
    def page(self) -> float:
        """Median seconds of a page on its own."""
        return median(self.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=8, help="how many pages in turn [8]")
    parser.add_argument("--kind", default="print", help="kind of drawn page, see `docproc synth --help` [print]")
    parser.add_argument("--set", type=Path, help="folder of a labelled set to read instead")
    parser.add_argument("--products", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--no-slope", action="store_true", help="leave the files of 4 and 24 pages out")
    parser.add_argument("--name", default="compare", help="names results/NAME.md and .png [compare]")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        if options.set:
            [labelled] = load(options.set)
            fold, what = labelled.upper_case, labelled.name
            pages = [BenchPage(one.path.absolute(), one.text) for one in labelled.truths if one.text is not None]
        else:
            fold, what = False, f"drawn pages ({options.kind}, {DPI} dpi, no text layer)"
            pages = list(drawn_pages(Path(folder), max(options.pages, FEW), options.kind))
        slope = not (options.set or options.no_slope)
        with ExitStack() as stack:
            products = [stack.enter_context(Product(name)) for name in options.products]
            measured = in_turn(products, pages[: options.pages], fold_case=fold)
            if slope:
                add_slopes(products, measured, pages, Path(folder))
            for product in products:
                measured[product.name].peak = product.peak
    write(measured, f"{min(options.pages, len(pages))} of {what}", options.name)


def in_turn(products: list[Product], pages: list[BenchPage], *, fold_case: bool) -> dict[str, Measured]:
    """Read the first page once to warm up, then each page by each product in turn."""
    measured = {product.name: Measured(ready=product.ready) for product in products}
    for product in products:
        measured[product.name].first = product.read(pages[0].path).seconds
    for page in pages:
        for product in products:
            answer, mine = product.read(page.path), measured[product.name]
            scores = text_scores(page.text, answer.text, fold_case=fold_case)
            mine.seconds.append(answer.seconds)
            mine.word_f1.append(scores["word_f1"])
            mine.cer.append(scores["cer"])
            print(f"{page.path.name} {product.name} {answer.seconds:.2f} s, F1 {scores['word_f1']:.3f}", flush=True)
    return measured


def add_slopes(products: list[Product], measured: dict[str, Measured], pages: list[BenchPage], folder: Path) -> None:
    """Measure the warm seconds per page inside one file."""
    few, many = (joined(pages, count, folder / f"{count}.pdf") for count in (FEW, MANY))
    for product in products:
        short, long = product.read(few).seconds, product.read(many).seconds
        measured[product.name].slope = (long - short) / (MANY - FEW)
        print(f"{product.name}: {FEW} pages {short:.1f} s, {MANY} pages {long:.1f} s", flush=True)


def rows(measured: dict[str, Measured]) -> list[list[str]]:
    """Return the table; ratios are to the first product."""
    base = next(iter(measured.values()))
    head = [
        "product",
        "s/page",
        "ratio",
        "warm s/page",
        "ratio",
        "load s",
        "first page s",
        "peak MB",
        "word F1",
        "CER",
    ]
    body = []
    for name, one in measured.items():
        ratio = median(theirs / ours for theirs, ours in zip(one.seconds, base.seconds, strict=True))
        warm = ["", ""]
        if one.slope is not None and base.slope:
            warm = [f"{one.slope:.2f}", f"{one.slope / base.slope:.2f}"]
        page = [f"{one.page:.2f}", f"{ratio:.2f}", *warm, f"{one.ready:.2f}", f"{one.first:.2f}"]
        body.append([name, *page, f"{one.peak / 1e6:.0f}", f"{fmean(one.word_f1):.3f}", f"{fmean(one.cer):.3f}"])
    return [head, *body]


def write(measured: dict[str, Measured], what: str, name: str) -> None:
    """Write results/NAME.md and results/NAME.png."""
    RESULTS.mkdir(exist_ok=True)
    text = (
        f"# docproc beside other products\n\n{date.today()}, {what}; {os.cpu_count()} cores "
        f"({platform.machine()}), Python {platform.python_version()}.\n\n{markdown(rows(measured))}\n"
        "Ratios are times over docproc's: above 1 is slower than docproc. s/page: median of pages read one file "
        "each, in turn; its ratio is the median over the same pages. Warm s/page: "
        f"(t({MANY} pages) - t({FEW} pages)) / {MANY - FEW} within one file. Peak: RSS of the product's "
        "processes together. Word F1 and CER as in `docproc evaluate`, means over pages.\n\n"
        f"![seconds, memory and F1]({name}.png)\n"
    )
    (RESULTS / f"{name}.md").write_text(text, "utf-8")
    _plot(measured, RESULTS / f"{name}.png", what)


def _plot(measured: dict[str, Measured], out: Path, what: str) -> None:
    names = list(measured)
    bars = (
        ("seconds per page", [one.slope or one.page for one in measured.values()], "{:.2f}"),
        ("peak memory, MB", [one.peak / 1e6 for one in measured.values()], "{:.0f}"),
        ("word F1", [fmean(one.word_f1) for one in measured.values()], "{:.3f}"),
    )
    figure, axes = plt.subplots(1, len(bars), figsize=(12, 3.2), layout="constrained")
    figure.suptitle(what, fontsize=10)
    for axis, (title, values, form) in zip(axes, bars, strict=True):
        drawn = axis.barh(names[::-1], values[::-1], color=["#9aa5b1"] * (len(names) - 1) + ["#2b6cb0"])
        axis.bar_label(drawn, [form.format(value) for value in values[::-1]], padding=3)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.18)
    figure.savefig(out, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
