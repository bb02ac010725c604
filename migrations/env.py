"""How a migration runs: on the connection that `docproc.store.migrate` gives, or on the one of the settings."""

from alembic import context
from sqlalchemy import Connection, text

from docproc.settings import Settings
from docproc.store.database import Database
from docproc.store.tables import Table


def run(connection: Connection) -> None:
    """Run what was asked for; on PostgreSQL a lock that is not had in 10 s ends it instead of stopping everyone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(732451)"))  # one migration at a time
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        include_name=lambda name, kind, _: not (kind == "table" and (name or "").startswith("search_fts")),
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(Settings.from_environment()).engine.begin() as own:
        run(own)
