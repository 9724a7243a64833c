"""What the ledger holds of a listing's orders, gathered for planning in a few queries."""

from collections.abc import Iterable
from datetime import datetime

from shipperone_erp.ledger.records import Job, QueueRecord
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.work import Stage
from shipperone_erp.reasons import Reason
from shipperone_erp.shipperone.reading import Listing
from shipperone_erp.stages.scope import Memory, Scope


def remember(
    ledger: Ledger,
    scope: Scope,
    listing: Listing,
    *,
    go_live: str,
    seen_in_invoice: frozenset[str],
    busy: frozenset[str] = frozenset(),
    confirmed: tuple[datetime | None, datetime] | None = None,
) -> tuple[Memory, QueueRecord]:
    """Blocking; reads only. `live` is False only while the queue has never been read whole in this ledger.

    `confirmed`: between which times an allocation was confirmed that should have shipped by now.
    """
    ids = [*listing.orders, *(entry.order_id for entry in listing.unreadable if entry.order_id)]
    unfinished = ledger.unfinished_jobs(scope.tenant, scope.stage)
    known = {job.id: job for job in unfinished}
    known.update((job.id, job) for job in ledger.ended_jobs_of_orders(scope.tenant, scope.stage, ids))
    allocations: list[Job] = []
    if scope.stage is Stage.INVOICE:
        orders = {*ids, *(job.order_id for job in unfinished)}
        allocations = ledger.jobs_of_orders(scope.tenant, Stage.ALLOCATION, orders)
    late: tuple[Job, ...] = ()
    if scope.stage is Stage.ALLOCATION:
        late = tuple(ledger.unshipped(scope.tenant, *confirmed)) if confirmed else ()
        seen_in_invoice |= _came_to_an_invoice(ledger, scope.tenant, unfinished, frozenset(ids))
    record = ledger.queue(scope.tenant, scope.stage) or QueueRecord(tenant=scope.tenant, stage=scope.stage)
    live = go_live == "now" or record.first_read_at is not None or record.live_at is not None
    memory = Memory(
        jobs=tuple(known.values()),
        allocations=tuple(allocations),
        seen_in_invoice=seen_in_invoice,
        live=live,
        last_good_read_at=record.last_good_read_at,
        busy=busy,
        unshipped=late,
    )
    return memory, record


def _came_to_an_invoice(
    ledger: Ledger, tenant: str, unfinished: Iterable[Job], listed: frozenset[str]
) -> frozenset[str]:
    """Orders whose reservation is not known to be confirmed, or kept for long, and that were in pending_invoice since.

    They may have been there for a moment only, between two looks of this stage; the invoice's job stays.
    """
    asked = [
        job
        for job in unfinished
        if job.reason is Reason.RESERVED_NOT_SHIPPED or (job.open and job.order_id not in listed)
    ]
    invoices = ledger.jobs_of_orders(tenant, Stage.INVOICE, {job.order_id for job in asked}) if asked else []

    def since(job: Job, invoice: Job) -> bool:
        items = set(map(str, job.item_ids)) & set(map(str, invoice.item_ids))
        return job.order_id == invoice.order_id and job.id < invoice.id and bool(items)

    return frozenset(job.order_id for job in asked if any(since(job, invoice) for invoice in invoices))
