"""Files that were asked before: what was read of them is kept by content, so that a file is read once.

It lies in the folder `asked` of the data folder, within `MOST_BYTES`: what was used longest ago goes first. It
can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docproc.document import Page
from docproc.errors import Rejected
from docproc.exports.json import page_to_dict
from docproc.exports.json_reader import Node, read_page
from docproc.qa.index import Index

MOST_BYTES = 500_000_000
FORMAT = 1
"""Another number leaves what other versions kept unread."""


class KeptReadings:
    """The folder of what was read for questions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> Index | None:
        """Return what is kept under a name, None where there is nothing, or nothing that can be used."""
        path = self._folder / name
        try:
            with np.load(path, allow_pickle=False) as kept:
                pages = [read_page(Node(page)) for page in json.loads(zlib.decompress(kept["pages"].tobytes()))]
                vectors = [kept[f"passages{at}"] for at in range(len(pages))] if "passages0" in kept.files else []
            os.utime(path)
        except (OSError, ValueError, KeyError, zlib.error, Rejected):
            return None
        return Index.of(pages, vectors=vectors)

    def keep(self, name: str, index: Index) -> None:
        """Keep an index whole or not at all; then let go of the oldest beyond `MOST_BYTES`."""
        pages: Sequence[Page] = [text.page for text in index.texts]
        packed = zlib.compress(json.dumps([page_to_dict(page) for page in pages], separators=(",", ":")).encode())
        vectors = {f"passages{at}": vectors for at, vectors in enumerate(index.passages)}
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
            np.savez(file, pages=np.frombuffer(packed, np.uint8), **vectors)  # type: ignore[arg-type]
        Path(file.name).replace(self._folder / name)
        self._let_go()

    def _let_go(self) -> None:
        files = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > MOST_BYTES:
                path.unlink(missing_ok=True)


def name_of(sha256: str, options: object, version: str) -> str:
    """Return the name for what was read of a file (its SHA-256 in hex) with options by a version of docproc."""
    return hashlib.sha256(f"{FORMAT}/{version}/{sha256}/{options!r}".encode()).hexdigest() + ".npz"
