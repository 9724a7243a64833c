"""A stage claims a job before it writes to it, so that an operator's action at that moment is not overwritten."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("taken", sa.Boolean, nullable=False, server_default=sa.false()))
    taken = sa.text("taken")
    op.create_index("jobs_taken", "jobs", ["tenant", "stage"], sqlite_where=taken, postgresql_where=taken)
