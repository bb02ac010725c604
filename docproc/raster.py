"""Pixels that know where they lie on the page, and how pages become pixels: where pixels and points meet."""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from docproc.errors import DocprocError, EngineFailed, Rejected, Unavailable
from docproc.geometry import Box, Point, Polygon
from docproc.intake import FORMATS, Upload
from docproc.resolution import affordable_dpi, image_dpi, reading_dpi, smallest_print
from docproc.sandbox import Reply, Sandbox
from docproc.settings import Settings

POINTS_PER_INCH = 72.0

Pixels = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""
Rasterizer = Literal["auto", "pymupdf", "poppler"]
NO_TRACE = 12
"""Levels of 255 between the darkest and lightest pixel of a word's box under which nobody sees the word."""
SCAN_SHARE = 0.85
"""Share of the page that pictures cover when it is a scan (margins may be cropped)."""
SCAN_WORDS = 20
"""Visible words (a stamp, a page number) that a scan may have on top."""


@dataclass(frozen=True, slots=True, eq=False)
class PageImage:
    """A rectangle of an upright page, drawn.

    `pixels` is uint8[H, W, 3] RGB; `dpi` its resolution; `left`, `top` where its top-left corner lies on the
    page, in points. A page, a tile and a line crop are all PageImages.
    """

    pixels: Pixels
    dpi: float
    left: float = 0.0
    top: float = 0.0

    @property
    def scale(self) -> float:
        """Pixels per point."""
        return self.dpi / POINTS_PER_INCH

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def box(self) -> Box:
        """The rectangle of the page that is drawn."""
        return Box(self.left, self.top, self.left + self.width / self.scale, self.top + self.height / self.scale)

    def polygon(self, quad: Sequence[Sequence[float]]) -> Polygon:
        """Return pixel corners (x, y) of this image as a polygon on the page."""
        return tuple((self.left + x / self.scale, self.top + y / self.scale) for x, y in quad)

    def place(self, quad: Sequence[Sequence[float]]) -> Box:
        """Return the box on the page around pixel corners (x, y) of this image."""
        return Box.around(self.polygon(quad))

    def to_pixels(self, point: Point) -> Point:
        """Return where a point of the page lies in this image, in pixels (not rounded, may be outside)."""
        return (point[0] - self.left) * self.scale, (point[1] - self.top) * self.scale

    def crop(self, box: Box) -> PageImage:
        """Return the part inside `box`, on whole pixels, at least one pixel wide and high; a view, no copy.

        Raises ValueError when the box lies outside the image.
        """
        x0, y0 = self.to_pixels((box.left, box.top))
        x1, y1 = self.to_pixels((box.right, box.bottom))
        left, top = max(int(np.floor(x0 + 1e-6)), 0), max(int(np.floor(y0 + 1e-6)), 0)
        right, bottom = min(int(np.ceil(x1 - 1e-6)), self.width), min(int(np.ceil(y1 - 1e-6)), self.height)
        right, bottom = max(right, left + 1), max(bottom, top + 1)
        if left >= self.width or top >= self.height or x1 < 0 or y1 < 0:
            raise ValueError(f"{box.as_list()} lies outside the image, which covers {self.box.as_list()}")
        return PageImage(
            self.pixels[top:bottom, left:right],
            self.dpi,
            self.left + left / self.scale,
            self.top + top / self.scale,
        )


