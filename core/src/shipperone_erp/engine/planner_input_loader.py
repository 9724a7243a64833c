"""Loads the ledger's records of a listing's orders for planning, in a few queries."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.planner_input import PlannerInput, PlannerRules
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.records import QueueRecord
from shipperone_erp.domain.set_aside import unnamed_before_go_live
from shipperone_erp.domain.states import Stage, Step
from shipperone_erp.ledger.repository import Ledger


def load_planner_input(
    ledger: Ledger,
    rules: PlannerRules,
    listing: Listing,
    *,
    go_live: str,
    shipped: Mapping[str, Listed],
    busy: frozenset[str] = frozenset(),
    confirmed: tuple[datetime | None, datetime] | None = None,
    fiscal_first: bool = False,
) -> tuple[PlannerInput, QueueRecord]:
    """Blocking; reads only. `live` is False while the queue has never been read completely in this ledger, and while
    an entry of that time, without a readable id, is not decided.

    The records of the `busy` orders are included, listed or not: these orders are being worked on, and not planned.
    `shipped`: the orders that pending_invoice lists now. `confirmed`: the period of confirmations whose allocations
    should have shipped by now. `fiscal_first`: the ERP issues at once.
    """
    ids = [*listing.orders, *(entry.order_id for entry in listing.unreadable if entry.order_id)]
    unfinished = ledger.living_jobs(rules.tenant, rules.stage)
    known = {job.id: job for job in unfinished}
    wanted = {*ids, *busy}
    known.update((job.id, job) for job in ledger.other_jobs_of_orders(rules.tenant, rules.stage, wanted))
    allocations: list[Job] = []
    sales_orders: list[Job] = []
    if rules.stage is Stage.INVOICE:
        orders = {*wanted, *(job.order_id for job in unfinished)}
        allocations = ledger.jobs_of_orders(rules.tenant, Stage.ALLOCATION, orders)
        numbers = {job.order_id: job.order_number for job in unfinished if job.order_number is not None}
        numbers |= {
            order_id: listed.order.order_number
            for order_id, listed in listing.orders.items()
            if listed.order.order_number is not None
        }
        sales_orders = ledger.jobs_of_sales_orders(rules.tenant, numbers) if numbers else []
    late: tuple[Job, ...] = ()
    seen_in_invoice: frozenset[int] = frozenset()
    if rules.stage is Stage.ALLOCATION:
        late = tuple(ledger.unshipped(rules.tenant, *confirmed)) if confirmed else ()
        seen_in_invoice = _listed_as_shipped([*unfinished, *late], shipped)
        seen_in_invoice |= _came_to_an_invoice(ledger, rules.tenant, unfinished, frozenset(ids))
    record = ledger.queue(rules.tenant, rules.stage) or QueueRecord(tenant=rules.tenant, stage=rules.stage)
    decided = record.first_read_at is not None or record.live_at is not None
    live = go_live == "now" or (decided and not unnamed_before_go_live(unfinished))
    planner_input = PlannerInput(
        jobs=tuple(known.values()),
        allocations=tuple(allocations),
        sales_orders=tuple(sales_orders),
        seen_in_invoice=seen_in_invoice,
        live=live,
        last_good_read_at=record.last_good_read_at,
        busy=busy,
        unshipped=late,
        restored_at=ledger.restored_at(rules.tenant) if fiscal_first and rules.stage is Stage.INVOICE else None,
    )
    return planner_input, record


def _came_to_an_invoice(
    ledger: Ledger, tenant: str, unfinished: Iterable[Job], listed: frozenset[str]
) -> frozenset[int]:
    """Jobs not known to be confirmed, not reserved yet, or kept too long, whose goods were in pending_invoice later.

    The goods may have been listed only between two reads of this stage; the invoice's job proves it.
    """
    asked = [
        job
        for job in unfinished
        if job.reason is Reason.RESERVED_NOT_SHIPPED
        or (job.open and (job.order_id not in listed or job.step is Step.NEW))
    ]
    invoices = ledger.jobs_of_orders(tenant, Stage.INVOICE, {job.order_id for job in asked}) if asked else []

    def since(job: Job, invoice: Job) -> bool:
        return job.order_id == invoice.order_id and job.id < invoice.id and _share(job.item_ids, invoice.item_ids)

    return frozenset(job.id for job in asked if any(since(job, invoice) for invoice in invoices))


def _listed_as_shipped(jobs: Iterable[Job], shipped: Mapping[str, Listed]) -> frozenset[int]:
    """Another part of the same order proves nothing: one of the job's own items must be listed."""
    return frozenset(
        job.id
        for job in jobs
        if (listed := shipped.get(job.order_id)) is not None
        and _share(job.item_ids, [item.item_id for item in listed.order.items])
    )


def _share(some: Iterable[int | str], others: Iterable[int | str]) -> bool:
    return not set(map(str, some)).isdisjoint(map(str, others))
