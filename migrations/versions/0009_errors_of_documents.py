"""Errors to be expected of documents, kept with them; indexes to list documents by these and by size."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("documents", sa.Column("errors", sa.Double(), server_default="0", nullable=False))
    op.execute(
        "UPDATE documents SET errors = (SELECT coalesce(sum(page_doubts.errors), 0) FROM page_doubts"
        " WHERE page_doubts.document_id = documents.id AND page_doubts.run_id = documents.run_id)"
    )
    op.create_index("ix_documents_size_id", "documents", ["size", "id"])
    op.create_index("ix_documents_errors_id", "documents", ["errors", "id"])


def downgrade() -> None:
    op.drop_index("ix_documents_errors_id", "documents")
    op.drop_index("ix_documents_size_id", "documents")
    op.drop_column("documents", "errors")
