"""`docproc db`: the tables of this version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database


@click.group("db")
def command() -> None:
    """Bring the database to the tables of this version, and back."""


@command.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database up to REVISION, by default to what this version needs. What it holds is kept."""
    with _opened() as database:
        migrate.upgrade(database, revision)
        click.echo(_told(database))


@command.command()
@click.argument("revision")
@click.confirmation_option("--yes", prompt="What newer tables hold is lost. Make a backup first. Go on?")
def downgrade(revision: str) -> None:
    """Take the database back to REVISION; `base` is before everything."""
    with _opened() as database:
        migrate.downgrade(database, revision)
        click.echo(_told(database))


@command.command()
def current() -> int:
    """Print the revision of the database; exit code 1 when this version needs another."""
    with _opened() as database:
        click.echo(_told(database))
        return int(migrate.current(database) != migrate.head())


@contextmanager
def _opened() -> Iterator[Database]:
    database = Database(Settings.from_environment())
    try:
        yield database
    finally:
        database.close()


def _told(database: Database) -> str:
    at, wanted = migrate.current(database), migrate.head()
    return f"{at or 'none'}" + (" (newest)" if at == wanted else f" (this version needs {wanted})")
