"""The earliest revision of programs that may use this schema."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

COMPATIBLE_FROM = "0013"
"""Programs before this one do not read the row, and refuse every later schema."""


def upgrade() -> None:
    made = op.create_table("ledger_compatible", sa.Column("from_revision", sa.String(32), nullable=False))
    op.bulk_insert(made, [{"from_revision": COMPATIBLE_FROM}])
