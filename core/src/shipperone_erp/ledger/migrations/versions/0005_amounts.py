"""Orders with charges, which earlier versions cannot read; an index that counts invoices without any comparison."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    not_compared = sa.text("NOT compared")
    op.create_index(
        "jobs_not_compared",
        "jobs",
        ["tenant", "stage"],
        sqlite_where=not_compared,
        postgresql_where=not_compared,
    )
