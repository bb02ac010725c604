"""`docproc dataset`: what models are fine-tuned and measured on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from docproc.errors import NotFound, Usage
from docproc.learn.dataset import SPLITS, TASKS, Example
from docproc.settings import Settings
from docproc.synth.kinds import KINDS

if TYPE_CHECKING:
    from docproc.learn.examples import Plan


SET = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("dataset")
def command() -> None:
    """Make datasets to fine-tune models on, and to measure them on."""


@command.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--synth", "drawn", type=click.IntRange(1), help="From so many documents that are drawn.")
@click.option("--corrections", is_flag=True, help="From what people corrected or approved in the data folder.")
@click.option("--owner", "owners", multiple=True, help="Of the documents of these users alone.")
@click.option("--labels", type=SET, multiple=True, help="From labelled documents, as `docproc evaluate` reads them.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first of them.")
@click.option("--kind", "kinds", type=click.Choice(sorted(KINDS)), multiple=True, help="Draw these alone.")
@click.option("--task", "tasks", type=click.Choice(TASKS), multiple=True, help="For these tasks alone.")
@click.option("--side", type=click.IntRange(56, 896), default=448, show_default=True, help="Pixels of the input.")
@click.option(
    "--variant", type=click.Choice(["pt", "mix", "nano"]), default="pt", show_default=True, help="Whose prompts."
)
@click.option("--longest", type=click.IntRange(10), help="Characters of a text to write [default: by side].")
@click.option("--jobs", type=click.IntRange(1), help="Processes that draw [default: one a core].")
def export(  # noqa: PLR0913, PLR0917  (one argument per option)
    folder: Path,
    drawn: int | None,
    corrections: bool,
    owners: tuple[str, ...],
    labels: tuple[Path, ...],
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

    if not (drawn or corrections or labels):
        raise Usage("There is nothing to make a dataset from.", hint="Say --synth N, --corrections or --labels SET.")
    plan = Plan(side, variant, tasks or TASKS, longest or 0)
    about: dict[str, Any] = {"side": side, "variant": variant}
    sources: list[Iterable[list[Example]]] = []
    if drawn:
        about["synth"] = {"documents": drawn, "seed": seed, "kinds": list(kinds)}
        wanted = list(orders(drawn, seed, kinds, plan))
        sources.append(exporting.drawn(wanted, folder, jobs or len(os.sched_getaffinity(0))))
    settings = Settings.from_environment()
    if corrections:
        about["corrections"] = {"owners": list(owners)}
        sources.append(_told(_corrected(settings, folder, plan, owners)))
    for one in labels:
        from docproc.learn import from_labels  # noqa: PLC0415

        about.setdefault("labels", []).append(one.resolve().name)
        sources.append(_told(from_labels.examples(one, settings, folder, plan)))
    with tqdm(unit="document", file=sys.stderr, disable=None) as bar:
        told = exporting.finish(folder, exporting.watched(chain.from_iterable(sources), bar.update), about)
    for split in SPLITS:
        counts = ", ".join(f"{count} {task}" for task, count in told["examples"][split].items())
        click.echo(f"{split}: {told['documents'][split]} documents, {counts or 'no examples'}")
    click.echo(f"digest: {told['digest']}")


def _corrected(
    settings: Settings, folder: Path, plan: Plan, owners: tuple[str, ...]
) -> Iterator[tuple[list[Example], str]]:
    """Yield what `from_corrections.examples` does, from the data folder of the settings."""
    from docproc.learn import from_corrections  # noqa: PLC0415
    from docproc.store import migrate, users  # noqa: PLC0415
    from docproc.store.database import Database  # noqa: PLC0415

    database = Database(settings)
    try:
        if database.is_sqlite and not (settings.data_dir.expanduser() / "docproc.sqlite3").exists():
            raise NotFound(f"There is no database in {settings.data_dir}.", hint="DOCPROC_DATA_DIR says where it is.")
        migrate.require_current(database)
        with database.read() as session:
            for name in owners:
                users.named(session, name)
        yield from from_corrections.examples(database, settings, folder, plan, owners)
    finally:
        database.close()


def _told(source: Iterable[tuple[list[Example], str]]) -> Iterator[list[Example]]:
    """Yield the examples, and tell on stderr what could not be made any of."""
    for examples, problem in source:
        if problem:
            click.echo(f"Left out: {problem}", err=True)
        yield examples
