"""The real servers that tests use: PostgreSQL, Redis, RabbitMQ on this machine, each with a corner of our own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
from sqlalchemy import inspect, table, text

from docproc.store.database import Database

POSTGRES = os.environ.get("DOCPROC_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432")
"""Where databases may be created."""
S3_KEYS = {"key": "tester", "secret": "tester"}


@contextmanager
def postgres_database() -> Iterator[str]:
    """Create a database and give its URL; "" when no PostgreSQL answers. It is dropped at the end."""
    import psycopg

    name = f"docproc_test_{os.getpid()}"
    try:
        server = psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        yield ""
        return
    with server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def object_store() -> Iterator[str]:
    """Start a server that speaks S3, with one bucket; give the storage URL, "" where moto is not installed."""
    try:
        from moto.server import ThreadedMotoServer
    except ImportError:
        yield ""
        return
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        fsspec.filesystem("s3", endpoint_url=address, **S3_KEYS).mkdir("files")
        yield f"s3://files/docproc?endpoint_url={address}"
    finally:
        server.stop()


def empty(database: Database) -> None:
    """Delete all rows."""
    tables = [name for name in inspect(database.engine).get_table_names() if name != "alembic_version"]
    with database.write() as session:
        if database.is_sqlite:
            session.execute(text("PRAGMA defer_foreign_keys=ON"))
            for name in tables:
                if not name.startswith("search_fts"):
                    session.execute(table(name).delete())
        else:
            session.execute(text("TRUNCATE {} CASCADE".format(", ".join(f'"{name}"' for name in tables))))
