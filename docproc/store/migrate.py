"""Bring a database to the tables of this version, and back. The steps are in `migrations/`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

import docproc
from docproc.errors import Unavailable, Usage
from docproc.store.database import WRITES, Database


def folder() -> Path:
    """Return where the migrations lie: inside the package when installed, beside it in a checkout."""
    package = Path(docproc.__file__).parent
    for candidate in (package / "migrations", package.parent / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise Unavailable("The migrations are missing.", hint="Install docproc again.")


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database up to `revision`; does nothing when it is there. Raises Usage for an unknown revision."""
    make_folder(database)
    with steps(database) as config:
        command.upgrade(config, revision)


def make_folder(database: Database) -> None:
    """Make the folder that an SQLite file is to lie in."""
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to `revision` ("base" is before everything); raise Usage for an unknown one."""
    with steps(database) as config:
        command.downgrade(config, revision)


def current(database: Database) -> str | None:
    """Return the revision that the database is at, None when it is empty."""
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision()


def head() -> str | None:
    """Return the revision that this version needs."""
    return ScriptDirectory(str(folder())).get_current_head()


def require_current(database: Database) -> None:
    """Raise Unavailable when the database is not at this version's tables."""
    at, wanted = current(database), head()
    if at != wanted:
        raise Unavailable(
            f"The database is at revision {at or 'none'}; this docproc needs {wanted}.",
            hint="Run `docproc db upgrade`.",
        )


@contextmanager
def steps(database: Database) -> Iterator[Config]:
    """Give what Alembic needs to run steps in one transaction that has the database for itself.

    On SQLite a table is changed by making a new one and dropping the old, and dropping one would delete the rows
    of others that refer to it: so foreign keys are off meanwhile, and checked at the end.
    """
    with database.engine.connect().execution_options(**{WRITES: True}) as connection:
        if database.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")  # before BEGIN, after it has no effect
        try:
            with connection.begin():
                yield _config(connection)
                if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise Unavailable("The steps would leave rows that refer to nothing; nothing was changed.")
        except CommandError as error:
            raise Usage(
                f"That is no step for this database: {error}.",
                hint="A database made by a newer docproc needs that one; `docproc db current` says where it is.",
            ) from error
        finally:
            connection.invalidate()  # the next user of the pool gets one with foreign keys on


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    config.attributes["connection"] = connection
    return config