@dataclass(frozen=True, slots=True)
class LayerWord:
    """A word of a PDF's own text layer, on the upright page.

    `block` and `line` number it in the order of the file, `size` is the font's in points. `hidden`: nobody sees
    it, because it is drawn in render mode 3, transparent, covered, or leaves no trace in the pixels.
    """

    text: str
    box: Box
    polygon: Polygon
    block: int
    line: int
    size: float
    hidden: bool = False
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page as drawn: the whole upright page in `image`, `width` and `height` in points.

    `layer` is the text layer in the order of the file, `pictures` the rectangles of embedded images,
    `native_dpi` the resolution of the largest. `dpi_assumed`: the file does not say how large the page is.
    """

    image: PageImage
    width: float
    height: float
    dpi_assumed: bool
    drawn_by: str
    layer: tuple[LayerWord, ...] = ()
    pictures: tuple[Box, ...] = ()
    native_dpi: float | None = None


def rasterize(
    upload: Upload,
    number: int,
    sandbox: Sandbox,
    *,
    dpi: int | None = None,
    rasterizer: Rasterizer = "auto",
    settings: Settings,
) -> Drawn:
    """Draw page `number` (from 1) of `upload`, upright as the file says: /Rotate, crop box, UserUnit, EXIF.

    Without `dpi` the page chooses (`docproc.resolution`). "auto" is PyMuPDF, and poppler where that fails.
    Raises EngineFailed when the page cannot be drawn within the limits, Unavailable when poppler was asked for
    and is missing, ValueError when there is no such page.
    """
    if not 1 <= number <= upload.pages:
        raise ValueError(f"there is no page {number}: the file has {upload.pages}")
    page = _Page(upload, number, sandbox, settings, time.monotonic() + settings.page_seconds)
    if upload.media_type in FORMATS:
        return _draw_image(page, dpi)
    look = _look(page, rasterizer)
    scan_dpi = look.native_dpi if look.is_scan else None
    chosen = dpi or reading_dpi(
        look.width,
        look.height,
        scan_dpi=scan_dpi,
        smallest=smallest_print((word.size, len(word.text)) for word in look.words if not word.hidden),
        max_pixels=settings.max_pixels,
    )
    image, drawn_by = _draw_pdf(page, look, chosen, rasterizer)
    if look.no_area and _blank(image.pixels):
        raise EngineFailed("The page has no area.", code="no-area")
    layer = tuple(_seen(word, image) for word in look.words)
    boxes = tuple(box for box, _ in look.pictures)
    return Drawn(image, look.width, look.height, False, drawn_by, layer, boxes, look.native_dpi)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page to draw: what the verbs need, and until when (`time.monotonic`) there is time for all of them."""

    upload: Upload
    number: int
    sandbox: Sandbox
    settings: Settings
    deadline: float

    def ask(self, verb: str, **more: Any) -> Reply:
        pdf = {} if self.upload.media_type in FORMATS else {"password": self.upload.password}
        arguments = {"path": str(self.upload.path), "number": self.number, **pdf, **more}
        return self.sandbox.call(verb, arguments, seconds=max(self.deadline - time.monotonic(), 0.1))

    def picture(self, reply: Reply, dpi: float, width: float, height: float) -> PageImage:
        """Return the drawn page; raise EngineFailed when it is not what `width` x `height` points give."""
        wide, high = reply.values.get("width"), reply.values.get("height")
        if not (isinstance(wide, int) and isinstance(high, int) and wide * high * 3 == len(reply.blob)):
            raise _nonsense()
        if abs(wide - width * dpi / POINTS_PER_INCH) > 2 or abs(high - height * dpi / POINTS_PER_INCH) > 2:
            raise EngineFailed("The page was drawn in another size than it has.", code="broken-page")
        return PageImage(np.frombuffer(reply.blob, np.uint8).reshape(high, wide, 3), dpi)

    def afford(self, dpi: float, width: float, height: float) -> None:
        """Raise EngineFailed when `width` x `height` points at `dpi` are no page or more pixels than allowed."""
        if not (width > 0 and height > 0):
            raise EngineFailed("The page has no area.", code="no-area")
        pixels = math.ceil(width * dpi / POINTS_PER_INCH) * math.ceil(height * dpi / POINTS_PER_INCH)
        if pixels > self.settings.max_pixels:
            raise EngineFailed(
                f"The page has {pixels:,} pixels at {dpi:.0f} dpi; the limit is {self.settings.max_pixels:,}.",
                hint="Give a lower --dpi, or raise DOCPROC_MAX_PIXELS.",
                code="too-many-pixels",
            )


@dataclass(frozen=True, slots=True)
class _Look:
    """What a PDF page says of itself; `pictures` with their dpi."""

    width: float
    height: float
    words: tuple[LayerWord, ...]
    pictures: tuple[tuple[Box, float], ...]
    no_area: bool = False

    @property
    def native_dpi(self) -> float | None:
        """The dpi of the largest picture; of several about as large (background and letters) the finest."""
        largest = max((box.area for box, _ in self.pictures), default=0.0)
        return max((dpi for box, dpi in self.pictures if box.area >= 0.7 * largest), default=None)

    @property
    def is_scan(self) -> bool:
        """Whether pictures cover the page and hardly any text is drawn."""
        covered = sum(box.area for box, _ in self.pictures)
        visible = sum(not word.hidden for word in self.words)
        return covered >= SCAN_SHARE * self.width * self.height and visible <= SCAN_WORDS


def _look(page: _Page, rasterizer: Rasterizer) -> _Look:
    try:
        values = page.ask("pdf-look").values
    except (EngineFailed, Rejected) as error:
        values = _second_try(page, rasterizer, error, "poppler-look").values
    try:
        return _Look(
            _finite(values["width"]),
            _finite(values["height"]),
            tuple(word for word in map(_word, values["words"]) if _prints(word.text)),
            tuple((Box(*map(_finite, row[:4])), _finite(row[4])) for row in values["pictures"]),
            values.get("no_area") is True,
        )
    except (LookupError, TypeError, ValueError) as error:
        raise _nonsense() from error


