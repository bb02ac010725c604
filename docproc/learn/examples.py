"""Examples of every prompt task from one page whose truth is known: what is asked of it, and what is right.

Each example shows what a model is shown when it serves (`docproc.tasks.views`) and asks as it is asked then
(`docproc.tasks.grammar`): text in parts of a page at reading size, padded to a square; the whole page, or a part that
can be read, for everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np

from docproc.document import Page, Table, Word
from docproc.geometry import Box
from docproc.learn.dataset import SIDE, TASKS, Example, Masks, keep_image, keep_masks
from docproc.learn.windows import lines_in, reading_dpi, roomy, window
from docproc.raster import POINTS_PER_INCH, PageImage, Pixels
from docproc.synth.asked import Asked
from docproc.synth.things import Thing
from docproc.tasks import TASKS as ASKED
from docproc.tasks import table as tables
from docproc.tasks.asking import Ask, View
from docproc.tasks.grammar import Trained
from docproc.tasks.locations import write_box
from docproc.tasks.views import BY_LINES, views_of

LINES, WINDOWS, QUESTIONS, DETECTIONS, SEGMENTATIONS, TABLES = 4, 2, 4, 2, 2, 2
"""Examples of a page at most, by what they show."""
MOST_LINES = 40
"""Lines of a page that somebody corrected and that are learned, at most; as many windows around them."""
MOST_OBJECTS = 16
"""Objects that an example asks for; more do not fit into what a model writes (512 tokens, five or more each)."""
LEGIBLE = 60.0
"""Pixels per inch at which ten point print can just be read: 8 px high."""
ABSENT = 0.15
"""Share of detections that also ask for something that is not there."""
SEEN = 0.8
"""Share of an answer that a line must show for it to be read there."""
UNANSWERABLE = "unanswerable"
"""What is right where the page does not say (`docproc.tasks.ground` reads it as such)."""
OWN = {"table": "table"}
"""Prompts of tasks that the released models have none for."""
LAYOUT = (
    "caption", "footnote", "formula", "list-item", "page-footer", "page-header", "picture", "section-header", "table",
    "text", "title",
)  # fmt: skip
"""Classes that are asked for where the layout is known."""
THINGS = ("stamp", "signature", "logo", "bar chart", "line chart", "pie chart", "photo", "barcode")
"""Classes that are asked for where it is known what stands on a page."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made: `side` px of the model's input, its `variant` of prompts, which `tasks`.

    `longest` characters of a text to be written; 0: what the side holds (160 at 224 px, four times that at twice).
    """

    side: int = 448
    variant: str = "pt"
    tasks: tuple[str, ...] = TASKS
    longest: int = 0

    @property
    def trained(self) -> Trained:
        """The prompts."""
        return Trained(self.variant, OWN)

    @property
    def characters(self) -> int:
        """How long a text may be."""
        return self.longest or min(160 * self.side**2 // 224**2, 1200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A page as pixels and what is known of it; `image` is upright, its `page` in points.

    `sure_lines` and `sure_tables` are the ids of what is known to be right, None for all. `layout` and `things` say
    what else is: the regions, and what stands on the page. All lines of `focus`, where it is given, are made examples
    of, instead of a few.
    """

    image: PageImage
    page: Page
    asked: Sequence[Asked] = ()
    caption: str = ""
    sure_lines: Collection[str] | None = None
    focus: Collection[str] | None = None
    sure_tables: Collection[str] | None = None
    layout: bool = True
    things: Sequence[Thing] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An example before it is kept: uint8[H, W, 3] pixels, and for segmentation the masks of the suffix's things."""

    pixels: Pixels
    task: str
    prefix: str
    suffix: str
    masks: Masks | None = field(default=None)


