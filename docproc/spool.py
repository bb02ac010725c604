"""Pages kept on disk, so that a 2,000-page file is read in the memory of a 2-page one."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, overload

from docproc.document import Page
from docproc.exports.json import page_from_dict, page_to_dict


class SpooledPages(Sequence[Page]):
    """Pages in a temporary file, each read back when it is asked for."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: list[tuple[int, int]] = []

    def append(self, page: Page) -> None:
        """Add a page at the end."""
        data = zlib.compress(json.dumps(page_to_dict(page)).encode("utf-8"), 1)
        start = self._file.seek(0, 2)
        self._file.write(data)
        self._places.append((start, len(data)))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        if isinstance(index, slice):
            return [self._load(place) for place in self._places[index]]
        return self._load(self._places[index])

    def _load(self, place: tuple[int, int]) -> Page:
        start, length = place
        self._file.seek(start)
        return page_from_dict(json.loads(zlib.decompress(self._file.read(length))))


@contextmanager
def spooled(pages: Iterable[Page]) -> Iterator[SpooledPages]:
    """Read all `pages` onto disk; the file is gone when the context ends."""
    with tempfile.TemporaryFile(prefix="docproc-") as file:
        kept = SpooledPages(file)
        for page in pages:
            kept.append(page)
        yield kept
