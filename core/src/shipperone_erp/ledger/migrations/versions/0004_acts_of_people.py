"""Adoptions and approvals by operators, the ERP of a reference; indexes on numbers and on unshipped goods."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("adopted_at", TIME))
    op.add_column("jobs", sa.Column("approved", sa.String(64)))
    op.add_column("jobs", sa.Column("erp", sa.Text))
    numbered = sa.text("number IS NOT NULL")
    op.create_index("jobs_number", "jobs", ["number"], sqlite_where=numbered, postgresql_where=numbered)
    allocated = sa.text("stage = 'allocation' AND state = 'done'")
    op.create_index(
        "jobs_allocated", "jobs", ["tenant", "accepted_at"], sqlite_where=allocated, postgresql_where=allocated
    )
