"""Sent alerts, so that two processes send an alert once."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("since", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("told_at", TIME),
        sa.Column("claimed_at", TIME),
        sa.Column("sentence", sa.Text, nullable=False),
    )
