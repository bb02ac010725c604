"""Connections and transactions: SQLite (WAL) in the data folder, or PostgreSQL.

SQLite has one writer at a time. A transaction that reads first and writes later can find the database changed
in between and fail at once ("database is locked", no waiting), so whoever may write says so at the start:
`write()` begins with BEGIN IMMEDIATE, which waits its turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import func

from docproc.errors import Rejected, Unavailable, Usage
from docproc.settings import Settings
from docproc.store import forks

WAIT = 30.0
"""Seconds that a writer waits for its turn before it gives up."""
WRITES = "docproc_writes"
"""Execution option of connections whose transactions begin as writers."""


class Database:
    """One database, opened lazily; safe to share between threads. A fork waits until no transaction is open."""

    def __init__(self, settings: Settings) -> None:
        self.url = make_url(
            settings.database_url or f"sqlite:///{settings.data_dir.expanduser() / 'docproc.sqlite3'}"
        )
        self.engine = _engine(self.url.drivername.partition("+")[0], self.url)
        forks.watch(self.engine)
        self._writing = self.engine.execution_options(**{WRITES: True})

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that writes nothing; its rows stay usable after it."""
        with (
            _told_plainly(self.url.database or ""),
            forks.transaction(),
            Session(self.engine, expire_on_commit=False) as session,
        ):
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that is committed at the end, or rolled back when an error leaves it."""
        with (
            _told_plainly(self.url.database or ""),
            forks.transaction(),
            Session(self._writing, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def close(self) -> None:
        """Close all connections; they open again when used."""
        self.engine.dispose()


def now(session: Session) -> datetime:
    """Return the database's time, the one clock that leases go by; on SQLite, this machine's."""
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def _engine(kind: str, url: Any) -> Engine:
    if kind == "sqlite":
        return _sqlite(url)
    if kind != "postgresql":
        raise Usage(f"DOCPROC_DATABASE_URL names {kind}.", hint="It takes postgresql://... or sqlite:///...")
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=20,
            max_overflow=20,
            connect_args={"connect_timeout": 10, "application_name": "docproc"},
        )
    except ImportError as error:
        raise Unavailable("PostgreSQL needs a driver.", hint='pip install "docproc[postgres]".') from error


def _sqlite(url: Any) -> Engine:
    engine = create_engine(url, connect_args={"timeout": WAIT}, pool_size=20, max_overflow=20)

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is said below
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.execute(text("BEGIN IMMEDIATE" if writes else "BEGIN"))

    return engine


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:  # PostgreSQL takes no NUL in text, and knows the bounds of its integers
        raise Rejected("A value has signs or a size that the database does not take.", code="invalid") from error
    except (OperationalError, InterfaceError, DisconnectionError, PoolTimeout) as error:
        raise Unavailable(
            f"The database {name} cannot be used: {getattr(error, 'orig', error)}.",
            hint="Is it running, DOCPROC_DATABASE_URL right, and `docproc db upgrade` done?",
        ) from error
