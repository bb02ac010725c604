"""Tasks asked of vision models: requests, and what each of them found."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "finding_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("task", sa.String(length=32), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("options", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("engine", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_finding_requests_document_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_finding_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_requests")),
    )
    op.create_index(op.f("ix_finding_requests_document_id"), "finding_requests", ["document_id"])
    with op.batch_alter_table("findings") as table:
        table.add_column(sa.Column("request_id", sa.String(), nullable=True))
        table.create_foreign_key(
            op.f("fk_findings_request_id"), "finding_requests", ["request_id"], ["id"], ondelete="CASCADE"
        )
        table.create_index(op.f("ix_findings_request_id"), ["request_id"])


def downgrade() -> None:
    with op.batch_alter_table("findings") as table:
        table.drop_index(op.f("ix_findings_request_id"))
        table.drop_constraint(op.f("fk_findings_request_id"), type_="foreignkey")
        table.drop_column("request_id")
    op.drop_table("finding_requests")
