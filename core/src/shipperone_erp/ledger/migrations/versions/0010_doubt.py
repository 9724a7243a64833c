"""The text of a 2xx that denied a confirmation; the start of an unknown outcome; listings that keep changing."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("refusal", sa.Text))
    op.add_column("jobs", sa.Column("doubt_since", TIME))
    op.add_column("jobs", sa.Column("listed_as", sa.Text))
    disproved = sa.text("inferred AND refusal IS NOT NULL")
    op.create_index(
        "jobs_disproved", "jobs", ["tenant", "accepted_at"], sqlite_where=disproved, postgresql_where=disproved
    )
