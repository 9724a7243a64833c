"""The runtime's open documents in the ERP, for an operator who switches the runtime off or counts stock."""

from collections.abc import Iterable
from decimal import Decimal

from shipperone_erp.domain.absence import may_exist
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import ENDED, Stage, State, Step
from shipperone_erp.kernel.grouping import grouped, summed
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.reports import Row, in_order_of_urgency, order_row


def open_documents(ledger: Ledger, tenant: str | None) -> list[Row]:
    """Live reservations, drafts, jobs accepted and not issued, or issued and not delivered; overdue ones first."""
    jobs = {job.id: job for job in _reservations(ledger, tenant)}
    kinds = dict.fromkeys(jobs, "reservation")
    for job in ledger.find_jobs(tenant=tenant, states=[state for state in State if state not in ENDED]):
        kind = unfinished(job)
        if kind is not None:
            jobs[job.id], kinds[job.id] = job, kind
    return [{"document": kinds[job.id], **order_row(job)} for job in in_order_of_urgency(jobs.values())]


def unfinished(job: Job) -> str | None:
    """The (possible) document of an unfinished job; None if there is none, or if it is only a live reservation."""
    issued = job.invoice is not None and job.invoice.issued
    if job.stage is Stage.ALLOCATION:
        return "reservation, perhaps" if job.reference is None and may_exist(job) else None
    if job.accepted:
        return "issued, not delivered" if issued else "accepted, not issued"
    if job.adopted:
        return "adopted, not confirmed"
    if issued:
        return "issued, not confirmed"
    if job.reference is not None:
        return "draft"
    return "draft, perhaps" if job.step is Step.BUILDING else None


def _reservations(ledger: Ledger, tenant: str | None) -> Iterable[Job]:
    """The reservations with a remaining quantity: an order that is invoiced in parts uses it up by its deliveries."""
    jobs = ledger.reservations(tenant)
    invoices = [
        invoice
        for name, reserving in grouped(jobs, key=lambda job: job.tenant).items()
        for invoice in ledger.jobs_of_orders(name, Stage.INVOICE, {job.order_id for job in reserving})
        if invoice.state is State.DONE
    ]
    shipped = summed(
        ((invoice.tenant, invoice.order_id, str(item.item_id)), item.qty)
        for invoice in invoices
        for item in invoice.order.items
    )
    for job in jobs:
        remaining = False
        for item in job.order.items:
            place = job.tenant, job.order_id, str(item.item_id)
            used = min(shipped.get(place, Decimal(0)), item.qty)
            shipped[place] = shipped.get(place, Decimal(0)) - used
            remaining = remaining or used < item.qty
        if remaining:
            yield job
