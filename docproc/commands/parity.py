"""`docproc parity`: whether another engine says what the reference says: the same prompts, on the same pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rapidfuzz.distance import Levenshtein

from docproc.engines import Generation, Limits, VisionEngine, VisionRequest, load_vision
from docproc.errors import DocprocError
from docproc.intake import open_upload
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.tasks import TASKS, Ask
from docproc.tasks.grammar import Trained
from docproc.tasks.views import views_of

ASKS = (
    Ask(task="ocr"),
    Ask(task="caption"),
    Ask(task="describe"),
    Ask(task="answer", thing="What is the title of this page?"),
    Ask(task="detect", thing="table ; picture ; text"),
)
"""What is asked where the model knows it."""
VIEWS = 2
"""Views of a page that are asked about for each task."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two engines agree on one task: share of equal answers, mean share of characters that differ."""

    task: str
    prompts: int
    equal: float
    error: float


@click.command("parity")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--engine", default="paligemma", show_default=True, help="The reference.")
@click.option("--model", required=True, help="Its model.")
@click.option("--other-engine", default="remote", show_default=True, help="What is to say the same.")
@click.option("--other-model", required=True, help="Its model.")
@click.option("--pages", default=2, show_default=True, type=click.IntRange(1), help="First pages of each file.")
@click.option("--tokens", default=128, show_default=True, type=click.IntRange(1), help="Tokens of each answer.")
@click.option(
    "--least", default=0.9, show_default=True, type=click.FloatRange(0, 1), help="Share that must be equal."
)
def command(**flags: Any) -> None:
    """Compare two engines on the pages of FILES; exit code 1 when fewer answers than --least are the same.

    Every server and every quantised or exported model computes a bit otherwise. vLLM shows PaliGemma its prompt
    under another mask than it was trained with: measure, before using it, what that costs.
    """
    settings = Settings.from_environment()
    one = load_vision(flags["engine"], settings, flags["model"])
    other = load_vision(flags["other_engine"], settings, flags["other_model"])
    images = list(_images(flags["files"], flags["pages"], settings))
    found = [agreed for ask in ASKS if (agreed := compare(one, other, ask, images, tokens=flags["tokens"]))]
    click.echo(f"{'task':10} {'prompts':>7} {'equal':>7} {'error':>7}")
    for row in found:
        click.echo(f"{row.task:10} {row.prompts:7} {row.equal:7.1%} {row.error:7.1%}")
    prompts = sum(row.prompts for row in found)
    equal = sum(row.equal * row.prompts for row in found) / max(prompts, 1)
    click.echo(f"{equal:.1%} of {prompts} answers of {other.name} {other.version} are those of {one.name}.")
    if not prompts or equal < flags["least"]:
        raise DocprocError(f"That is less than {flags['least']:.0%}.", code="no-parity")


def compare(
    one: VisionEngine, other: VisionEngine, ask: Ask, images: Sequence[PageImage], *, tokens: int
) -> Agreement | None:
    """Return how far two engines agree on a task; None when the model was not trained for it.

    The prompts are those of the first; error is edits per character of its answer, 1 at most.
    """
    task, trained = TASKS[ask.task], Trained(one.variant)
    if not trained.knows(ask.task):
        return None
    requests = [
        VisionRequest(view.image, task.prompt(ask, view, trained), Limits(min(tokens, task.tokens)))
        for image in images
        for view in views_of(task, ask, image, trained, one.side)[:VIEWS]
    ]
    pairs = list(zip(one.generate(requests), other.generate(requests), strict=True))
    equal = sum(a.text.strip() == b.text.strip() for a, b in pairs) / len(pairs)
    return Agreement(ask.task, len(pairs), equal, sum(_error(a, b) for a, b in pairs) / len(pairs))


def _error(one: Generation, other: Generation) -> float:
    return float(Levenshtein.normalized_distance(one.text.strip(), other.text.strip()))


def _images(files: Sequence[Path], pages: int, settings: Settings) -> Iterator[PageImage]:
    with Sandbox(settings) as sandbox:
        for file in files:
            upload = open_upload(file, sandbox, settings=settings)
            for number in range(1, min(upload.pages, pages) + 1):
                yield rasterize(upload, number, sandbox, settings=settings).image
