"""Operators' decisions to handle an order without its VAT id."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("without_vat", sa.String(64)))
