"""Implausible dates in the queues: those that would hold an invoice, and those that are treated as absent."""

from collections.abc import Iterator

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.invoice_checks.problems import Problem
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.reasons import Owner, Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.domain.supply_date import Window, allocation_accepted_at, can_be_true, implausible
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.repository import Ledger
from shipperone_erp.operations.installation_checks import Line, warning
from shipperone_erp.shipperone.order_parser import DATES


def date_problems(settings: TenantSettings, listing: Listing, ledger: Ledger | None) -> Iterator[tuple[str, Problem]]:
    """Each order of pending_invoice that would be held for its day of supply, with the reason. Blocking; reads only."""
    if listing.stage is not Stage.INVOICE:
        return
    known = _jobs(settings, listing, ledger, Stage.INVOICE)
    allocations = _jobs(settings, listing, ledger, Stage.ALLOCATION)
    for order_id, listed in listing.orders.items():
        jobs = [job for job in known.get(order_id, []) if job.open]
        if any(job.supply_date for job in jobs):
            continue
        first = min((job.first_listed_at for job in jobs), default=listing.began_at)
        window = Window.of(settings, first, allocation_accepted_at(allocations.get(order_id, ())))
        why = implausible(listed.order, settings, window, listed=listed.dates.get("shipped_at"))
        if why is not None:
            yield order_id, Problem(Reason.DATE_IMPLAUSIBLE, why, Owner.ACCOUNTANT)


def date_findings(settings: TenantSettings, listing: Listing) -> Iterator[Line]:
    """Listed dates that are treated as absent, except those that would hold an invoice."""
    for name in DATES:
        if name == "shipped_at" and listing.stage is Stage.INVOICE and settings.tax_date == "shipped":
            continue
        absent = [
            (order_id, listed.dates[name])
            for order_id, listed in listing.orders.items()
            if name in listed.dates and not can_be_true(getattr(listed.order, name), listing.began_at)
        ]
        if absent:
            order_id, text = absent[0]
            yield warning(
                settings,
                f"dates of {listing.stage}",
                f"{len(absent)} of {len(listing.orders)} order(s) list an impossible {name} (first: order "
                f"{order_id}, {text[:40]!r}): it is treated as absent",
                f'have it corrected at ShipperOne, or set its place: {name} = "…" in [tenants.{settings.name}.fields]',
            )


def _jobs(settings: TenantSettings, listing: Listing, ledger: Ledger | None, stage: Stage) -> dict[str, list[Job]]:
    jobs = ledger.jobs_of_orders(settings.name, stage, listing.orders) if ledger else ()
    return grouped(jobs, key=lambda job: job.order_id)
