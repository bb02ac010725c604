"""A live `docproc serve` with the real engines, and the scan whose words are known that browsers give it."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymupdf
from browser_site import listen

from docproc.settings import Settings
from docproc.store import documents, sessions, shares, users
from docproc.store.database import Database

PATIENCE = 240.0
PLACES = """(all) => all.map(({ style }) => {
  const [left, top, wide, high] = ["left", "top", "width", "height"].map((side) => parseFloat(style[side]));
  return [left, top, left + wide, top + high];
})"""
"""What is painted on a page, as boxes in points."""
WORDS = {
    1: ("The harbour crane", "was painted on 4 May 2021", "by Zeno Quist and his two sons"),
    2: ("Its chain was renewed", "the year before that", "and weighs 318 kg"),
    3: ("Nobody has seen it move", "since the winter storm", "of the ninth of March"),
}
"""Page -> lines of the scan that is read."""


@dataclass
class Scan:
    """A PDF of pictures alone, and where its words stand: (page, word) -> box in points."""

    path: Path
    places: dict[tuple[int, str], tuple[float, float, float, float]]


def drawn_scan(path: Path) -> Scan:
    """Draw three pages, keep where their words stand, and leave nothing but their pixels."""
    places = {}
    with pymupdf.open() as pdf, pymupdf.open() as scan:
        for number, lines in WORDS.items():
            page = pdf.new_page(width=420, height=595)
            for at, line in enumerate(lines):
                page.insert_text(
                    (48, 90 + 40 * at), line, fontsize=15, color=(0.5, 0.5, 0.5) if at == 2 else (0, 0, 0)
                )
            places |= {(number, word[4]): tuple(word[:4]) for word in page.get_text("words")}
            picture = page.get_pixmap(dpi=110).tobytes("jpeg", jpg_quality=40)
            scan.new_page(width=420, height=595).insert_image(pymupdf.Rect(0, 0, 420, 595), stream=picture)
        scan.save(path)
    return Scan(path, places)


@dataclass
class Live:
    """A running `docproc serve`, and what browsers complained about."""

    url: str
    link: str
    folder: Path
    browser: Any
    scan: Scan
    complaints: list[str] = field(default_factory=list)

    def secret(self, name: str) -> str:
        """Return the session of a user, who is made where there is none."""
        with self.write() as session:
            known = {user.name: user for user in users.listing(session)}
            user = known.get(name) or users.add(session, name, "reviewer")
            return sessions.start(session, user)

    @contextlib.contextmanager
    def write(self) -> Iterator[Any]:
        database = Database(Settings(data_dir=self.folder))
        with database.write() as session:
            yield session
        database.close()

    def open(self, path: str = "/", who: str = "admin", **options: Any) -> Any:
        """Open a page in a context of its own; everything that goes wrong in it is noted."""
        context = self.browser.new_context(**options)
        if who:
            context.add_cookies([{"name": "docproc", "value": self.secret(who), "url": self.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        listen(page, self.note)
        page.goto(self.url + path)
        return page

    def note(self, text: str, bad: bool = True) -> None:
        if bad and "412" not in text:  # that somebody else was faster is not an error
            self.complaints.append(text)

    def document(self, filename: str) -> str:
        """Return the id of a document."""
        with self.write() as session:
            found = documents.page_of(session, [documents.DocumentRow.filename == filename])
            return found.items[0].row.id

    def share(self, document_id: str, name: str) -> None:
        with self.write() as session:
            shares.give(session, documents.get(session, document_id), name, may_write=True)


@contextlib.contextmanager
def serving(chromium: Any, folder: Path, *options: str, **settings: str) -> Iterator[Live]:
    """Run `docproc serve` with what it needs in `folder`, one worker, and settings of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCPROC_")}
    command = [sys.executable, "-m", "docproc", "serve", "--port", "0", "--data", str(folder / "data"), *options]
    log = folder / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**environment, "DOCPROC_WORKERS": "1", **settings},
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(2)]
        found = [re.search(r"http://\S+", line) for line in told]
        assert all(found), f"{told}; {log.read_text()}"
        scan = drawn_scan(folder / "scan.pdf")
        made = Live(found[0][0], found[1][0], folder / "data", chromium, scan)
        yield made
        for context in list(chromium.contexts):
            context.close()
        process.terminate()
        process.wait(40)
        process.stdout.close()


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is true; return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")
