"""The time at which a job's bodies were erased, and indexes that find expired records."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("erased_at", TIME))
    unconfirmed = sa.text("state IN ('gone', 'superseded')")
    with_bodies = sa.text("erased_at IS NULL AND state IN ('done', 'gone', 'superseded', 'ignored')")
    with_errors = sa.text("outcome <> 'ok' AND answer IS NOT NULL")
    op.create_index("jobs_unconfirmed", "jobs", ["since"], sqlite_where=unconfirmed, postgresql_where=unconfirmed)
    op.create_index("jobs_with_bodies", "jobs", ["since"], sqlite_where=with_bodies, postgresql_where=with_bodies)
    op.create_index(
        "effects_with_errors", "effects", ["job_id"], sqlite_where=with_errors, postgresql_where=with_errors
    )
