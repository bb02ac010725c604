"""The stories, top to bottom: a file becomes pages, a page becomes text, layout and tables."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from docproc import textlayer
from docproc.document import Document, Line, Page, Problem, Source, Tile
from docproc.engines import LayoutEngine, LineJudge, OcrEngine, load_judge, load_layout, load_ocr
from docproc.errors import DocprocError, EngineFailed, Rejected, Unavailable
from docproc.findings import Finding
from docproc.intake import Upload, open_upload
from docproc.memory import give_back_memory
from docproc.merge import merge
from docproc.order import assemble
from docproc.pairs import key_values
from docproc.pairs.squares import find_squares
from docproc.raster import Drawn, PageImage, Rasterizer, rasterize
from docproc.sandbox import Sandbox
from docproc.second import Second, load_second, read_again
from docproc.settings import Settings
from docproc.straighten import Straightened, straighten
from docproc.tiles import detail_tiles, overview
from docproc.wayback import WayBack

STAGES = ("draw", "read", "layout")
TextLayerMode = Literal["auto", "always", "never"]

LARGEST_WHOLE = 1250.0
"""Points. Pages up to A3 (1191 points) are read whole, as 10 pt print keeps 10 px there; larger sheets are posters
and plans, whose small print is lost when they are shrunk."""
SMALLEST_PRINT = 8.0
"""Lines lower than so many pixels in the whole view are too small for it: the page is read in tiles as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read. `dpi` None chooses per page; `languages` are ISO 639-1 codes, a hint that engines may use."""

    engine: str = "rapid"
    layout: str = "pdf-layout"
    dpi: int | None = None
    languages: tuple[str, ...] = ()
    password: str | None = None
    text_layer: TextLayerMode = "auto"
    rasterizer: Rasterizer = "auto"

    @property
    def models(self) -> tuple[str, str, tuple[str, ...]]:
        """What of it says which models are loaded."""
        return self.engine, self.layout, self.languages


@dataclass(frozen=True, slots=True)
class Engines:
    """What reads a page: text, layout, and which way is up."""

    ocr: OcrEngine
    layout: LayoutEngine
    judge: LineJudge
    second: Second | None = None


def load_engines(options: ReadOptions, settings: Settings) -> Engines:
    """Load what `options` ask for; raise Usage for what there is not, Unavailable for what is not installed."""
    ocr = load_ocr(options.engine, settings, options.languages)
    return Engines(ocr, load_layout(options.layout, settings), load_judge(ocr, settings), load_second(settings))


def other_engines(loaded: Engines, before: ReadOptions, options: ReadOptions, settings: Settings) -> Engines:
    """Return what `load_engines` does, keeping of what is `loaded` for `before` all that serves `options` too."""
    same_text = (before.engine, before.languages) == (options.engine, options.languages)
    ocr = loaded.ocr if same_text else load_ocr(options.engine, settings, options.languages)
    layout = loaded.layout if before.layout == options.layout else load_layout(options.layout, settings)
    judge = ocr if isinstance(ocr, LineJudge) else loaded.judge  # any judge is as good as another
    return Engines(ocr, layout, judge, loaded.second)


class Reader:
    """Engines and the parser sandbox, loaded once, for any number of files. Close it, best by `with`."""

    def __init__(self, options: ReadOptions | None = None, settings: Settings | None = None) -> None:
        self.options = options or ReadOptions()
        self.settings = settings or Settings.from_environment()
        self._sandbox = Sandbox(self.settings)
        self._engines = load_engines(self.options, self.settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the parser process."""
        self._sandbox.close()

    def like(self, options: ReadOptions) -> Reader:
        """Return a reader with other options on the same parser process; what of its engines is loaded is kept."""
        other = copy(self)
        other.options = options
        if options.models != self.options.models:
            engines = other_engines(self._engines, self.options, options, self.settings)
            other._engines = engines  # noqa: SLF001  (it is one of us)
        return other

    @property
    def engines(self) -> dict[str, str]:
        """Which engine fills which role, with versions."""
        found = {
            "ocr": f"{self._engines.ocr.name} {self._engines.ocr.version}",
            "layout": f"{self._engines.layout.name} {self._engines.layout.version}",
        }
        second = self._engines.second
        return found | {"second": second.name} if second else found

    def open(self, path: Path, *, password: str | None = None) -> Upload:
        """Check a file and say what it is; raise Rejected when it cannot be accepted.

        `password` is that of the options where not given.
        """
        return open_upload(path, self._sandbox, password=password or self.options.password, settings=self.settings)

    def document(self, upload: Upload, pages: Sequence[Page] | None = None) -> Document:
        """Return the whole file as read; `pages` when they are read already.

        Raises Rejected when no page could be read.
        """
        source = Source(upload.filename, upload.sha256, upload.media_type, upload.bytes)
        document = Document(source, tuple(self.pages(upload)) if pages is None else pages, self.engines)
        if document.problems and all(page.failed for page in document.pages):
            problem = document.problems[0][1]
            raise Rejected(problem.message, hint=problem.hint, code=problem.code)
        return document

    def draw(self, upload: Upload, number: int, *, rotation: int = 0) -> PageImage:
        """Return a page, counted from 1, upright when it is turned clockwise by `rotation` degrees.

        Raises EngineFailed or Unavailable when it cannot be drawn.
        """
        options = self.options
        drawn = rasterize(
            upload, number, self._sandbox, dpi=options.dpi, rasterizer=options.rasterizer, settings=self.settings
        )
        turned = np.ascontiguousarray(np.rot90(drawn.image.pixels, -rotation // 90))
        return replace(drawn.image, pixels=turned)

    def pages(self, upload: Upload) -> Iterator[Page]:
        """Read page by page, in order.

        While the text of one page is read, the next is drawn and the layout of the one before is found; no more
        pages than these three are held.

        A page that cannot be read comes as a page with `problems` and without lines.
        """
        with ThreadPoolExecutor(1, "draw") as ahead, ThreadPoolExecutor(1, "layout") as behind:
            coming = ahead.submit(self._draw, upload, 1)
            finishing: Future[Page] | None = None
            for number in range(1, upload.pages + 1):
                drawn = coming.result()
                if number < upload.pages:
                    coming = ahead.submit(self._draw, upload, number + 1)
                text = self._read(drawn, number)
                if finishing:
                    yield finishing.result()
                finishing = behind.submit(self._lay_out, text)
                give_back_memory()
            if finishing:
                yield finishing.result()

    def page(self, upload: Upload, number: int) -> Page:
        """Read one page, counted from 1."""
        return self.timed_page(upload, number)[0]

    def timed_page(self, upload: Upload, number: int) -> tuple[Page, dict[str, float]]:
        """Read one page, counted from 1; return it and the seconds of each stage: draw, read, layout."""
        times = [time.perf_counter()]
        drawn = self._draw(upload, number)
        times.append(time.perf_counter())
        text = self._read(drawn, number)
        times.append(time.perf_counter())
        page = self._lay_out(text)
        times.append(time.perf_counter())
        return page, {name: end - start for name, start, end in zip(STAGES, times[:-1], times[1:], strict=True)}

    def _draw(self, upload: Upload, number: int) -> Drawn | Page:
        options = self.options
        try:
            return rasterize(
                upload,
                number,
                self._sandbox,
                dpi=options.dpi,
                rasterizer=options.rasterizer,
                settings=self.settings,
            )
        except (EngineFailed, Unavailable) as error:
            return failed_page(number, error)

    def _read(self, drawn: Drawn | Page, number: int) -> PageText | Page:
        if isinstance(drawn, Page):
            return drawn
        try:
            return read_text(drawn, number, self._engines, text_layer=self.options.text_layer)
        except EngineFailed as error:
            return failed_page(number, error, drawn)

    def _lay_out(self, text: PageText | Page) -> Page:
        if isinstance(text, Page):
            return text
        try:
            return lay_out(text, self._engines)
        except EngineFailed as error:
            return failed_page(text.number, error, text.drawn)


@dataclass(frozen=True, slots=True)
class PageText:
    """A page whose text is read but not yet laid out; `views` are what the engine saw of `straight`."""

    number: int
    drawn: Drawn
    straight: Straightened
    choice: textlayer.Choice
    lines: list[Line]
    views: list[PageImage]
    disputed: list[Finding] = field(default_factory=list)


def read_page(drawn: Drawn, number: int, engines: Engines, *, text_layer: TextLayerMode = "auto") -> Page:
    """Read one drawn page; raise EngineFailed when an engine fails on it."""
    return lay_out(read_text(drawn, number, engines, text_layer=text_layer), engines)


def read_text(drawn: Drawn, number: int, engines: Engines, *, text_layer: TextLayerMode = "auto") -> PageText:
    """Read the text of a drawn page: its own where that is good, OCR elsewhere."""
    straight, layer = textlayer.upright(drawn)
    choice = textlayer.choose(straight.image, layer, engines.ocr, mode=text_layer)
    lines, views = list(choice.lines), [straight.image]
    if choice.source == "ocr":
        straight = straighten(drawn.image, engines.judge, engines.judge)
        lines, views = read_lines(straight.image, engines.ocr)
    disputed: list[Finding] = []
    if engines.second is not None and choice.source != "text-layer":
        lines, disputed = read_again(lines, straight.image, engines.second, number=number)
    return PageText(number, drawn, straight, choice, lines, views, disputed)


def lay_out(text: PageText, engines: Engines) -> Page:
    """Find regions, tables, reading order and pairs of a page; bring everything back to the upright page."""
    number, drawn, straight = text.number, text.drawn, text.straight
    regions, tables = engines.layout.analyze(straight.image, text.lines)
    lines, regions, tables = assemble(text.lines, regions, tables, number=number, page_box=straight.image.box)
    back = WayBack(straight)
    page = Page(
        number=number,
        width=round(straight.page.width, 2),
        height=round(straight.page.height, 2),
        rotation=straight.rotation,
        skew=round(straight.skew, 2),
        dpi=round(drawn.image.dpi, 2),
        dpi_assumed=drawn.dpi_assumed,
        drawn_by=drawn.drawn_by,
        text_source=text.choice.source,
        agreement=text.choice.agreement,
        tiles=tuple(Tile(back.box(view.box), round(view.scale, 4)) for view in text.views),
        lines=tuple(back.line(line) for line in lines),
        regions=tuple(back.region(region) for region in regions),
        tables=tuple(back.table(table) for table in tables),
        findings=tuple(back.finding(finding) for finding in text.disputed),
    )
    return replace(page, key_values=key_values(page, find_squares(straight.upright, page.lines)))


def read_lines(image: PageImage, ocr: OcrEngine) -> tuple[list[Line], list[PageImage]]:
    """Read a whole page in the view that suits its size; return the lines and the views that were read."""
    whole = overview(image, max(ocr.whole_side, 1))
    [lines] = ocr.read([whole]) if max(image.box.width, image.box.height) > LARGEST_WHOLE else ocr.read([image])
    if whole is image or not _small_print(image, lines):
        return lines, [image]
    tiles = detail_tiles(image)
    views = [(whole.box, lines), *((tile.box, ocr.read([tile])[0]) for tile in tiles)]
    return merge(image.box, views), [whole, *tiles]


def _small_print(image: PageImage, lines: Sequence[Line]) -> bool:
    longest = max(image.box.width, image.box.height)
    if longest > LARGEST_WHOLE:
        return True
    # 1280: about the pixels that any engine's whole view has, see `docproc.engines.rapid`
    heights = [min(line.box.width, line.box.height) * 1280 / longest for line in lines]
    return bool(heights) and statistics.median(heights) < SMALLEST_PRINT


def failed_page(number: int, error: DocprocError, drawn: Drawn | None = None) -> Page:
    """Return the page that stands for one that could not be read."""
    width, height = (drawn.width, drawn.height) if drawn else (0.0, 0.0)
    return Page(number, width, height, problems=(Problem(error.code, error.message, error.hint),))
