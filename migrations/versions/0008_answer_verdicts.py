"""What people said of answers: right or wrong. Confidences are calibrated by it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "answer_verdicts",
        sa.Column("answer_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answers.id"], name=op.f("fk_answer_verdicts_answer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_answer_verdicts_user_id")),
        sa.PrimaryKeyConstraint("answer_id", "user_id", name=op.f("pk_answer_verdicts")),
    )
    op.create_index("ix_answer_verdicts_created_at", "answer_verdicts", ["created_at"])


def downgrade() -> None:
    op.drop_table("answer_verdicts")
