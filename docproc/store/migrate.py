"""Bring a database to the tables of this version, and back. The steps are in `migrations/`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import docproc
from docproc.errors import Unavailable
from docproc.store.database import Database


def folder() -> Path:
    """Return where the migrations lie: inside the package when installed, beside it in a checkout."""
    package = Path(docproc.__file__).parent
    for candidate in (package / "migrations", package.parent / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise Unavailable("The migrations are missing.", hint="Install docproc again.")


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database up to `revision`; does nothing when it is there."""
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with database.engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    """Take the database back to `revision` ("base" is before everything)."""
    with database.engine.begin() as connection:
        command.downgrade(_config(connection), revision)


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


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder()))
    config.attributes["connection"] = connection
    return config