def examples_of(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    """Yield the examples of a page; the same page, plan and random stream give the same."""
    makers: dict[str, Callable[[Known, Plan, Random], Iterator[Made]]] = {
        "ocr": _texts,
        "answer": _answers,
        "caption": _captions,
        "detect": _detections,
        "segment": _segmentations,
        "table": _tables,
    }
    for task in TASKS:
        if task in plan.tasks:
            yield from makers[task](known, plan, Random(random.random()))  # noqa: S311  (no secret)


def kept(made: Made, folder: Path, *, document: str, kind: str, source: str) -> Example:
    """Write an example's images to the dataset in `folder` and return it."""
    return Example(
        image=keep_image(folder, made.pixels),
        prefix=made.prefix,
        suffix=made.suffix,
        task=made.task,
        document=document,
        kind=kind,
        source=source,
        masks=None if made.masks is None else keep_masks(folder, made.masks),
    )


def _texts(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    """Yield parts of lines, and windows of several lines."""
    sure = [line for line in known.page.lines if known.sure_lines is None or line.id in known.sure_lines]
    room = plan.side / reading_dpi(known.image) * POINTS_PER_INCH - 2
    if known.focus is not None:
        sure = [line for line in sure if line.id in known.focus]
    for line in _some(sure, LINES if known.focus is None else MOST_LINES, random):
        words = _run(line.words, room - 4, random)
        if words:
            box = Box.union(word.box for word in words).grown(random.uniform(1.0, 3.0))
            yield from _read(known, box, plan)
    for line in _some(sure, WINDOWS if known.focus is None else MOST_LINES, random):
        yield from _read(known, roomy(line.box, (room, room), known.image.box, random), plan)


def _read(known: Known, box: Box, plan: Plan) -> Iterator[Made]:
    """Yield what is to be read in a box, as far as it may be written; nothing if something of it is unsure."""
    shown, rows = window(known.image, known.page, box, plan.characters)
    ids = {line.id for line in lines_in(known.page, shown.box)}
    if not rows or (known.sure_lines is not None and not ids <= set(known.sure_lines)):
        return
    ask = Ask(task="ocr")
    views = views_of(ASKED["ocr"], ask, shown, plan.trained, plan.side)
    if len(views) == 1:
        yield _made(views[0], ask, plan, "\n".join(rows))


def _answers(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    """Yield questions on the page, or on a part that shows what is asked about and can be read."""
    words = {word.id: word for line in known.page.lines for word in line.words}
    for one in _some(known.asked, QUESTIONS, random):
        about = [words[name] for name in one.word_ids if name in words]
        if len(about) < len(one.word_ids) or any(len(answer) > plan.characters for answer in one.answers[:1]):
            continue
        box = _about(known, about) if about else known.image.box
        most = plan.side / LEGIBLE * POINTS_PER_INCH
        if max(box.width, box.height) > most:
            if about:
                continue
            box = Box(box.left, box.top, box.left + most / 2, box.top + most / 2)
        if not about and max(known.image.box.width, known.image.box.height) > most:
            continue  # only a page that is seen whole can be said not to answer, or to answer somewhere
        size = random.uniform(max(box.width, box.height), most)
        part = known.image.crop(roomy(box, (size, size), known.image.box, random))
        ask = Ask(task="answer", thing=one.question)
        views = views_of(ASKED["answer"], ask, part, plan.trained, plan.side)
        if plan.variant != BY_LINES:
            for view in views:
                yield _made(view, ask, plan, one.answers[0] if one.answers else UNANSWERABLE)
            continue
        answer = Box.union(word.box for word in about) if about else None
        right = [view for view in views if answer and answer.share_inside(view.box) > SEEN]
        for view in right[:1]:
            yield _made(view, ask, plan, one.answers[0])
        for view in _some([view for view in views if view not in right], 1, random):  # of a line it says nothing
            yield _made(view, ask, plan, "")


def _about(known: Known, words: Sequence[Word]) -> Box:
    """Return the box of an answer's words with what tells what they are: label, table, or the block they stand in."""
    box, ids = Box.union(word.box for word in words), {word.id for word in words}
    for pair in known.page.key_values:
        if ids & set(pair.value_word_ids):
            return Box.union((box, pair.key_box))
    boxes = [*(table.box for table in known.page.tables), *(region.box for region in known.page.regions)]
    around = [one for one in boxes if box.share_inside(one) > 0.9]
    return Box.union((box, min(around, key=lambda one: one.area))) if around else box


def _captions(known: Known, plan: Plan, _: Random) -> Iterator[Made]:
    if known.caption:
        yield from _whole(known, Ask(task="caption"), plan, known.caption)


def _detections(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    """Yield what there is on the page of a few classes, in reading order."""
    boxes: list[tuple[str, Box]] = [(region.label, region.box) for region in known.page.regions if known.layout]
    boxes += [(thing.label, thing.box) for thing in known.things or () if thing.label in THINGS]
    classes = (LAYOUT if known.layout else ()) + (THINGS if known.things is not None else ())
    there = [name for name in classes if any(label == name for label, _ in boxes)]
    absent = [name for name in classes if name not in there]
    for _ in range(DETECTIONS if there else 0):
        wanted = random.sample(there, min(random.choice((1, 1, 2, 3)), len(there)))
        if absent and random.random() < ABSENT:
            wanted.insert(random.randrange(len(wanted) + 1), random.choice(absent))
        found = [(label, box) for label, box in boxes if label in wanted]
        if len(found) <= MOST_OBJECTS:
            found.sort(key=lambda one: (round(one[1].top), one[1].left))
            suffix = " ; ".join(f"{write_box(box, known.image.box)} {label}" for label, box in found)
            yield from _whole(known, Ask(task="detect", thing=" ; ".join(wanted)), plan, suffix)


def _segmentations(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    """Yield all things of one class, on the page and on a part of it that is larger."""
    things = [thing for thing in known.things or () if thing.label in THINGS]
    labels = list(dict.fromkeys(thing.label for thing in things))
    for label in _some(labels, SEGMENTATIONS, random):
        yield from _segmented(known.image, things, label, plan)
        one = random.choice([thing for thing in things if thing.label == label])
        side = max(one.box.width, one.box.height) * random.uniform(1.3, 3.5)
        yield from _segmented(
            known.image.crop(roomy(one.box, (side, side), known.image.box, random)), things, label, plan
        )


def _segmented(image: PageImage, things: Sequence[Thing], label: str, plan: Plan) -> Iterator[Made]:
    inside = [one for one in things if one.label == label and one.box.share_inside(image.box) > 0.2]
    if not 0 < len(inside) <= MOST_OBJECTS or any(one.box.share_inside(image.box) < 0.9 for one in inside):
        return
    inside.sort(key=lambda one: (round(one.box.top), one.box.left))
    ask = Ask(task="segment", thing=label)
    for view in views_of(ASKED["detect"], ask, image, plan.trained, plan.side)[:1]:
        suffix = " ; ".join(f"{write_box(one.box, view.box)} {label}" for one in inside)
        masks = np.stack([one.grid(one.box.clipped(view.box), SIDE, SIDE) for one in inside])
        yield replace(_made(view, ask, plan, suffix), masks=masks)


def _tables(known: Known, plan: Plan, random: Random) -> Iterator[Made]:
    sure: list[Table] = [one for one in known.page.tables if known.sure_tables is None or one.id in known.sure_tables]
    for one in _some(sure, TABLES, random):
        suffix = tables.write_html(one)
        part = known.image.crop(one.box.grown(random.uniform(1, 6)).clipped(known.image.box))
        legible = plan.side / max(part.box.width, part.box.height) * POINTS_PER_INCH >= LEGIBLE
        if legible and len(suffix) <= 3 * plan.characters:
            ask = Ask(task="table")
            for view in views_of(ASKED["table"], ask, part, plan.trained, plan.side):
                yield _made(view, ask, plan, suffix)


def _whole(known: Known, ask: Ask, plan: Plan, suffix: str) -> Iterator[Made]:
    """Yield the overview with what is right; the details that serving looks at besides are left out."""
    yield _made(views_of(ASKED[ask.task], ask, known.image, plan.trained, plan.side)[0], ask, plan, suffix)


def _made(view: View, ask: Ask, plan: Plan, suffix: str) -> Made:
    return Made(view.image.pixels, ask.task, ASKED[ask.task].prompt(ask, view, plan.trained), suffix)


def _run(words: Sequence[Word], width: float, random: Random) -> Sequence[Word]:
    """Return neighbouring words of a line that fit into `width` points; none when a single one does not."""
    start = random.randrange(len(words)) if words and words[-1].box.right - words[0].box.left > width else 0
    end = start
    while end < len(words) and words[end].box.right - words[start].box.left <= width:
        end += 1
    while start > 0 and words[end - 1].box.right - words[start - 1].box.left <= width and end > start:
        start -= 1
    return words[start:end]


def _some(options: Sequence[Kind], count: int, random: Random) -> list[Kind]:
    return random.sample(list(options), min(count, len(options)))


__all__ = ["LAYOUT", "THINGS", "Known", "Made", "Plan", "examples_of", "kept"]
