"""The day of supply and the date of issue of an invoice, where an operator has set them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("supply_date", sa.Date))
    op.add_column("jobs", sa.Column("issue_date", sa.Date))
