"""The obstacles to invoicing the orders that a queue lists now, by the tenant's settings."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.amounts.discount_readings import settled
from shipperone_erp.domain.amounts.expected_totals import figures, readable
from shipperone_erp.domain.amounts.listed_amounts import cleaned
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.invoice_checks.stated_amounts import foreseen, problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.line_selection import sort_out
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.order import FulfillmentOrder
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.recorded_jobs import Recorded, RecordedJobs
from shipperone_erp.domain.reservations import rows_in
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.repository import Ledger

TELLS_EARLY = frozenset({Reason.CURRENCY_DIFFERS, Reason.AMOUNT_UNEXPLAINED})
"""Reasons that an order in `pending_allocation` already shows. Prices and shipping may come with its shipment."""


def problems(settings: TenantSettings, listing: Listing, ledger: Ledger | None) -> Iterator[tuple[str, Problem]]:
    """Each order that would be held for its amounts, with the reason. Blocking; reads only."""
    recorded = RecordedJobs(settings.base_url, settings.store_code, _jobs(ledger, settings.name, listing))
    for order_id, listed in listing.orders.items():
        found = standing_against(listing.stage, listed.order, settings, recorded.beside(listed.order))
        if found is not None and found.reason is not Reason.BUNDLE_UNCLEAR:
            yield order_id, found  # rows that may not be goods have no amount; a finding of its own reports them


def standing_against(
    stage: Stage, order: FulfillmentOrder, settings: TenantSettings, beside: Recorded
) -> Problem | None:
    """The reason why an order would be held in its queue; for `pending_allocation` only the early reasons."""
    if stage is Stage.INVOICE:
        return foreseen(order, settings, beside)
    goods = sort_out(order, settings, rows_in(beside.allocations, always=True))
    if goods.unclear:
        return Problem(Reason.BUNDLE_UNCLEAR, goods.unclear, Owner.IT)
    known = [sort_out(job.order, settings).invoiced for job in beside.allocations]
    found = problem(goods.invoiced, settings, part=bool(known), earlier=(), allocated=known)
    return found if found and found.reason in TELLS_EARLY else None


def possible_totals(job: Job, allocations: Sequence[Job], settings: TenantSettings) -> list[Decimal]:
    """The possible totals of a job's invoice: one, or one for each reading of its discounts that is still open."""
    currency = job.order.currency or settings.currency
    rows = sort_out(job.order, settings, rows_in(allocations, always=True)).invoiced
    order = cleaned(rows, currency, tolerance=settings.tolerance)
    known = [sort_out(one.order, settings).invoiced for one in allocations]
    proven = settled(order, currency, settings.discount, tolerance=settings.tolerance, part=job.part, allocated=known)
    sums = [figures(order, currency, each).invoice_total for each in ([proven] if proven else readable(order))]
    return list(dict.fromkeys(one for one in sums if one is not None))


def _jobs(ledger: Ledger | None, tenant: str, listing: Listing) -> list[Job]:
    if ledger is None:
        return []
    numbers = {
        order_id: listed.order.order_number
        for order_id, listed in listing.orders.items()
        if listed.order.order_number is not None
    }
    return [
        *ledger.jobs_of_orders(tenant, Stage.ALLOCATION, listing.orders),
        *ledger.jobs_of_orders(tenant, Stage.INVOICE, listing.orders),
        *(ledger.jobs_of_sales_orders(tenant, numbers) if numbers else ()),
    ]
