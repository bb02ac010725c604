"""What showing a hit takes, beside its index row; on PostgreSQL, file names by their trigrams where it may be."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TRIGRAMS = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX ix_documents_name_trigrams ON documents
        USING gin (folded_name gin_trgm_ops) WITH (fastupdate = off);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE NOTICE 'pg_trgm is not to be had here: looking for names reads through all of them';
END $$
"""


def upgrade() -> None:
    op.add_column("search_pages", sa.Column("shown", sa.LargeBinary(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        # Out of the row goes what is compressed already, and the tokens, which every search looks at, stay in it.
        op.execute("ALTER TABLE search_pages ALTER shown SET STORAGE EXTERNAL, ALTER tokens SET STORAGE MAIN")
        op.execute(TRIGRAMS)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP INDEX IF EXISTS ix_documents_name_trigrams")
        op.execute("ALTER TABLE search_pages ALTER tokens SET STORAGE EXTENDED")
    op.drop_column("search_pages", "shown")
