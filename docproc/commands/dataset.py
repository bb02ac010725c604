"""`docproc dataset`: what models are fine-tuned and measured on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from docproc.errors import Usage
from docproc.learn.dataset import SPLITS, TASKS
from docproc.synth.kinds import KINDS


@click.group("dataset")
def command() -> None:
    """Make datasets to fine-tune models on, and to measure them on."""


@command.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--synth", "drawn", type=click.IntRange(1), help="From so many documents that are drawn.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first of them.")
@click.option("--kind", "kinds", type=click.Choice(sorted(KINDS)), multiple=True, help="Draw these alone.")
@click.option("--task", "tasks", type=click.Choice(TASKS), multiple=True, help="For these tasks alone.")
@click.option("--side", type=click.IntRange(56, 896), default=448, show_default=True, help="Pixels of the input.")
@click.option("--variant", type=click.Choice(["pt", "mix"]), default="pt", show_default=True, help="Whose prompts.")
@click.option("--longest", type=click.IntRange(10), help="Characters of a text to write [default: by side].")
@click.option("--jobs", type=click.IntRange(1), help="Processes that draw [default: one a core].")
def export(  # noqa: PLR0913, PLR0917  (one argument per option)
    folder: Path,
    drawn: int | None,
    seed: int,
    kinds: tuple[str, ...],
    tasks: tuple[str, ...],
    side: int,
    variant: str,
    longest: int | None,
    jobs: int | None,
) -> None:
    """Write train.jsonl, validation.jsonl, test.jsonl and images/ to FOLDER, replacing what it holds.

    Documents are divided by their name, so that one in the test set stays there in every export.
    """
    from docproc.learn import export as exporting  # noqa: PLC0415  (draws with PyMuPDF)
    from docproc.learn.examples import Plan  # noqa: PLC0415
    from docproc.learn.from_synth import orders  # noqa: PLC0415

    if not drawn:
        raise Usage("There is nothing to make a dataset from.", hint="Say --synth N.")
    plan = Plan(side, variant, tasks or TASKS, longest or 0)
    about: dict[str, Any] = {"side": side, "variant": variant}
    wanted = list(orders(drawn, seed, kinds, plan))
    about["synth"] = {"documents": drawn, "seed": seed, "kinds": list(kinds)}
    with tqdm(total=len(wanted), unit="document", file=sys.stderr, disable=None) as bar:
        source = exporting.drawn(wanted, folder, jobs or len(os.sched_getaffinity(0)))
        told = exporting.finish(folder, exporting.watched(source, bar.update), about)
    for split in SPLITS:
        counts = ", ".join(f"{count} {task}" for task, count in told["examples"][split].items())
        click.echo(f"{split}: {told['documents'][split]} documents, {counts or 'no examples'}")
    click.echo(f"digest: {told['digest']}")
