"""Pictures of pages: drawn in the sandbox, kept in a folder of bounded size.

The picture is of the upright page: as the file shows it, then turned as the reading says it must be, so that
boxes of the reading lie where they belong.
"""

from __future__ import annotations

import io
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from docproc.errors import Rejected, Unavailable
from docproc.geometry import Box
from docproc.intake import Upload
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings

CACHE_BYTES = 1_000_000_000
"""What the folder may hold; beyond, what was not asked for longest is deleted."""
PAGE_SECONDS = 20.0
"""Longest time for one picture: somebody is waiting, and so is everybody who comes after."""
MOST_WAITING = 8
"""Pictures that are waited for at a time; more would leave no thread for the rest."""
PATIENCE = 10.0
"""Seconds to wait for one's turn."""
DPI = (10, 600)
"""The coarsest and finest that is drawn."""
UNKNOWN_DPI = 150
"""For pages whose size nobody knows yet."""
QUALITY = 85
LONGEST = 30_000
"""Most pixels of a side (JPEG ends at 65,535)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture: of which page, turned by `rotation` degrees clockwise, `width` pixels wide.

    `points` is how wide the upright page is, None when nobody knows yet; `box` the part of it that is wanted.
    """

    upload: Upload
    number: int
    width: int
    rotation: int = 0
    points: float | None = None
    box: Box | None = None


class Images:
    """Draws pictures and keeps them. Shared by the threads of a process; made after any fork."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.data_dir.expanduser() / "cache" / "pages"
        self._settings = replace(settings, page_seconds=min(settings.page_seconds, PAGE_SECONDS))
        self._sandbox = Sandbox(self._settings)
        self._turns = threading.BoundedSemaphore(MOST_WAITING)
        self._lock, self._cutting = threading.Lock(), threading.Lock()
        self._bytes: int | None = None

    def has(self, name: str) -> bool:
        """Whether the picture of that name is kept."""
        return self._path(name).exists()

    def known(self, name: str) -> bytes | None:
        """Return the picture of that name when it is kept."""
        path = self._path(name)
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return data

    def draw(self, name: str, wanted: Wanted) -> bytes:
        """Draw a picture as JPEG, keep it under `name`, return it.

        Raises EngineFailed when the page cannot be drawn, Unavailable when too many are waiting.
        """
        with self._turn():
            data = self.known(name)
            if data is None:
                data = _encoded(self._drawn(wanted), wanted.width)
                self._keep(name, data)
        return data

    def cut(self, wanted: Wanted, dpi: int, square: tuple[int, int], name: Callable[[int, int], str]) -> bytes | None:
        """Draw a page once, at `dpi`, keep all its squares, each under its name, and return one (column, row).

        None when the page ends before that square. Raises as `draw` does. `wanted.width` is the side of a square in
        pixels. One page is cut at a time: a large one takes some hundred megabytes.
        """
        with self._turn(), self._cutting:
            if (data := self.known(name(*square))) is not None:
                return data
            page, side = self._page(wanted, dpi).pixels, wanted.width
            for top in range(0, page.shape[0], side):
                for left in range(0, page.shape[1], side):
                    here = left // side, top // side
                    part = np.ascontiguousarray(page[top : top + side, left : left + side])
                    self._keep(name(*here), drawn := _jpeg(Image.fromarray(part)))
                    data = drawn if here == square else data
            return data

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    def _drawn(self, wanted: Wanted) -> PageImage:
        points = wanted.box.width if wanted.box else wanted.points
        dpi = round(wanted.width * 72 / points) if points else UNKNOWN_DPI
        upright = self._page(wanted, min(max(dpi, DPI[0]), DPI[1]))
        return _part(upright, wanted.box) if wanted.box else upright

    def _page(self, wanted: Wanted, dpi: int) -> PageImage:
        page = rasterize(wanted.upload, wanted.number, self._sandbox, dpi=dpi, settings=self._settings).image
        return replace(page, pixels=np.rot90(page.pixels, -wanted.rotation // 90))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=PATIENCE):
            raise Unavailable("Too many pictures are being drawn just now.", hint="Ask again in a few seconds.")
        try:
            yield
        finally:
            self._turns.release()

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.jpg"

    def _keep(self, name: str, data: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{secrets.token_hex(8)}")
        beside.write_bytes(data)
        beside.replace(path)
        with self._lock:
            if self._bytes is None:
                self._bytes = sum(size for _, size, _ in self._kept())
            self._bytes += len(data)
            if self._bytes > CACHE_BYTES:
                self._make_room()

    def _make_room(self) -> None:
        """Delete the oldest until four fifths are left."""
        kept = sorted(self._kept())
        total = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if total <= CACHE_BYTES * 4 // 5:
                break
            path.unlink(missing_ok=True)
            total -= size
        self._bytes = total

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.folder.glob("*/*"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process made room
                continue
            yield status.st_mtime, status.st_size, path


def _part(page: PageImage, box: Box) -> PageImage:
    try:
        return page.crop(box)
    except ValueError:
        raise Rejected("The box lies outside the page.", hint="It is in points of the upright page.") from None


def _encoded(page: PageImage, width: int) -> bytes:
    image = Image.fromarray(np.ascontiguousarray(page.pixels))
    scale = min(width / image.width, LONGEST / image.height)
    if scale < 1:  # never larger: a page that is all height would become a bomb
        size = [max(round(side * scale), 1) for side in image.size]
        image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    return _jpeg(image)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()
