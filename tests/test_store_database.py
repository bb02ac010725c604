from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from docproc.errors import Unavailable
from docproc.settings import Settings
from docproc.store import migrate
from docproc.store.database import Database, now
from docproc.store.tables import Table, User

SEARCH_ONLY = ("search_fts", "ix_search_pages_tokens", "ix_documents_name_trigrams")
"""Made by the migration in the words of one database; no model knows them."""


def test_an_error_rolls_the_transaction_back(database):
    def fail_halfway():
        with database.write() as session:
            session.add(User(name="ann", role="viewer"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with database.read() as session:
        assert session.scalars(select(User)).all() == []


def test_times_come_back_in_utc(database):
    with database.write() as session:
        session.add(User(name="ann", role="viewer"))
        assert abs(now(session) - datetime.now(UTC)) < timedelta(minutes=1)
    with database.read() as session:
        [user] = session.scalars(select(User))
        assert user.created_at.tzinfo is UTC


def test_models_and_migrations_agree(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, _kind, _parents: not str(name).startswith(SEARCH_ONLY),
            },
        )
        assert compare_metadata(context, Table.metadata) == []


def test_an_empty_database_is_told_to_upgrade(tmp_path):
    database = Database(Settings(data_dir=tmp_path))
    with pytest.raises(Unavailable, match="docproc db upgrade"):
        migrate.require_current(database)
    database.close()


@pytest.mark.services
def test_a_connection_that_is_cut_is_told_plainly_and_made_again(database_urls):
    if "postgresql" not in database_urls:
        pytest.skip("PostgreSQL does not answer on 127.0.0.1:5432")
    database = Database(Settings(database_url=database_urls["postgresql"]))

    def cut_off():
        with database.write() as session:
            number = session.scalar(text("SELECT pg_backend_pid()"))
            with database.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:number)"), {"number": number})
            session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable, match="terminating connection"):
        cut_off()
    with database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()
