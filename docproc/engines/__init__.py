"""Engines read pixels. One file each, one line in `ENGINES`; nothing here imports a model at import time.

Never import Flask, Celery or SQLAlchemy here. A batch goes in, one result per input comes out in the same order;
a blank page gives an empty list; failure raises `EngineFailed`; no state is kept between calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from docproc.document import Line, Region, Table
from docproc.errors import Usage, no_extra
from docproc.raster import PageImage, Pixels
from docproc.settings import Settings


@runtime_checkable
class OcrEngine(Protocol):
    """Reads text.

    `whole_side` is the longest side (pixels) up to which it reads a page best in one piece; `alphabet` the
    characters it can tell apart, empty when unknown.
    """

    name: str
    version: str
    whole_side: int
    alphabet: frozenset[str]

    def read(self, images: Sequence[PageImage]) -> list[list[Line]]:
        """Return the lines of each image, on page coordinates; ids are given later by the pipeline."""
        ...


@runtime_checkable
class LayoutEngine(Protocol):
    """Finds regions and tables on an upright page whose lines are known."""

    name: str
    version: str

    def analyze(self, image: PageImage, lines: Sequence[Line]) -> tuple[list[Region], list[Table]]:
        """Return regions (without lines and order) and tables of the page.

        Table cells carry the text of the lines inside them; a table's `region_id` is the id of its region.
        """
        ...


@runtime_checkable
class LineJudge(Protocol):
    """Judges line crops, uint8[H, W, 3] each: what straightening a page asks. Some OCR engines can."""

    def upside_down(self, crops: Sequence[Pixels]) -> list[float]:
        """Return the probability, 0-1, that each crop is upside down."""
        ...

    def legibility(self, crops: Sequence[Pixels]) -> list[float]:
        """Return how well each crop reads as it stands, 0-1."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When a generation stops at the latest: after `tokens` new tokens, or `seconds` after its batch began.

    `cancelled` is asked at each token, or at least before it is begun, and ends it.
    """

    tokens: int = 128
    seconds: float | None = None
    cancelled: Callable[[], bool] | None = field(default=None, compare=False)


class VisionRequest(NamedTuple):
    """A prompt about one image or several, without the markers of images and of beginning and end.

    `adapter` is the name of a registered adapter of the model, or its folder, that is to answer; "" is the model's
    own way.
    """

    images: PageImage | Sequence[PageImage]
    prompt: str
    limits: Limits = Limits()
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class Generation:
    """What a vision engine wrote. `scores` holds the probability, 0-1, of each of `token_ids`.

    The token of the end is in none of the three. `stopped` says why it ended: at its end, at its limit of tokens or
    of time, because it repeated itself, or because nobody waits for it any more.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    stopped: Literal["end", "tokens", "time", "repetition", "cancelled"] = "end"


@runtime_checkable
class VisionEngine(Protocol):
    """Answers prompts about images.

    `side` is that of the square, in pixels, to which it squeezes every image (0: it takes any size). `variant` is
    what its weights were trained for and thus which prompts they know: "pt", "mix", "ft-docvqa" and so on, or
    "chat" for models that follow instructions.
    """

    name: str
    version: str
    side: int
    variant: str

    def generate(self, requests: Sequence[VisionRequest]) -> list[Generation]:
        """Return what was written for each request, in their order."""
        ...


ENGINES: dict[str, str] = {
    "rapid": "docproc.engines.rapid:RapidEngine",
    "fake": "docproc.engines.fake:FakeEngine",
}
"""OCR engines: name -> `module:class`. The class takes the Settings and the languages to expect."""

LAYOUT_ENGINES: dict[str, str] = {
    "pdf-layout": "docproc.engines.pdf_layout:PdfLayoutEngine",
    "fake": "docproc.engines.fake:FakeEngine",
}
"""Layout engines: name -> `module:class`. The class takes the Settings."""

VISION_ENGINES: dict[str, str] = {
    "paligemma": "docproc.engines.paligemma.engine:PaliGemmaEngine",
    "openvino": "docproc.engines.paligemma.exported:ExportedEngine",
    "remote": "docproc.engines.remote:RemoteEngine",
    "generic": "docproc.engines.generic:GenericEngine",
    "fake": "docproc.engines.fake:scripted",
}
"""Vision engines: name -> `module:class`. The class takes the Settings and the folder or name of a model."""


def load_ocr(name: str, settings: Settings, languages: Sequence[str] = ()) -> OcrEngine:
    """Return the OCR engine called `name`, its models loaded; raise Usage for an unknown name or language."""
    return cast("OcrEngine", _find(name, ENGINES)(settings, languages))


def load_layout(name: str, settings: Settings) -> LayoutEngine:
    """Return the layout engine called `name`, its models loaded; raise Usage for an unknown name."""
    return cast("LayoutEngine", _find(name, LAYOUT_ENGINES)(settings))


def load_vision(name: str, settings: Settings, model: str) -> VisionEngine:
    """Return the vision engine called `name` with `model` loaded.

    Raises Usage for an unknown name or a model that is wrong, Unavailable when something it needs is not here.
    """
    return cast("VisionEngine", _extra(name, VISION_ENGINES)(settings, model))


def load_masks(path: Path) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    """Return what decodes the masks of `segment` with the weights of a `vae-oid.npz`.

    Raises Unavailable when the file or something else it needs is not here, Usage when it is another file.
    """
    decoder = _extra("paligemma", {"paligemma": "docproc.engines.paligemma.seg:MaskDecoder"})(path)
    return cast("Callable[[NDArray[np.int64]], NDArray[np.float32]]", decoder)


def load_export() -> Callable[..., None]:
    """Return what writes a registered model as OpenVINO runs it; raise Unavailable without the extra."""
    found = _extra("paligemma", {"paligemma": "docproc.engines.paligemma.export:export"})
    return cast("Callable[..., None]", found)


def load_judge(ocr: OcrEngine, settings: Settings) -> LineJudge:
    """Return what judges lines: `ocr` itself where it can, else the embedded engine."""
    return ocr if isinstance(ocr, LineJudge) else cast("LineJudge", load_ocr("rapid", settings))


def _extra(name: str, engines: dict[str, str]) -> Callable[..., object]:
    try:
        return _find(name, engines)
    except ModuleNotFoundError as error:
        raise no_extra(f"The engine {name} needs", error) from error


def _find(name: str, engines: dict[str, str]) -> Callable[..., object]:
    try:
        module, _, attribute = engines[name].partition(":")
    except KeyError:
        raise Usage(f"There is no engine called {name!r}.", hint=f"Engines: {', '.join(engines)}.") from None
    return cast("Callable[..., object]", getattr(import_module(module), attribute))
