"""Full-text search: the tokens of pages; on SQLite with an FTS5 table that triggers keep in step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

SQLITE = (
    # The ascii tokenizer takes every letter beyond ASCII as part of a token: tokens come in ready-made.
    "CREATE VIRTUAL TABLE search_fts USING fts5("
    "tokens, content='search_pages', content_rowid='id', tokenize='ascii', prefix='2 3')",
    "CREATE TRIGGER search_pages_inserted AFTER INSERT ON search_pages BEGIN "
    "INSERT INTO search_fts(rowid, tokens) VALUES (new.id, new.tokens); END",
    "CREATE TRIGGER search_pages_deleted AFTER DELETE ON search_pages BEGIN "
    "INSERT INTO search_fts(search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens); END",
    "CREATE TRIGGER search_pages_updated AFTER UPDATE ON search_pages BEGIN "
    "INSERT INTO search_fts(search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens); "
    "INSERT INTO search_fts(rowid, tokens) VALUES (new.id, new.tokens); END",
)


def upgrade() -> None:
    op.create_table(
        "search_pages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_search_pages_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_pages")),
        sa.UniqueConstraint("document_id", "number", name=op.f("uq_search_pages_document_id_number")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for statement in SQLITE:
            op.execute(statement)
    else:
        # Without fastupdate no search has to read through a list of pages that are not sorted in yet.
        op.execute("CREATE INDEX ix_search_pages_tokens ON search_pages USING gin (tokens) WITH (fastupdate = off)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_fts")
    op.drop_table("search_pages")
