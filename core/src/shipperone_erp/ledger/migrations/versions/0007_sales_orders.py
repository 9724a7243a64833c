"""An index on the sales order's number; credit notes and approved sums of operators; logged rules.

Earlier versions stored the number only inside the order's text: it is copied from there.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

AT_ONCE = 1000

jobs = sa.table("jobs", sa.column("id"), sa.column("order_json"), sa.column("order_number"))


def upgrade() -> None:
    op.add_column("jobs", sa.Column("order_number", sa.Text))
    op.add_column("jobs", sa.Column("credits", sa.Text, nullable=False, server_default="[]"))
    op.add_column("jobs", sa.Column("approved_total", sa.Text))
    op.add_column("queues", sa.Column("rules", sa.Integer, nullable=False, server_default="0"))
    _copy_numbers(op.get_bind())
    numbered = sa.text("order_number IS NOT NULL")
    op.create_index(
        "jobs_sales_order",
        "jobs",
        ["order_number", "tenant", "order_id"],
        sqlite_where=numbered,
        postgresql_where=numbered,
    )


def _copy_numbers(connection: sa.Connection) -> None:
    named = sa.select(jobs.c.id, jobs.c.order_json).where(jobs.c.order_json.contains('"order_number":'))
    put = sa.update(jobs).where(jobs.c.id == sa.bindparam("row_id")).values(order_number=sa.bindparam("found"))
    last = -1
    while True:
        rows = connection.execute(named.where(jobs.c.id > last).order_by(jobs.c.id).limit(AT_ONCE)).all()
        if not rows:
            return
        last = rows[-1].id
        numbers = [(row.id, _number(row.order_json)) for row in rows]
        found = [{"row_id": row_id, "found": number} for row_id, number in numbers if number is not None]
        if found:
            connection.execute(put, found)


def _number(order_json: str) -> str | None:
    """The order's own number, and not one in a field that core does not map (`extra`)."""
    number = json.loads(order_json).get("order_number")
    return number if isinstance(number, str) else None
