"""Draws the batches of a recipe."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from docproc.learn.nano import curriculum, fonts, lines, pieces
from docproc.learn.nano.batch import Asked, Batch, assemble
from docproc.learn.nano.curriculum import Standings
from docproc.learn.nano.recipe import Recipe

WEIGHTS = Path(__file__).parents[2] / "engines" / "weights" / "nano"
ENCODER, MASKS = WEIGHTS / "mask-encoder.safetensors", WEIGHTS / "vae-oid.npz"
"""The encoder and the decoder of masks that come with the package."""
SHARES = (0.3, 0.55, 1.0)
"""Lines of a batch are about as long as each other: at most this share of the longest allowed."""
OTHERS_FROM = 0.7
"""The level from which on other tasks come too."""


class Drawing:
    """Draws the batches of a recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        found = fonts.find([Path(folder) for folder in recipe.fonts])
        kept = sorted(family for family in found if family not in recipe.held_out)
        Random(recipe.seed).shuffle(kept)  # noqa: S311
        self.families = [found[family] for family in kept]
        self.words: Any = None
        if "segment" in recipe.tasks:
            self.words = pieces.coder(Path(recipe.masks) if recipe.masks else ENCODER)

    def __call__(self, number: int, far: Standings) -> list[Batch]:
        """Return the batches of one step: lines, pages to look at, and where lines are read other tasks."""
        recipe, level = self.recipe, far["ocr"].level
        random = Random(f"{recipe.seed} {number}")  # noqa: S311
        made = [self._lines(random, level)]
        if recipe.looks:
            made.append(pieces.looks(random, recipe))
        if recipe.others and level >= OTHERS_FROM:
            tasks = curriculum.chosen(random, recipe.tasks, far, recipe.at_once)
            made += [pieces.batch(random, task, recipe, self, far[task].level) for task in tasks]
        return made

    def font(self, random: Random, level: float = 1.0) -> Path:
        """Return a font: first a family, then one of its files, so that large families are not all there is."""
        return random.choice(self.families[random.randrange(curriculum.families(level, len(self.families)))])

    def _lines(self, random: Random, level: float) -> Batch:
        recipe, shape = self.recipe, self.recipe.shape
        most = curriculum.characters(level, recipe.longest)
        most = max(round(most * random.choice(SHARES)), min(most, 2))
        made = []
        for _ in range(recipe.batch):
            length = random.randint(max(most // 2, 1), most)
            made.append(
                lines.example(
                    random, [self.font(random, level)], length, curriculum.wear(level), shape.side, shape.patch
                )
            )
        pixels, answers, labels = (list(part) for part in zip(*made, strict=True))
        asked = [Asked("ocr", answer, label.places.tolist()) for answer, label in zip(answers, labels, strict=True)]
        return assemble("ocr", pixels, asked, hints=np.stack([label.patches for label in labels]))
