"""Open and draw nasty files, and compare what happens with what their labels expect.

    python benchmarks/hostile.py DIR [--json results.json] [--pages 3]

DIR holds labels.jsonl: file (relative to DIR's parent, or to DIR), category, expect (ok, password, reject,
ok_or_reject) and, where known, the password. Exits 1 when anything differs from its label, or when a process or
a temporary file is left over.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from docproc.errors import DocprocError
from docproc.intake import open_upload
from docproc.raster import rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings

ALLOWED = {"ok": {"ok"}, "password": {"password"}, "reject": {"reject"}, "ok_or_reject": {"ok", "reject", "password"}}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one file: `got` is ok, password, reject, or no (its known password fails)."""

    file: str
    category: str
    expect: str
    got: str
    seconds: float
    said: str

    @property
    def as_expected(self) -> bool:
        """Whether the label allows it."""
        return self.got in ALLOWED[self.expect]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--json", type=Path, help="write every outcome here")
    options.add_argument("--pages", type=int, default=3, help="pages to draw of each file")
    chosen = options.parse_args()
    settings, lines = Settings(), (chosen.folder / "labels.jsonl").read_text("utf-8").splitlines()
    with tempfile.TemporaryDirectory() as own:
        tempfile.tempdir = own  # other programs' folders are not our leftovers
        with Sandbox(settings) as sandbox:
            outcomes = [_outcome(json.loads(line), chosen, sandbox, settings) for line in lines]
        left = sorted(_leftovers())
    _report(outcomes, left)
    if chosen.json:
        result = {"outcomes": [asdict(one) for one in outcomes], "leftovers": left}
        chosen.json.write_text(json.dumps(result, indent=1, ensure_ascii=False), "utf-8")
    return int(bool(left) or not all(one.as_expected for one in outcomes))


def _outcome(row: dict[str, Any], chosen: argparse.Namespace, sandbox: Sandbox, settings: Settings) -> Outcome:
    path = next(root / row["file"] for root in (chosen.folder.parent, chosen.folder) if (root / row["file"]).exists())
    started = time.monotonic()
    got, said = _attempt(path, None, chosen.pages, sandbox, settings)
    if got == "password" and row.get("password"):
        opened, why = _attempt(path, row["password"], chosen.pages, sandbox, settings)
        if opened != "ok":
            got, said = "no", f"with the known password: {why}"
    seconds = round(time.monotonic() - started, 2)
    return Outcome(path.name, row["category"], row["expect"], got, seconds, said)


def _attempt(path: Path, password: str | None, pages: int, sandbox: Sandbox, settings: Settings) -> tuple[str, str]:
    try:
        upload = open_upload(path, sandbox, password=password, settings=settings)
    except DocprocError as error:
        return ("password" if error.code == "password" else "reject"), str(error)
    drawn, said = 0, []
    for number in range(1, min(upload.pages, pages) + 1):
        try:
            page = rasterize(upload, number, sandbox, settings=settings)
            drawn += 1
            said.append(f"{page.drawn_by}, {page.image.width} x {page.image.height}")
        except DocprocError as error:
            said.append(str(error))
    # a file none of whose pages can be drawn is refused in the end
    return ("ok" if drawn else "reject"), f"{upload.pages} pages: {'; '.join(said)}"


def _leftovers() -> set[str]:
    """Return child processes and what is in the temporary folder, by name."""
    return {str(path) for path in Path(tempfile.gettempdir()).iterdir()} | {
        f"process {child.pid}" for child in psutil.Process().children(recursive=True)
    }


def _report(outcomes: list[Outcome], left: list[str]) -> None:
    for line in _table(outcomes):
        print(line)
    wrong = [one for one in outcomes if not one.as_expected]
    for one in wrong:
        print(f"NOT AS EXPECTED  {one.file}: {one.expect} expected, {one.got}: {one.said}")
    slowest = max(outcomes, key=lambda one: one.seconds)
    seconds = sum(one.seconds for one in outcomes)
    print(f"{len(outcomes)} files, {len(wrong)} not as expected, {seconds:.1f} s in all,", end=" ")
    print(f"slowest {slowest.seconds} s ({slowest.file}), {len(left)} leftovers {left or ''}")


def _table(outcomes: list[Outcome]) -> Iterator[str]:
    yield f"{'category':34}{'ok':>6}{'password':>10}{'reject':>8}{'wrong':>7}{'seconds':>9}"
    for category in sorted({one.category for one in outcomes}):
        mine = [one for one in outcomes if one.category == category]
        got = Counter(one.got for one in mine)
        wrong = sum(not one.as_expected for one in mine)
        seconds = sum(one.seconds for one in mine)
        yield f"{category:34}{got['ok']:6}{got['password']:10}{got['reject']:8}{wrong:7}{seconds:9.1f}"


if __name__ == "__main__":
    sys.exit(main())
