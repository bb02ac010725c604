"""What a model can do already, shown again while it learns something new: else an adapter forgets it.

Pictures are drawn as docproc draws them for the base, and the adapter is held to what the base alone would write of
them (`loss.strayed`), not to what is right: it shall be as good as before, and no better is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from random import Random

import numpy as np

from docproc.errors import no_extra
from docproc.geometry import Box
from docproc.learn import dataset, from_synth
from docproc.learn.dataset import TASKS, Example
from docproc.learn.examples import Made, Plan, kept
from docproc.learn.mask_codes import MaskEncoder
from docproc.learn.tune import plan as tune
from docproc.learn.tune.rows import Reads, Rows, rows_of
from docproc.raster import POINTS_PER_INCH, PageImage
from docproc.tasks import TASKS as ASKED
from docproc.tasks import Ask
from docproc.tasks.asking import View
from docproc.tasks.grammar import Trained
from docproc.tasks.locations import write_box
from docproc.tasks.views import BY_LINES

TURNS = ("ocr", "answer", "ocr", "answer", "caption", "ocr", "answer", "detect", "answer", "segment")
"""Tasks of docproc's own model: what can be forgotten most is shown most."""
WORN = 0.5
"""How worn its lines are, of 1 for the most."""
WHOLE = Box(0, 0, 1, 1)
MOST, MOST_SMALL = 800, 5_000
"""Pictures drawn at most, and for docproc's own model, whose pictures are small; a long training shows them again.
The more different ones, the less is forgotten (benchmarks/results/finetune.md)."""
FOLDER = "rehearsal"


def draw(folder: Path, loaded: Reads, trained: Trained, plan: tune.Plan, steps: int) -> None:
    """Draw into `folder` what a training of so many steps (0: nobody knows) rehearses, unless that is there already.

    Raises Unavailable for docproc's own model where no font is.
    """
    if not plan.rehearse or (folder / FOLDER / "train.jsonl").is_file():
        return
    if trained.variant == BY_LINES:
        made, most = _small(folder / FOLDER, loaded, plan), MOST_SMALL
    else:
        made, most = _pages(folder / FOLDER, loaded, trained, plan), MOST
    dataset.write(folder / FOLDER, {"train": islice(made, min(steps * plan.besides or most, most))})


def rehearsed(folder: Path, loaded: Reads, trained: Trained, plan: tune.Plan, masks: MaskEncoder | None) -> Rows:
    """Return what `draw` drew, as tokens; nothing where nothing is rehearsed."""
    if not plan.rehearse:
        return Rows((), ())
    return rows_of(dataset.read(folder / FOLDER / "train.jsonl"), loaded, trained, plan.longest, masks=masks)


def _pages(folder: Path, loaded: Reads, trained: Trained, plan: tune.Plan) -> Iterator[Example]:
    """Yield examples of drawn documents, of every task that the model was trained for."""
    plain = Trained(trained.variant)  # without prompts of its own: those are new
    tasks = tuple(task for task in TASKS if task != "table" and plain.knows(task))
    wanted = Plan(loaded.checkpoint.side, trained.variant, tasks)
    if not tasks:
        return
    for order in from_synth.orders(MOST, plan.seed, (), wanted):
        yield from from_synth.examples(order, folder)


def _small(folder: Path, loaded: Reads, plan: tune.Plan) -> Iterator[Example]:
    """Yield what docproc's own model was trained on, in the fonts that it saw."""
    try:
        from docproc.learn.nano import fonts, lines, pieces, recipe, sheets  # noqa: PLC0415  (imports torch)
        from docproc.learn.nano.shapes import fitted  # noqa: PLC0415
    except ModuleNotFoundError as error:  # training in JAX has no torch
        raise no_extra("To draw what docproc's own model can do (--rehearse 0 draws nothing) needs", error) from error

    side = loaded.checkpoint.side
    patch = side // math.isqrt(loaded.checkpoint.image_tokens)
    unseen = recipe.read(Path(recipe.__file__).with_name("recipes") / "cpu.toml").held_out
    shown = [paths[0] for family, paths in fonts.find().items() if family not in unseen]
    for number in count():
        random = Random(f"rehearsal {plan.seed} {number}")  # noqa: S311  (no secret)
        task, masks = TURNS[number % len(TURNS)], None
        if task == "ocr":
            grey, text, _ = lines.example(random, [random.choice(shown)], random.randint(4, 40), WORN, side, patch)
            thing = ""
        elif task == "answer":
            thing = random.choice(pieces.LABELS)
            grey, text = pieces.answer(random, thing, random.choice(shown), side, patch, level=WORN)
        else:
            thing = random.choice(sheets.MASKED if task == "segment" else sheets.CLASSES)
            page = sheets.sheet(random, side, "" if task == "caption" else thing)
            grey, there = page.pixels, [one for one in page.things if one.label == thing]
            text = " ; ".join(f"{write_box(Box(*one.box), WHOLE)} {thing}" for one in there)
            text = sheets.caption(page) if task == "caption" else text
            if task == "segment":
                masks = np.stack([fitted(one.mask) for one in there]) > 0 if there else None
        ask = Ask(task=task, thing=thing)
        image = PageImage(np.repeat(grey[..., None], 3, 2), POINTS_PER_INCH)
        prompt = ASKED[task].prompt(ask, View(image, image.box), Trained(BY_LINES))
        made = Made(image.pixels, task, prompt, text, masks)
        yield kept(made, folder, document=f"rehearsal/{number}", kind="", source="synth")
