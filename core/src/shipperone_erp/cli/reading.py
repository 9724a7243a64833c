"""Commands that read: status, orders, order show."""

from collections.abc import Mapping
from typing import Annotated

import typer

from shipperone_erp.cli.options import (
    DEFAULT_FILE,
    AsJson,
    ConfigFile,
    configuration,
    ledger_to_read,
    must_know,
    print_json,
    print_table,
    print_text,
)
from shipperone_erp.errors import UsageError
from shipperone_erp.model.work import Stage, State
from shipperone_erp.operations.documents import open_documents
from shipperone_erp.operations.rows import in_order_of_urgency, order_row, order_story, status_rows
from shipperone_erp.operations.story import story_text
from shipperone_erp.reasons import Reason
from shipperone_erp.runtime.clock import utc_now

OnlyTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant.")]
OnlyStage = Annotated[Stage | None, typer.Option("--stage", help="Only this stage.")]


STATUS = {
    "tenant": "tenant", "stage": "stage", "pending": "pending", "waiting": "waiting", "held": "held",
    "accepted_not_issued": "late", "oldest": "oldest", "last_good_cycle": "last_good_cycle", "paused": "paused",
    "served_by": "served_by",
}  # fmt: skip
"""What of a row of status stands in which column."""


def status(config: ConfigFile = DEFAULT_FILE, as_json: AsJson = False) -> None:
    """Per tenant and stage: pending, waiting, held, late, the oldest, the last good cycle, paused, served by, why."""
    loaded = configuration(config, tenants_may_fail=True)
    ledger = ledger_to_read(loaded)
    rows = status_rows(loaded, ledger, utc_now())
    ledger.close()
    if as_json:
        print_json(rows)
        return
    print_table(
        [*STATUS.values(), "why"],
        [[*(row.get(column) for column in STATUS), _counted(row.get("reasons", {}))] for row in rows],
    )
    for row in rows:
        if row["sentence"]:
            print_text("/".join(part for part in (row["tenant"], row["stage"]) if part) + f": {row['sentence']}")
        if row.get("reserved_not_shipped"):
            print_text(f"{row['tenant']}: {row['reserved_not_shipped']} reserved, and not shipped within ship_within")
        if row.get("not_compared"):
            print_text(f"{row['tenant']}: {row['not_compared']} invoice(s) not compared: the ERP told no total")
        if row.get("overdue"):
            print_text(f"{row['tenant']}: {row['overdue']} shipped, and not invoiced within invoice_within")


def _counted(reasons: Mapping[str, int]) -> str:
    """'298 erp_unavailable, 2 not_enough_stock'"""
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def orders(
    config: ConfigFile = DEFAULT_FILE,
    state: Annotated[State | None, typer.Option(help="Only jobs in this state.")] = None,
    reason: Annotated[Reason | None, typer.Option(help="Only jobs with this reason.")] = None,
    tenant: OnlyTenant = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="Instead: what is open in the ERP, such as reservations and drafts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The jobs that are not done (or those in --state), the most urgent first."""
    if documents and (state or reason):
        raise UsageError("--documents goes with --tenant only")
    loaded = configuration(config, tenants_may_fail=True)
    with ledger_to_read(loaded) as ledger:
        if tenant is not None:
            must_know(loaded, tenant, ledger)
        found = open_documents(ledger, tenant) if documents else []
        jobs = [] if documents else ledger.find_jobs(tenant=tenant, states=[state] if state else None, reason=reason)
    if documents:
        if as_json:
            print_json(found)
            return
        columns = ["tenant", "document", "order_id", "reference", "number", "erp", "state", "since"]
        print_table(columns, [[row[column] for column in columns] for row in found])
        return
    rows = [order_row(job) for job in in_order_of_urgency(jobs) if state or as_json or not job.ended]
    if as_json:
        print_json(rows)
        return
    columns = ["tenant", "stage", "order_id", "state", "reason", "owner", "sentence", "next_attempt_at"]
    for row in rows:
        row["state"] += ", not compared" if row["not_compared"] else ""
    print_table(columns, [[row[column] for column in columns] for row in rows])


def show(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order's id, or a job's key.")],
    config: ConfigFile = DEFAULT_FILE,
    tenant: OnlyTenant = None,
    stage: OnlyStage = None,
    key: Annotated[str | None, typer.Option(help="Only the job with this key.")] = None,
    bodies: Annotated[bool, typer.Option("--bodies", help="Also the order as listed, the invoice as built.")] = False,
    as_json: AsJson = False,
) -> None:
    """Everything that the ledger holds of an order: both stages, every call with its outcome, the differences."""
    loaded = configuration(config, tenants_may_fail=True)
    ledger = ledger_to_read(loaded)
    try:
        jobs = ledger.find_jobs(tenant=tenant, stage=stage, order_id=order_id, key=key) or ledger.find_jobs(
            tenant=tenant, stage=stage, key=order_id
        )
        if not jobs:
            raise UsageError(f"no job of order {order_id} is known; `shipperone-erp orders` lists what is")
        stories = [order_story(ledger, job) for job in sorted(jobs, key=lambda job: job.id)]
    finally:
        ledger.close()
    if as_json:
        print_json(stories)
        return
    print_text("\n\n".join(story_text(story, bodies=bodies) for story in stories))
