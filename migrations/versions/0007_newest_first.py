"""Indexes for lists and searches by day; changes of what models found, counted apart from those of the text."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("pages", sa.Column("found", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_documents_created_at", "documents", ["created_at"])
    op.create_index(
        "ix_documents_public_id",
        "documents",
        ["id"],
        sqlite_where=sa.text("public = 1"),
        postgresql_where=sa.text("public"),
    )


def downgrade() -> None:
    op.drop_index("ix_documents_public_id", "documents")
    op.drop_index("ix_documents_created_at", "documents")
    op.drop_column("pages", "found")