def _draw_pdf(page: _Page, look: _Look, dpi: float, rasterizer: Rasterizer) -> tuple[PageImage, str]:
    page.afford(dpi, look.width, look.height)
    poppler = {"dpi": dpi, "width": look.width}
    if rasterizer == "poppler":
        return _image(page, page.ask("poppler-draw", **poppler), look, dpi)
    try:
        reply = page.ask("pdf-draw", dpi=dpi)
    except (EngineFailed, Rejected) as error:
        return _image(page, _second_try(page, rasterizer, error, "poppler-draw", **poppler), look, dpi)
    image, drawn_by = _image(page, reply, look, dpi)
    if rasterizer == "auto" and reply.values.get("complaint") and _blank(image.pixels):
        # MuPDF leaves out what it cannot decode; poppler may be able to
        try:
            other, by = _image(page, page.ask("poppler-draw", **poppler), look, dpi)
        except DocprocError:
            return image, drawn_by
        return (image, drawn_by) if _blank(other.pixels) else (other, by)
    return image, drawn_by


def _second_try(page: _Page, rasterizer: Rasterizer, first: DocprocError, verb: str, **more: Any) -> Reply:
    """Let poppler try what MuPDF failed at; when it cannot either, raise what MuPDF said."""
    if rasterizer == "pymupdf" or first.code == "parser-time":
        raise first
    try:
        return page.ask(verb, **more)
    except Unavailable as error:
        raise error if rasterizer == "poppler" else first from None
    except (EngineFailed, Rejected):
        raise first from None


def _draw_image(page: _Page, dpi: int | None) -> Drawn:
    values = page.ask("image-look", kind=FORMATS[page.upload.media_type]).values
    try:
        wide, high, stated = int(values["width"]), int(values["height"]), (values["dpi_x"], values["dpi_y"])
        across, down, assumed = image_dpi(wide, high, (_finite(stated[0]), _finite(stated[1])))
    except (LookupError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _nonsense() from error
    width, height = wide * POINTS_PER_INCH / across, high * POINTS_PER_INCH / down
    native = max(across, down)
    chosen = dpi or min(native, affordable_dpi(width, height, page.settings.max_pixels))
    page.afford(chosen, width, height)
    size = [max(round(side * chosen / POINTS_PER_INCH), 1) for side in (width, height)]
    kind = FORMATS[page.upload.media_type]
    reply = page.ask("image-draw", kind=kind, width=size[0], height=size[1])
    image = page.picture(reply, chosen, width, height)
    drawn_by = str(reply.values.get("drawn_by", ""))
    return Drawn(image, width, height, assumed, drawn_by, pictures=(image.box,), native_dpi=native)


def _image(page: _Page, reply: Reply, look: _Look, dpi: float) -> tuple[PageImage, str]:
    return page.picture(reply, dpi, look.width, look.height), str(reply.values.get("drawn_by", ""))


def _blank(pixels: Pixels) -> bool:
    return bool((pixels == pixels[0, 0]).all())


def _seen(word: LayerWord, image: PageImage) -> LayerWord:
    """Return the word, hidden when its box in `image` is of one colour."""
    if word.hidden or not image.box.contains(word.box.center):
        return replace(word, hidden=True)
    pixels = image.crop(word.box).pixels
    if min(pixels.shape[:2]) < 3:  # too few to tell
        return word
    traces = any(int(np.ptp(pixels[:, :, channel])) >= NO_TRACE for channel in (1, 0, 2))
    return word if traces else replace(word, hidden=True)


def _word(row: Sequence[Any]) -> LayerWord:
    text, *corners = row[:9]
    polygon = tuple((_finite(x), _finite(y)) for x, y in zip(corners[::2], corners[1::2], strict=True))
    block, line, size, flags = row[9:]
    return LayerWord(
        _clean(text), Box.around(polygon), polygon, int(block), int(line), _finite(size),
        hidden=bool(flags & 1), bold=bool(flags & 2),
    )  # fmt: skip


def _clean(text: str) -> str:
    """Return the text in NFC; characters that no export may contain become U+FFFD."""
    normal = unicodedata.normalize("NFC", text)
    return "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char for char in normal)


def _prints(text: str) -> bool:
    """Whether there is more to the text than zero-width characters."""
    return any(unicodedata.category(char) != "Cf" for char in text)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number


def _nonsense() -> EngineFailed:
    return EngineFailed("The parser's answer makes no sense.", code="parser-crash")
