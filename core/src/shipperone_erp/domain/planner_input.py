"""The input of a plan: its queue and the tenant's rules, and the ledger's jobs of the orders."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listing, ToShip
from shipperone_erp.domain.rules import TenantRules
from shipperone_erp.domain.states import Stage


@dataclass(frozen=True, slots=True)
class PlannerRules:
    """The queue of a plan, and the tenant's settings that decide."""

    settings: TenantRules
    stage: Stage
    restored_at: datetime | None = None
    """When the ledger was restored from a copy, where that matters: of invoices of a tenant with `fiscal_first`."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.settings.name

    @property
    def unsteady_within(self) -> timedelta:
        """The period in which changes of an order's listing are counted, and for which it must then be unchanged."""
        return max(timedelta(minutes=10), 4 * self.settings.poll_interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerInput:
    """The ledger's records of the orders in question.

    `jobs`: all that are not ended, and every job of the listed orders. `allocations`: the allocation jobs of the listed
    orders, for the invoice stage. `sales_orders`: the jobs, of both stages, of every sales order that has another
    fulfillment order than the listed one. `seen_in_invoice`: ids of allocation jobs of which an item is or was in the
    other queue, which proves that it was confirmed.

    `live`: the tenant's go-live has happened for this queue. `last_good_read_at` is that of the previous read. For the
    allocation stage: `unshipped` are confirmed reservations past `ship_within`. `elsewhere` is a read of the other
    queue, made where a reservation must be released. `failed` are the orders that ShipperOne lists as failed in its
    own process, where that was queried. `to_ship` are the allocation jobs of which it lists an item to be shipped,
    where that was queried. `restored_at`: see `PlannerRules`.
    """

    jobs: tuple[Job, ...] = ()
    allocations: tuple[Job, ...] = ()
    sales_orders: tuple[Job, ...] = ()
    seen_in_invoice: frozenset[int] = frozenset()
    live: bool = True
    last_good_read_at: datetime | None = None
    busy: frozenset[str] = field(default_factory=frozenset)
    unshipped: tuple[Job, ...] = ()
    elsewhere: Listing | None = None
    failed: frozenset[str] = frozenset()
    to_ship: ToShip = field(default_factory=ToShip)
    restored_at: datetime | None = None
