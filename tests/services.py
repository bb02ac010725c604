"""The real servers that tests use: PostgreSQL, Redis, RabbitMQ on this machine, each with a corner of our own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import fsspec

from docproc.store.database import Database
from docproc.store.tables import Table

POSTGRES = os.environ.get("DOCPROC_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432")
"""Where databases may be created."""
S3_KEYS = {"key": "tester", "secret": "tester"}


@contextmanager
def postgres_database(name: str = "") -> Iterator[str]:
    """Create a database and give its URL; "" when no PostgreSQL answers. It is dropped at the end."""
    import psycopg

    name = f"docproc_test_{name}{os.getpid()}"
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
    """Delete all rows; on PostgreSQL many times faster than truncating tables that hold few."""
    with database.write() as session:
        for table in reversed(Table.metadata.sorted_tables):
            session.execute(table.delete())


@contextmanager
def redis_url() -> Iterator[str]:
    """Give the URL of a Redis database that is empty before and after; "" when no Redis answers."""
    import redis

    server = os.environ.get("DOCPROC_TEST_REDIS", "redis://127.0.0.1:6379/0").rpartition("/")[0]
    url = f"{server}/{9 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')) % 7}"
    client = redis.Redis.from_url(url, socket_connect_timeout=3)
    try:
        client.flushdb()
    except redis.exceptions.ConnectionError:
        yield ""
        return
    try:
        yield url
    finally:
        client.flushdb()
        client.close()


@contextmanager
def rabbitmq_vhost() -> Iterator[str]:
    """Create a virtual host on RabbitMQ and give its URL; "" where none can be made. It is deleted at the end.

    DOCPROC_TEST_RABBITMQ names a server of which nobody else knows, and is given as it is.
    """
    if given := os.environ.get("DOCPROC_TEST_RABBITMQ"):
        yield given
        return
    name = f"docproc_test_{os.getpid()}"
    if not _rabbitmqctl("add_vhost", name):
        yield ""
        return
    try:
        _rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*arguments: str) -> bool:
    try:
        command = ["rabbitmqctl", "-q", *arguments]
        return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
