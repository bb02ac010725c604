"""What every task is given and gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from docproc.engines import Generation
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks.grammar import Trained
from docproc.tasks.masks import MaskDecoder

Reads = Literal["overview", "padded", "both", "text"]
"""Views of a page: the whole, squeezed; the whole, padded to a square; the whole and its details; details, padded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of a page: `thing` is a question, a description, an answer or things apart by `;`.

    `box` limits it to a part of the page; `choices` are answers to choose from; `language` is that of captions.
    """

    task: str
    thing: str = ""
    language: str = "en"
    box: Box | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """An image as a model is shown it, and the rectangle of the page that it covers.

    That is exact, though pixels are whole: the model squeezes the image to a square of its own anyway.
    """

    image: PageImage
    box: Box

    def place(self, shares: Sequence[float]) -> Box:
        """Return the box on the page of (left, top, right, bottom), each a share, 0-1, of its own side."""
        left, top, right, bottom = shares
        wide, high = self.box.width, self.box.height
        sides = (left * wide, top * high, right * wide, bottom * high)
        return Box(*sides).moved(self.box.left, self.box.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a model wrote about one view of page `number`, which covers `page` (points).

    Without `decoder` things that are segmented have boxes and no masks.
    """

    ask: Ask
    number: int
    page: Box
    view: View
    prompt: str
    generation: Generation
    decoder: MaskDecoder | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was found in one view, and how many objects the model wrote that make no sense."""

    findings: Sequence[Finding] = ()
    invalid: int = 0


class Task(Protocol):
    """Something asked of a page. Each module of `docproc.tasks.TASKS` is itself the task."""

    @property
    def name(self) -> str:
        """What the command line and the API call it."""
        ...

    @property
    def needs(self) -> str:
        """What `Ask.thing` is, in a word or two; empty when nothing is needed."""
        ...

    @property
    def reads(self) -> Reads:
        """Which views of a page it is asked about."""
        ...

    @property
    def tokens(self) -> int:
        """How many tokens the model may write."""
        ...

    @property
    def side(self) -> int:
        """The side (224, 448 or 896) of the smallest input that does it well."""
        ...

    def prompt(self, ask: Ask, view: View, trained: Trained) -> str:
        """Return the prompt for one view; raise Usage when the model cannot do it or something is missing."""
        ...

    def parse(self, seen: Seen) -> Parsed:
        """Return what the model found. Whatever it wrote, this does not raise."""
        ...
