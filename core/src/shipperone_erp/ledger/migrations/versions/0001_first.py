"""Jobs, effects, actions, queues, bindings, leases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("order_json", sa.Text, nullable=False),
        sa.Column("item_ids", sa.Text, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("sentence", sa.Text),
        sa.Column("owner", sa.String(32)),
        sa.Column("since", TIME, nullable=False),
        sa.Column("first_listed_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("number", sa.Text),
        sa.Column("invoice_json", sa.Text),
        sa.Column("tax_date", sa.Date),
        sa.Column("part", sa.Boolean, nullable=False),
        sa.Column("compared", sa.Boolean, nullable=False),
        sa.Column("accepted_at", TIME),
        sa.Column("inferred", sa.Boolean, nullable=False),
        sa.Column("lost_at", TIME),
        sa.Column("settle_reads", sa.Text, nullable=False),
        sa.Column("absent_since", TIME),
        sa.Column("absent_reads", sa.Integer, nullable=False),
        sa.Column("absence_doubtful", sa.Boolean, nullable=False),
        sa.Column("listed_again", sa.Integer, nullable=False),
        sa.Column("ending", sa.String(32)),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("rebuilds", sa.Integer, nullable=False),
        sa.Column("accepts", sa.Integer, nullable=False),
        sa.Column("crashes_alone", sa.Integer, nullable=False),
        sa.Column("differences", sa.Text, nullable=False),
        sa.UniqueConstraint("key", name="jobs_key"),
    )
    op.create_index("jobs_order", "jobs", ["order_id", "tenant", "stage"])
    is_open = sa.text("open")
    op.create_index(
        "jobs_one_open",
        "jobs",
        ["tenant", "stage", "order_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    unfinished = sa.text("state NOT IN ('done', 'gone', 'superseded')")
    op.create_index(
        "jobs_unfinished", "jobs", ["tenant", "stage"], sqlite_where=unfinished, postgresql_where=unfinished
    )

    op.create_table(
        "effects",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("job_id", ROW_ID, sa.ForeignKey("jobs.id", name="effects_job"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("intent_at", TIME, nullable=False),
        sa.Column("alone", sa.Boolean, nullable=False),
        sa.Column("request", sa.Text),
        sa.Column("outcome", sa.String(32)),
        sa.Column("outcome_at", TIME),
        sa.Column("answer", sa.Text),
    )
    op.create_index("effects_of_job", "effects", ["job_id"])
    no_outcome = sa.text("outcome IS NULL")
    op.create_index("effects_open", "effects", ["job_id"], sqlite_where=no_outcome, postgresql_where=no_outcome)

    op.create_table(
        "actions",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("job_id", ROW_ID),
        sa.Column("note", sa.Text),
    )
    op.create_index("actions_of_job", "actions", ["job_id"])
    op.create_index("actions_of_tenant", "actions", ["tenant"])

    op.create_table(
        "queues",
        sa.Column("tenant", sa.String(200), primary_key=True),
        sa.Column("stage", sa.String(32), primary_key=True),
        sa.Column("first_read_at", TIME),
        sa.Column("live_at", TIME),
        sa.Column("last_good_read_at", TIME),
        sa.Column("paused_reason", sa.String(32)),
        sa.Column("paused_sentence", sa.Text),
        sa.Column("paused_at", TIME),
    )

    op.create_table(
        "bindings",
        sa.Column("tenant", sa.String(200), primary_key=True),
        sa.Column("base_url", sa.Text, nullable=False),
        sa.Column("store_code", sa.Text, nullable=False),
        sa.Column("connector", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
    )

    op.create_table(
        "leases",
        sa.Column("name", sa.String(250), primary_key=True),
        sa.Column("owner", sa.String(64)),
        sa.Column("host", sa.Text),
        sa.Column("pid", sa.Integer),
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("heartbeat", ROW_ID, nullable=False),
        sa.Column("taken_at", TIME),
    )
