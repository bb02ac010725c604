"""The second reader: lines that the first one doubts are read again by another engine, alone and with air around.

Where both say the same, the word is surer than before. Where they do not, its confidence falls so far that a person
is asked to look at it, and the page keeps the other reading as a finding. What only the second one wrote, with no
pixels that could be it, is told as possibly invented. It costs what the second engine takes for so many short
images; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from docproc.document import Line, Word
from docproc.engines import ENGINES, VISION_ENGINES, Limits, OcrEngine, VisionRequest, load_ocr
from docproc.errors import Usage
from docproc.findings import Finding
from docproc.promoted import Promoted
from docproc.raster import PageImage
from docproc.settings import Settings
from docproc.tasks.align import align
from docproc.tasks.grammar import Words, write_prompt
from docproc.tasks.pages import Model
from docproc.tasks.views import squared
from docproc.tasks.writing import plain

TASK = "second-reading"
DOUBT_BELOW = 0.92
"""Lines with a word below this confidence are read again: where the embedded engine looks twice itself."""
AIR = 0.4
"""Of the line's height, on each side of what is read again."""
MOST_LINES = 80
"""Lines of a page that are read again, the most doubtful first."""
TOKENS = 64
REVIEW = 0.45
"""The confidence of a disputed word at most: below what the portal asks people to check."""
INK = 24
"""Levels of 255 by which the darkest and the brightest of a place differ at least when something is printed there."""


@dataclass(frozen=True, slots=True)
class Second:
    """A second engine: one that reads lines, or a model that is asked to, perhaps the one promoted by then."""

    reader: OcrEngine | Model | Promoted

    @property
    def name(self) -> str:
        """Name and version."""
        if isinstance(self.reader, Promoted):
            with self.reader.model() as model:
                return Second(model).name
        engine = self.reader.engine if isinstance(self.reader, Model) else self.reader
        return f"{engine.name} {engine.version}"

    def read(self, crops: Sequence[PageImage]) -> list[str]:
        """Return the text of each crop of a line."""
        if isinstance(self.reader, Promoted):
            with self.reader.model() as model:
                return Second(model).read(crops)
        if isinstance(self.reader, Model):
            prompt = write_prompt(self.reader.trained, "ocr", Words())
            asked = [VisionRequest(squared(crop).image, prompt, Limits(TOKENS)) for crop in crops]
            return [" ".join(plain(one.text).split()) for one in self.reader.engine.generate(asked)]
        return [
            " ".join(line.text for line in sorted(lines, key=lambda line: line.box.left))
            for lines in self.reader.read(crops)
        ]


def load_second(settings: Settings) -> Second | None:
    """Return the second reader that the settings name, None when they name none; raise Usage for an unknown one."""
    name = settings.second_reader
    if not name:
        return None
    if name in ENGINES:
        return Second(load_ocr(name, settings))
    if name in VISION_ENGINES:
        reader = Promoted(settings, engine=name)
        with reader.model():  # loaded now, or an error now
            return Second(reader)
    raise Usage(
        f"DOCPROC_SECOND_READER names {name!r}, which is no engine.",
        hint=f"Engines: {', '.join([*ENGINES, *VISION_ENGINES])}.",
    )


def read_again(
    lines: Sequence[Line], image: PageImage, second: Second, *, number: int
) -> tuple[list[Line], list[Finding]]:
    """Return the lines as two readers see them, and what they do not agree on, on the page of `image`."""
    doubts = [(_doubt(line), index) for index, line in enumerate(lines)]
    chosen = [index for doubt, index in sorted(doubts) if doubt < DOUBT_BELOW][:MOST_LINES]
    if not chosen:
        return list(lines), []
    crops = [_crop(image, lines[index]) for index in chosen]
    found, findings = list(lines), []
    for index, text in zip(chosen, second.read(crops), strict=True):
        found[index], told = _compared(lines[index], text, image, number)
        findings.extend(told)
    return found, findings


def has_ink(image: PageImage, word: Word) -> bool:
    """Tell whether anything is printed where a word is said to stand."""
    try:
        pixels = image.crop(word.box).pixels
    except ValueError:
        return False
    return bool(np.ptp(pixels.mean(axis=2)) >= INK)


def _doubt(line: Line) -> float:
    sure = [word.confidence for word in line.words or (_whole(line),) if word.confidence is not None]
    return min(sure, default=1.0)


def _crop(image: PageImage, line: Line) -> PageImage:
    return image.crop(line.box.grown(AIR * min(line.box.height, line.box.width)))


def _whole(line: Line) -> Word:
    return Word(line.id, line.text, line.box, line.polygon, line.confidence)


def _compared(line: Line, text: str, image: PageImage, number: int) -> tuple[Line, list[Finding]]:
    words = line.words or (_whole(line),)
    aligned = align(text, [replace(line, words=words)])
    said: dict[int, list[str]] = {}
    for written in aligned.words:
        for word in written.known:
            said.setdefault(id(word), []).append(written.text)
    judged, findings = [], []
    for word in words:
        other = " ".join(said.get(id(word), ()))
        if other == word.text:
            judged.append(replace(word, confidence=_surer(word.confidence)))
            continue
        judged.append(replace(word, confidence=min(word.confidence or REVIEW, REVIEW)))
        label = "disagreement" if has_ink(image, word) else "possibly invented"
        findings.append(_finding(word, label, other, number))
    invented = " ".join(written.text for written in aligned.words if written.invented)
    if invented:
        findings.append(_finding(_whole(line), "possibly invented", invented, number))
    sure = [word.confidence for word in judged if word.confidence is not None]
    whole = round(sum(sure) / len(sure), 4) if sure else None
    return replace(line, words=tuple(judged) if line.words else (), confidence=whole), findings


def _surer(confidence: float | None) -> float | None:
    """Return the confidence of a word that both read alike: half of the doubt is gone."""
    return None if confidence is None else round((1 + confidence) / 2, 4)


def _finding(word: Word, label: str, text: str, number: int) -> Finding:
    """Return what the second reader says of a word; `prompt` is what the first said."""
    return Finding(
        task=TASK, prompt=word.text, page=number, label=label, box=word.box, polygon=word.polygon, text=text,
        confidence=word.confidence,
    )  # fmt: skip
