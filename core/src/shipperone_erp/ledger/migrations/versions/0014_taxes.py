"""Counts invoices whose tax was compared with no listed one. Earlier invoices count as compared."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("tax_compared", sa.Boolean, nullable=False, server_default=sa.true()))
    not_compared = sa.text("NOT tax_compared")
    op.create_index(
        "jobs_tax_not_compared",
        "jobs",
        ["tenant", "stage"],
        sqlite_where=not_compared,
        postgresql_where=not_compared,
    )
