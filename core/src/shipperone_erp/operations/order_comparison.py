"""An order's items and amounts in ShipperOne and in the ERP, side by side. Reads the ledger only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.hook_answers import Invoice
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.states import Stage, State
from shipperone_erp.kernel.grouping import summed
from shipperone_erp.operations.invoice_obstacles import possible_totals

DISCARDED = (State.GONE, State.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class ItemSides:
    """One item: its quantities by stage, and its amount on both sides if both are known."""

    sku: str
    name: str | None
    ordered: Decimal | None
    allocated: Decimal | None
    shipped: Decimal | None
    invoiced: Decimal | None
    theirs: Decimal | None
    ours: Decimal | None


@dataclass(frozen=True, slots=True)
class AmountSides:
    """Shipping, a charge, or the total. `worked_out`: the invoice is not built yet, and its amount is computed."""

    name: str
    theirs: Decimal | None
    ours: Decimal | None
    worked_out: bool = False

    @property
    def difference(self) -> Decimal | None:
        """The ledger's amount less the ERP's; None if one side is unknown."""
        return None if self.theirs is None or self.ours is None else self.ours - self.theirs


@dataclass(frozen=True, slots=True)
class Sides:
    """All items and amounts of an order that both sides have."""

    currency: str | None
    items: Sequence[ItemSides]
    amounts: Sequence[AmountSides]


def sides(jobs: Sequence[Job], settings: TenantSettings | None) -> Sides:
    """The sides of the jobs of one order; without `settings` no amount of an unbuilt invoice is computed."""
    living = [job for job in jobs if job.state not in DISCARDED]
    allocations = [job for job in living if job.stage is Stage.ALLOCATION]
    invoices = [job for job in living if job.stage is Stage.INVOICE]
    ordered, allocated = _quantities(allocations), _quantities(job for job in allocations if job.accepted)
    shipped, invoiced = _quantities(invoices), _quantities(job for job in invoices if job.accepted)
    built = [job.invoice for job in invoices if job.invoice is not None]
    rows = (item for job in invoices or allocations for item in job.order.items)
    listed = summed((str(item.item_id), item.row_total_incl_tax) for item in rows)
    stated = summed((str(line.item_id), line.total_incl_tax) for invoice in built for line in invoice.lines)
    names = {str(item.item_id): item for job in living for item in job.order.items}
    items = [
        ItemSides(
            item.sku, item.name, ordered.get(key), allocated.get(key), shipped.get(key), invoiced.get(key),
            listed.get(key), stated.get(key),
        )
        for key, item in names.items()
    ]  # fmt: skip
    newest = max(invoices or allocations, key=lambda job: job.id, default=None)
    currency = (newest.order.currency or (settings.currency if settings else None)) if newest else None
    return Sides(currency, items, _amounts(newest, built, allocations, settings))


def _quantities(jobs: Iterable[Job]) -> dict[str, Decimal]:
    return summed((str(item.item_id), item.qty) for job in jobs for item in job.order.items)


def _amounts(
    job: Job | None, invoices: Sequence[Invoice], allocations: Sequence[Job], settings: TenantSettings | None
) -> list[AmountSides]:
    if job is None:
        return []
    order = job.order
    shipping = [one.shipping_amount_incl_tax for one in invoices if one.shipping_amount_incl_tax is not None]
    totals = [one.total_incl_tax for one in invoices if one.total_incl_tax is not None]
    ours = sum(totals, Decimal(0)) if totals else None
    worked_out = False
    if ours is None and settings is not None and job.stage is Stage.INVOICE:
        ours = next(iter(possible_totals(job, allocations, settings)), None)
        worked_out = ours is not None
    found = [AmountSides("shipping", order.shipping_amount_incl_tax, sum(shipping, Decimal(0)) if shipping else None)]
    found += [AmountSides(charge.name, charge.amount, None) for charge in order.charges]
    return [*found, AmountSides("total", order.total_incl_tax, ours, worked_out)]
