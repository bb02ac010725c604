"""What a model was asked and answered: frozen values that say where on the page it is.

Geometry is as in `docproc.document`: points, top-left origin, upright page. Confidences are 0-1 or None.
"""

from __future__ import annotations

from dataclasses import dataclass

from docproc.geometry import Box, Polygon

MAX_PLACES = 1 << 26
"""Places of the largest grid: no page is drawn with more pixels in one view."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Which part of `box` belongs to a thing: a grid of `height` x `width` places laid over the box.

    `counts` is COCO's uncompressed run-length code: lengths of runs of 0 and 1 in turn, beginning with 0, down the
    columns one after the other. `docproc.masks` makes arrays, outlines and pictures of it. Raises ValueError when
    the runs do not fill the grid, or it is larger than `MAX_PLACES`.
    """

    box: Box
    height: int
    width: int
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1 or min(self.counts, default=0) < 0:
            raise ValueError(f"no grid of {self.height} x {self.width} places")
        if self.height * self.width > MAX_PLACES:
            raise ValueError(f"a grid of {self.height} x {self.width} places is too large")
        if sum(self.counts) != self.height * self.width:
            raise ValueError(f"runs of {sum(self.counts)} places do not fill {self.height} x {self.width}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a prompt task found on page number `page`.

    `prompt` is the prompt as the model got it. `box` is None for what concerns the whole page; `polygon` is the
    outline of the largest part of the `mask`. `text` is what the model wrote (a caption, an answer, a table as
    HTML made by us). `run` is the id of the run, empty outside the service.
    """

    task: str
    prompt: str
    page: int
    label: str = ""
    box: Box | None = None
    polygon: Polygon = ()
    mask: Mask | None = None
    text: str = ""
    confidence: float | None = None
    run: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words that an answer rests on: what stands on page number `page` in `box`."""

    page: int
    text: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question. `engine` is the name and version of what gave it.

    `not_found`: the document does not say; `text` is empty then. `ungrounded`: there is an answer but no words on
    the pages were found that it rests on, so it may be invented.
    """

    text: str
    confidence: float | None = None
    not_found: bool = False
    ungrounded: bool = False
    engine: str = ""
    evidence: tuple[Evidence, ...] = ()
