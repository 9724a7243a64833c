"""The company or series within which an invoice's number is unique, beside the invoice: earlier versions read that."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("issuer", sa.Text))
