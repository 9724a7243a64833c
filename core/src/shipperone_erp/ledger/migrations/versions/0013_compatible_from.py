"""Which programs may use this schema: from which revision of their own on."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COMPATIBLE_FROM = "0013"
"""Programs before this one read no such row, and refuse a later schema whatever it holds."""


def upgrade() -> None:
    made = op.create_table("ledger_compatible", sa.Column("from_revision", sa.String(32), nullable=False))
    op.bulk_insert(made, [{"from_revision": COMPATIBLE_FROM}])
