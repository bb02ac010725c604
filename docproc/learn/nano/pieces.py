"""Examples of the other tasks: values beside their labels, and things on pages seen from afar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from docproc.errors import Usage
from docproc.learn.nano import curriculum, lines, shapes, sheets, texts, vqvae
from docproc.learn.nano.batch import Batch, assemble
from docproc.learn.nano.recipe import Recipe
from docproc.tasks.rows import squares

if TYPE_CHECKING:
    from docproc.learn.nano.drawing import Drawing

THERE = 0.75
"""Share of pictures that show what is asked for; for the others the right answer is nothing."""
MOST_THINGS = 4
"""Things that are told of one picture."""
LABELS = (
    "Total", "Subtotal", "VAT", "Date", "Invoice no.", "Order no.", "Customer", "Amount due", "Tel.", "Fax", "Page",
    "Due date", "Name", "City", "Street", "Contract", "Price", "Reference", "Account", "Status", "Project", "Weight",
)  # fmt: skip
OTHER_LABELS = ("Policy", "Room", "Seller", "Net amount", "Issued", "Tax no.", "Delivery", "Currency")
"""Labels that no training example has."""
BINS = 1023
TRIES = 100


def batch(random: Random, task: str, recipe: Recipe, drawing: Drawing) -> Batch:
    """Return examples of one task with one prompt."""
    shape = recipe.shape
    if task == "answer":
        return _answers(random, recipe, drawing)
    if task == "caption":
        pages = [sheets.sheet(random, shape.side) for _ in range(recipe.others)]
        made = assemble(task, "caption en", [page.pixels for page in pages], [sheets.caption(page) for page in pages])
        return replace(made, things=np.stack([sheets.covered(page, shape.side // shape.patch) for page in pages]))
    label = random.choice(sheets.MASKED if task == "segment" else sheets.CLASSES)
    pages = [sheets.sheet(random, shape.side, label if random.random() < THERE else "") for _ in range(recipe.others)]
    answers = [objects(page, label, masks=task == "segment", words=drawing.words) for page in pages]
    made = assemble(task, f"{task} {label}", [page.pixels for page in pages], answers)
    return replace(made, things=np.stack([sheets.covered(page, shape.side // shape.patch) for page in pages]))


def objects(page: sheets.Sheet, label: str, *, masks: bool = False, words: Any = None) -> str:
    """Return the things of a class as PaliGemma writes them, from top to bottom; with `masks` their code words."""
    told = []
    for thing in [thing for thing in page.things if thing.label == label][:MOST_THINGS]:
        left, top, right, bottom = (f"<loc{round(edge * BINS):04}>" for edge in thing.box)
        codes = "".join(f"<seg{code:03}>" for code in words(shapes.fitted(thing.mask)[None])[0]) if masks else ""
        told.append(f"{top}{left}{bottom}{right}{codes} {label}")
    return " ; ".join(told)


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
    for _ in range(TRIES):
        there = random.random() < THERE
        names = [label] if there else []
        while len(names) < random.randint(1, 2):
            names.append(random.choice([name for name in others if name != label]))
        random.shuffle(names)
        mark = random.choice((":", ":", "", " :"))
        values = [texts.field(random)[:24] for _ in names]
        written = "   ".join(f"{name}{mark} {value}" for name, value in zip(names, values, strict=True))
        drawn = lines.draw(random, written, font, level)
        found = squares(lines.worn(random, drawn.pixels, level), side, patch)
        if len(found) == 1:
            value = " ".join(values[names.index(label)].split()) if there else ""
            return found[0].pixels, value
    raise Usage(
        f"Pictures of {side} px are too small for labels and values.", hint="Leave `answer` out of the tasks."
    )


def _answers(random: Random, recipe: Recipe, drawing: Drawing) -> Batch:
    label, shape = random.choice(LABELS), recipe.shape
    made = [
        answer(random, label, drawing.font(random), shape.side, shape.patch, level=curriculum.wear(0.7))
        for _ in range(recipe.others)
    ]
    return assemble("answer", f"answer en {label}", [pixels for pixels, _ in made], [text for _, text in made])


def coder(path: Path) -> Any:
    """Return a function from masks uint8[N, 64, 64] to their code words int64[N, 16], of the encoder in a file."""
    torch.set_num_threads(1)
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    book = state.pop("book")
    down = vqvae.encoder().eval()
    down.load_state_dict({name.removeprefix("encoder."): tensor for name, tensor in state.items()})
    return lambda masks: vqvae.words(down, book, masks)
