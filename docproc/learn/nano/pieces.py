"""Examples of the other tasks: values beside their labels, and things on pages seen from afar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from docproc.errors import Usage
from docproc.learn.nano import lines, shapes, sheets, texts, vqvae
from docproc.learn.nano.batch import NOWHERE, Asked, Batch, assemble
from docproc.learn.nano.recipe import Recipe
from docproc.tasks.rows import squares

if TYPE_CHECKING:
    from docproc.learn.nano.drawing import Drawing

THERE = 0.75
"""Share of prompts whose picture shows what is asked for, at the highest level; for the others nothing is right."""
THERE_AT_FIRST = 0.9
"""The same at the lowest: who seldom finds a thing learns soonest to say that there is none, and stays with it."""
MOST_THINGS = 4
"""Things that are told of one picture."""
LABELS = (
    "Total", "Subtotal", "VAT", "Date", "Invoice no.", "Order no.", "Customer", "Amount due", "Tel.", "Fax", "Page",
    "Due date", "Name", "City", "Street", "Contract", "Price", "Reference", "Account", "Status", "Project", "Weight",
)  # fmt: skip
OTHER_LABELS = ("Policy", "Room", "Seller", "Net amount", "Issued", "Tax no.", "Delivery", "Currency")
"""Labels that no training example has."""
MADE_UP = 0.4
"""Share of labels that are words of the prose, so that a label is looked for and not known by heart."""
LONGEST_VALUE = 24
BINS = 1023
TRIES = 100
FEW = 6
"""Characters of a value at the lowest level."""
BOTH = (False, True)
LOOSE = 0.15
"""Share of pages at the highest level whose things lie anywhere."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of labels and values in a square: what it says, and where."""

    pixels: NDArray[np.uint8]
    values: dict[str, tuple[str, list[int]]]
    """Label -> its value, and the patch of each character of that."""
    labels: lines.Labels


