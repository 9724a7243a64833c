"""An operator approves each invoice before it is confirmed: exactly this document, and no other in its place."""

import hashlib

from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.json import dumps
from shipperone_erp.workflow.execution import JobExecution
from shipperone_erp.workflow.interruptions import HoldJob


def mark(job: Job) -> str | None:
    """A digest of the approved content: the key's document with its lines and amounts; None where there is none yet."""
    built = job.invoice
    if built is None:
        return None
    parts: list[object] = [
        job.key,
        built.reference,
        built.lines,
        built.shipping_amount_incl_tax,
        built.total_incl_tax,
        built.currency,
    ]
    if job.dated_by_operator:
        parts += [job.supply_date, job.issue_date]
    return hashlib.sha256(dumps(parts).encode()).hexdigest()[:32]


def await_approval(execution: JobExecution, built: Invoice) -> None:
    """Hold the job until an operator has approved exactly this document, if the tenant requires approval."""
    if (
        Stage.INVOICE not in execution.ports.settings.approve
        or built.issued
        or execution.job.approved == mark(execution.job)
    ):
        return
    raise HoldJob(
        Reason.AWAITING_APPROVAL,
        f"{described(execution.job, built, execution.currency())} waits for `order approve {execution.job.order_id}`",
        Owner.ACCOUNTANT,
    )


def described(job: Job, built: Invoice, currency: str | None) -> str:
    """What is to be approved, in words: the document, its total and currency, and the days that it will have."""
    what = f"draft {built.reference}" if built.reference else "the invoice as computed"
    total = built.total_incl_tax if built.total_incl_tax is not None else "an unknown total"
    dates = {"day of supply": job.supply_date, "date of issue": job.issue_date}
    dated = "".join(f", {name} {day}" for name, day in dates.items() if day is not None)
    return f"{what} of {total} {currency or ''}".rstrip() + dated
