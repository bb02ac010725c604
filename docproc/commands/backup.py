"""`docproc backup` and `docproc restore`: everything that is kept, in one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from docproc.registry import Registry
from docproc.settings import Settings
from docproc.store import backup, restore
from docproc.store.database import Database
from docproc.store.search import rebuild

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("backup")
@click.argument("file", type=FILE)
@click.option(
    "--with-secret",
    is_flag=True,
    help="Put the secret key into it. Without it, passwords of PDFs and secrets of webhooks in the backup can "
    "only be opened where DOCPROC_SECRET_KEY is the same; with it, by whoever finds the backup.",
)
@click.option(
    "--models", "with_models", is_flag=True,
    help="Put the files of registered models into it. Without it, only their cards are (where from, hashes, figures) "
    "and which versions are used.",
)  # fmt: skip
def write(file: Path, *, with_secret: bool, with_models: bool) -> int:
    """Write everything that is kept to FILE (.tar, or .tar.gz), while work goes on, and read it back to be sure."""
    settings = Settings.from_environment()
    with _opened(settings) as database, tqdm(unit="part", file=sys.stderr, disable=None) as bar:
        made = backup.write(
            database, settings, file, with_secret=with_secret, with_models=with_models, progress=_counter(bar)
        )
    click.echo(f"{file}: {_told(made)}")
    for sha256 in made.missing:
        click.echo(f"MISSING  {sha256}", err=True)
    return 5 if made.missing else 0


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the users and documents that are here.")
def read(file: Path, force: bool) -> None:
    """Restore what `docproc backup` wrote to FILE. Stop `docproc serve`, workers and web first."""
    settings = Settings.from_environment()
    with _opened(settings) as database:
        with tqdm(unit="part", file=sys.stderr, disable=None) as bar:
            made = restore.read(database, settings, file, force=force, progress=_counter(bar))
        pages = sum(rebuild.rebuild(database))
    click.echo(f"Restored {_told(made)}; {pages} pages can be searched.")
    registry = Registry(settings)
    bare = sorted(name for name in registry.names() if any(map(registry.damaged, registry.versions(name))))
    if bare:
        click.echo(
            f"Without their files: the models {', '.join(bare)}. Remove each and add it again from where it came "
            "(`docproc models show` tells).",
            err=True,
        )
    if backup.SECRET not in made.parts:
        click.echo(
            "The backup has no secret key: what is sealed in it opens only with the one it was sealed with.",
            err=True,
        )


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        database.close()


def _counter(bar: tqdm[Any]) -> Callable[[str], None]:
    def count(_: str) -> None:
        bar.update()

    return count


def _told(made: backup.Manifest) -> str:
    files = sum(name.startswith("files/") for name in made.parts)
    models = len({name.split("/")[1] for name in made.parts if name.startswith("models/") and name.count("/") > 1})
    kept = f", {models} models" if models else ""
    return f"{made.rows.get('documents', 0)} documents, {files} files{kept}, of {made.created_at}"
