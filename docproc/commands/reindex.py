"""`docproc reindex`: make the search index again from what is kept."""

from __future__ import annotations

import click
from tqdm import tqdm

from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database
from docproc.store.search import rebuild


@click.command("reindex")
def command() -> None:
    """Make the search index again; searching and reading go on meanwhile.

    Words can be searched at once; workers then prepare search by meaning, the newest pages first.
    """
    database = Database(Settings.from_environment())
    migrate.require_current(database)
    with database.read() as session:
        total = rebuild.count(session)
    done = 0
    with tqdm(total=total, unit="page", desc="Indexing") as bar:
        for pages in rebuild.rebuild(database):
            bar.update(pages)
            done += pages
    database.close()
    click.echo(f"{done} pages can be searched.")
