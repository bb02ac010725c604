"""Whole page or 896 px tiles: word F1 and seconds of either on sheets from A4 to A0, and what docproc takes.

    python benchmarks/tiles.py

The same drawn sheets for all three; text only, no layout. Writes results/tiles.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import fmean, median

from docproc.document import Line, Page
from docproc.engines import OcrEngine, load_ocr
from docproc.evaluate.report import markdown
from docproc.evaluate.text import text_scores
from docproc.merge import merge
from docproc.pipeline import read_lines
from docproc.raster import PageImage
from docproc.settings import Settings
from docproc.synth.kinds import draw
from docproc.synth.labels import scans
from docproc.tiles import detail_tiles, overview

RESULTS = Path(__file__).with_name("results")
SHEETS = {"print": "A4, 10-11 pt print", "small-print": "A4, 5-6 pt print", "poster": "A1", "poster-a0": "A0"}
"""Kind of drawn page -> what it is."""
PAGES = 3


def whole(image: PageImage, ocr: OcrEngine) -> list[Line]:
    return ocr.read([overview(image, max(ocr.whole_side, 1))])[0]


def tiles(image: PageImage, ocr: OcrEngine) -> list[Line]:
    first = overview(image, max(ocr.whole_side, 1))
    views = [first, *detail_tiles(image)]
    return merge(image.box, [(view.box, ocr.read([view])[0]) for view in views])


def chosen(image: PageImage, ocr: OcrEngine) -> list[Line]:
    return read_lines(image, ocr)[0]


def measure(
    read: Callable[[PageImage, OcrEngine], list[Line]], pages: list[tuple[PageImage, Page]]
) -> tuple[float, float]:
    """Return mean word F1 and median seconds per page."""
    seconds, scores = [], []
    for image, truth in pages:
        start = time.perf_counter()
        lines = read(image, ENGINE)
        seconds.append(time.perf_counter() - start)
        scores.append(text_scores(truth.text, "\n".join(line.text for line in lines))["word_f1"])
    return fmean(scores), median(seconds)


def main() -> None:
    ways = {"whole": whole, "whole and tiles": tiles, "docproc's choice": chosen}
    rows = [["sheet", *(f"{way}: {what}" for way in ways for what in ("word F1", "s"))]]
    for kind, what in SHEETS.items():
        drawn = [draw(kind, seed) for seed in range(PAGES)]
        pages = [page for document in drawn for page in scans(document, document.dpi)]
        measured = [measure(read, pages) for read in ways.values()]
        rows.append([what, *(text for f1, seconds in measured for text in (f"{f1:.3f}", f"{seconds:.2f}"))])
        print(*rows[-1], sep=" | ", flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "tiles.md").write_text(
        f"# Whole sheets or tiles\n\n{date.today()}, {PAGES} drawn sheets of each kind, "
        f"engine {ENGINE.name}, no layout.\n\n"
        f"{markdown(rows)}",
        "utf-8",
    )


if __name__ == "__main__":
    ENGINE = load_ocr("rapid", Settings.from_environment(), ())
    main()
