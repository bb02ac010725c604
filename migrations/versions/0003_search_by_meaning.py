"""Search by meaning: vectors of pages, which workers make of all that is indexed already."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "search_vectors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["search_pages.id"], name=op.f("fk_search_vectors_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_vectors")),
    )
    op.create_index(
        "ix_search_vectors_waiting", "search_vectors", ["id"],
        sqlite_where=sa.text("data IS NULL"), postgresql_where=sa.text("data IS NULL"),
    )  # fmt: skip
    op.execute("INSERT INTO search_vectors (id, stamp, count, attempts) SELECT id, 0, 0, 0 FROM search_pages")


def downgrade() -> None:
    op.drop_table("search_vectors")
