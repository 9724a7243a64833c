"""`order approve`: what is approved, by how many, and `--total`, which accepts unexplained amounts at their sum."""

from datetime import datetime
from decimal import Decimal

from shipperone_erp.config import Configuration
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.errors import UsageError
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations import job_actions
from shipperone_erp.operations.invoice_obstacles import possible_totals
from shipperone_erp.workflow.approval import described


def persons(loaded: Configuration, job: Job) -> int:
    """The number of operators who must approve a draft of its tenant. UsageError if the tenant cannot be loaded."""
    if job.tenant not in loaded.tenants:
        raise UsageError(f"{job.tenant} has an invalid configuration, so it is not known how many persons must approve")
    return loaded.tenants[job.tenant].approvals


def approved_document(job: Job) -> str:
    """The document that an approval of this job applies to, with its total, as it waits now."""
    built = job.invoice
    return described(job, built, built.currency or job.order.currency) if built is not None else "it"


def approve_sum(
    ledger: Ledger, loaded: Configuration, job: Job, now: datetime, note: str | None, *, total: Decimal | None
) -> Decimal:
    """Accept the listing at this sum, and return it. UsageError if the invoice has a different total."""
    if job.tenant not in loaded.tenants:
        raise UsageError(f"{job.tenant} has an invalid configuration, so the total of its invoice cannot be computed")
    if total is not None and total < 0:
        raise UsageError(
            f"{job.key}: {total:f} is less than nothing; that is a credit note, which is never issued automatically. "
            "Nothing was approved"
        )
    allocations = ledger.jobs_of_orders(job.tenant, Stage.ALLOCATION, [job.order_id])
    sums = possible_totals(job, allocations, loaded.tenants[job.tenant])
    if total is None or total not in sums:
        come_to = " or ".join(f"{one:f}" for one in sums) or "an unknown total"
        sentence = "nothing" if total is None else f"{total:f}"
        raise UsageError(f"{job.key}: the total of its invoice is {come_to}, not {sentence}: nothing was approved")
    job_actions.approve_total(ledger, job, now, note, total=total)
    return total
