"""A backup brought back: into any database that this version knows, in one transaction."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from alembic import command
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    inspect,
    select,
    text,
)
from sqlalchemy import func as sql
from sqlalchemy.exc import ArgumentError, CompileError, DataError, IntegrityError

from docproc.errors import Conflict
from docproc.settings import Settings
from docproc.store import backup, migrate, models_kept, secret
from docproc.store.database import Database
from docproc.store.files import Files

BATCH = 500


def read(
    database: Database,
    settings: Settings,
    path: Path,
    *,
    force: bool = False,
    progress: backup.Progress | None = None,
) -> backup.Manifest:
    """Restore a backup: verify it, then store its files, then its rows in one transaction.

    An older backup is loaded into the tables of its time, which are then brought to those of this version. When
    anything fails, the database is as it was. The search index is to be made again afterwards.

    Raises Rejected (`bad-backup`) for one that is not whole, and Conflict when there are documents or users
    already; with `force` they are replaced. Models that are here stay as they are.
    """
    manifest = backup.verify(path)
    migrate.make_folder(database)
    if not force and _in_use(database):
        raise Conflict(
            "There are users or documents here already.",
            hint="Restore into an empty data folder and database, or replace what is here with --force.",
        )
    files, models = Files(settings), models_kept.Restored(settings)
    with closing(models), migrate.steps(database) as config:
        connection: Connection = config.attributes["connection"]
        command.downgrade(config, "base")
        command.upgrade(config, manifest.revision)
        tables = _tables(connection)
        for name, stream in backup.members(path):
            if progress:
                progress(name)
            if name.startswith(f"{models_kept.FOLDER}/"):
                if not models.put(name.partition("/")[2], stream):
                    raise backup.bad_backup(f"{name} is no file of a model")
                continue
            _restore(connection, tables, files, settings, (name, stream))
        _settle(connection, tables)
        command.upgrade(config, "head")
        models.keep()
    return manifest


def _in_use(database: Database) -> bool:
    with database.engine.connect() as connection:
        names = {"users", "documents"} & set(inspect(connection).get_table_names())
        return any(connection.execute(select(text("1")).select_from(text(name)).limit(1)).first() for name in names)


def _tables(connection: Connection) -> MetaData:
    """Return the tables as they are at the backup's revision; the models may be newer."""
    tables = MetaData()
    tables.reflect(connection, only=lambda name, _: not name.startswith("search_fts"))
    for table in tables.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True
    return tables


def _restore(
    connection: Connection, tables: MetaData, files: Files, settings: Settings, member: tuple[str, IO[bytes]]
) -> None:
    name, stream = member
    folder, _, rest = name.partition("/")
    if folder == "files":
        stored = files.put(stream, limit=1 << 62)
        if stored.sha256 != rest:
            raise backup.bad_backup(f"{name} has other bytes than its name says")
    elif folder == "tables":
        table = tables.tables.get(rest.removesuffix(".jsonl"))
        if table is None:
            raise backup.bad_backup(f"there is no table for {name}")
        try:
            rows = _rows(table, stream)
            while some := list(islice(rows, BATCH)):
                connection.execute(table.insert(), some)
        except (IntegrityError, DataError, CompileError, ArgumentError, ValueError, TypeError) as error:
            raise backup.bad_backup(f"the rows of {table.name} do not fit ({error})") from error
    elif name == backup.SECRET:
        secret.keep(settings, stream.read().decode())


def _rows(table: Table, stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield rows with values as the columns take them."""
    binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
    times = {column.name for column in table.columns if isinstance(column.type, DateTime)}
    for line in stream:
        row = json.loads(line)
        for name in binary & row.keys():
            row[name] = row[name] and base64.b64decode(row[name])
        for name in times & row.keys():
            row[name] = row[name] and datetime.fromisoformat(row[name]).astimezone(UTC)
        yield row


def _settle(connection: Connection, tables: MetaData) -> None:
    """Let nobody hold a lease of the past, and let counters go on behind the highest number."""
    jobs = tables.tables.get("jobs")
    if jobs is not None:
        connection.execute(jobs.update().values(lease_until=None, worker=None))
    if connection.dialect.name != "postgresql":
        return
    for table in tables.tables.values():
        key = table.autoincrement_column
        if key is not None and isinstance(key.type, Integer | BigInteger):
            highest = connection.scalar(select(sql.max(key)))
            sequence = connection.scalar(select(sql.pg_get_serial_sequence(table.name, key.name)))
            if highest is not None and sequence is not None:
                connection.execute(select(sql.setval(sequence, highest)))
