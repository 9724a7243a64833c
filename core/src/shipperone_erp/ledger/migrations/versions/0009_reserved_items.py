"""A job stores the items of its reservation request: the rows that count are selected parent by parent."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("reserved", sa.Text, nullable=False, server_default="[]"))