def batch(random: Random, task: str, recipe: Recipe, drawing: Drawing, level: float) -> Batch:
    """Return examples of one task."""
    shape = recipe.shape
    if task == "answer":
        return _answers(random, recipe, drawing, level)
    each = 1 if task == "caption" else recipe.each
    asked, pages = list[Asked](), list[sheets.Sheet]()
    for _ in range(max(recipe.others // each, 1)):
        if task == "caption":
            page = sheets.sheet(random, shape.side)
            asked.append(Asked("caption en", sheets.caption(page)))
        else:
            page, told = _things(random, task, recipe, drawing.words, level)
            asked += told
        pages.append(page)
    across = shape.side // shape.patch
    things, boxes = zip(*(sheets.covered(page, across) for page in pages), strict=True)
    return assemble(task, [page.pixels for page in pages], asked, things=np.stack(things), boxes=np.stack(boxes))


def looks(random: Random, recipe: Recipe) -> Batch:
    """Return pages without prompts, each as it is and mirrored three ways, for the tower alone: they cost least."""
    shape, pages = recipe.shape, list[sheets.Sheet]()
    while len(pages) < recipe.looks:
        if random.random() < LOOSE * 3:
            page = sheets.loose(random, shape.side, random.sample(sheets.CLASSES, random.randint(1, 4)))
        else:
            page = sheets.sheet(random, shape.side)
        pages += [sheets.mirrored(page, across=across, down=down) for across in BOTH for down in BOTH]
    things, boxes = zip(*(sheets.covered(page, shape.side // shape.patch) for page in pages), strict=True)
    return assemble("look", [page.pixels for page in pages], [], things=np.stack(things), boxes=np.stack(boxes))


def _things(random: Random, task: str, recipe: Recipe, words: Any, level: float) -> tuple[sheets.Sheet, list[Asked]]:
    """Return a page and prompts about different classes of things."""
    classes = sheets.MASKED if task == "segment" else sheets.CLASSES
    wanted = random.choice(classes)
    if random.random() < max((1 - level) / 2, LOOSE):
        page = sheets.loose(random, recipe.shape.side, [wanted, *random.sample(classes, round(3 * level))])
    else:
        page = sheets.sheet(random, recipe.shape.side, wanted)
    shown = {thing.label for thing in page.things}
    labels, across = list[str](), recipe.shape.side // recipe.shape.patch
    while len(labels) < recipe.each:
        fresh = [label for label in classes if label not in labels]
        here = random.random() < there(level)
        some = [label for label in fresh if (label in shown) == here]
        labels.append(random.choice(some or fresh))
    return page, [objects(page, label, across, masks=task == "segment", words=words) for label in labels]


def there(level: float) -> float:
    """Return the share of prompts whose picture shows what is asked for."""
    return THERE_AT_FIRST + (THERE - THERE_AT_FIRST) * level


def objects(page: sheets.Sheet, label: str, across: int, *, masks: bool = False, words: Any = None) -> Asked:
    """Return the things of a class as PaliGemma writes them, from top to bottom; with `masks` their code words.

    Its places stand in the patches, of `across` x `across`, of the edges, its code words in those of their part.
    """
    told, places = list[str](), list[int]()
    for thing in [thing for thing in page.things if thing.label == label][:MOST_THINGS]:
        left, top, right, bottom = (f"<loc{round(edge * BINS):04}>" for edge in thing.box)
        codes = "".join(f"<seg{code:03}>" for code in words(shapes.fitted(thing.mask)[None])[0]) if masks else ""
        places += [NOWHERE] * (3 if told else 0) + sheets.ends(thing, across)
        places += (sheets.grid(thing, across, 4) if masks else []) + [NOWHERE] * (1 + len(label))
        told.append(f"{top}{left}{bottom}{right}{codes} {label}")
    return Asked(f"{'segment' if masks else 'detect'} {label}", " ; ".join(told), places)


def answer(  # noqa: PLR0913
    random: Random,
    label: str,
    font: Path,
    side: int,
    patch: int,
    *,
    level: float = 1.0,
    others: tuple[str, ...] = LABELS,
) -> tuple[NDArray[np.uint8], str]:
    """Return a line with labels and values, and the value of `label`, "" where it is not there.

    Raises Usage when no such line fits a square.
    """
    names = [label] if random.random() < THERE else []
    while len(names) < random.randint(1, 2):
        names.append(random.choice([name for name in others if name != label and name not in names]))
    random.shuffle(names)
    made = row(random, names, font, side, patch, level=level)
    return made.pixels, made.values[label][0] if label in names else ""


def row(  # noqa: PLR0913
    random: Random, names: list[str], font: Path, side: int, patch: int, *, level: float, most: int = LONGEST_VALUE
) -> Row:
    """Return a line with these labels and values of at most `most` characters, worn so much.

    Raises Usage when no such line fits a square.
    """
    for _ in range(TRIES):
        mark = random.choice((":", ":", "", " :"))
        written, starts = "", list[int]()
        values = [" ".join(texts.field(random)[:most].split()) for _ in names]
        for name, value in zip(names, values, strict=True):
            written += ("   " if written else "") + f"{name}{mark} "
            starts.append(len(written))
            written += value
        drawn = lines.draw(random, written, font, level)
        found = squares(lines.worn(random, drawn.pixels, level), side, patch)
        if len(found) == 1:
            known = lines.labels(written, drawn, found[0], side, patch)
            spans = [known.places[at : at + len(value)].tolist() for at, value in zip(starts, values, strict=True)]
            return Row(found[0].pixels, dict(zip(names, zip(values, spans, strict=True), strict=True)), known)
    raise Usage(
        f"Pictures of {side} px are too small for labels and values.", hint="Leave `answer` out of the tasks."
    )


def label(random: Random) -> str:
    """Return a label, now and then of one or two words that are none."""
    while random.random() < MADE_UP:
        words = texts.prose()
        at = random.randrange(len(words) - 2)
        found = " ".join(words[at : at + random.randint(1, 2)]).strip(".,;:!?()'\"").capitalize()
        if 2 < len(found) < 16 and found.replace(" ", "").isalpha() and found not in OTHER_LABELS:
            return found
    return random.choice(LABELS)


def _answers(random: Random, recipe: Recipe, drawing: Drawing, level: float) -> Batch:
    shape, asked, rows = recipe.shape, list[Asked](), list[Row]()
    most = round(FEW + (LONGEST_VALUE - FEW) * level)
    for _ in range(max(recipe.others // recipe.each, 1)):
        names = list(dict.fromkeys(label(random) for _ in range(random.choice((1, 2, 2, 2)))))
        font = drawing.font(random)
        made = row(random, names, font, shape.side, shape.patch, level=0.625 * level, most=most)
        rows.append(made)
        for _ in range(recipe.each):
            wanted = names.pop() if names and random.random() < there(level) else label(random)
            value, places = made.values.get(wanted, ("", []))
            asked.append(Asked(f"answer en {wanted}", value, places))
    hints = np.stack([made.labels.patches for made in rows])
    return assemble("answer", [made.pixels for made in rows], asked, hints=hints)


def coder(path: Path) -> Any:
    """Return a function from masks uint8[N, 64, 64] to their code words int64[N, 16], of the encoder in a file."""
    torch.set_num_threads(1)
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    book = state.pop("book")
    down = vqvae.encoder().eval()
    down.load_state_dict({name.removeprefix("encoder."): tensor for name, tensor in state.items()})
    return lambda masks: vqvae.words(down, book, masks)
