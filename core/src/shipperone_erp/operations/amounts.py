"""What stands against invoicing what a queue lists now, by the tenant's settings."""

from collections.abc import Iterator

from shipperone_erp.config import TenantSettings
from shipperone_erp.ledger.records import Job
from shipperone_erp.ledger.store import Ledger
from shipperone_erp.model.work import Stage
from shipperone_erp.reasons import Reason
from shipperone_erp.shipperone.reading import Listing
from shipperone_erp.stages.amounts import Problem, problem
from shipperone_erp.stages.goods import sort_out
from shipperone_erp.stages.history import History
from shipperone_erp.stages.reserved import rows_in

TELLS_EARLY = frozenset({Reason.CURRENCY_DIFFERS, Reason.AMOUNT_UNEXPLAINED})
"""What an order in `pending_allocation` tells already; prices and shipping may come with its shipment."""


def problems(settings: TenantSettings, listing: Listing, ledger: Ledger | None) -> Iterator[tuple[str, Problem]]:
    """Each order that would be held for its amounts, with why. Blocking; reads only."""
    allocations = _accepted(ledger, settings, Stage.ALLOCATION, listing)
    invoices = _accepted(ledger, settings, Stage.INVOICE, listing)
    for order_id, listed in listing.orders.items():
        before, allocated = invoices.get(order_id, []), allocations.get(order_id, [])
        known = [sort_out(job.order, settings).invoiced for job in allocated]
        goods = sort_out(listed.order, settings, rows_in(allocated, always=True))
        if goods.unclear:
            continue  # what is not known to be goods has no amount; a finding of its own
        if listing.stage is Stage.INVOICE:
            part = History(settings, before, allocated).is_part(listed.order)
            found = problem(goods.invoiced, settings, part=part, earlier=before, allocated=known)
        else:
            found = problem(goods.invoiced, settings, part=bool(allocated), earlier=(), allocated=known)
            found = found if found and found.reason in TELLS_EARLY else None
        if found is not None:
            yield order_id, found


def _accepted(ledger: Ledger | None, settings: TenantSettings, stage: Stage, listing: Listing) -> dict[str, list[Job]]:
    accepted: dict[str, list[Job]] = {}
    for job in ledger.jobs_of_orders(settings.name, stage, listing.orders) if ledger else ():
        if job.accepted:
            accepted.setdefault(job.order_id, []).append(job)
    return accepted
