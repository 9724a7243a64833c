"""The orders to which a run is restricted: the decisions that it executes, and the ids that were not found."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.decisions import Decision, NoAction, StartHeld, order_of
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.reasons import Reason
from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.grouping import grouped
from shipperone_erp.ledger.reader import LedgerReader


@dataclass(frozen=True, slots=True)
class Selection:
    """The orders to which a run is restricted: these ids (empty: all), at most `limit` of each stage."""

    orders: frozenset[str] = frozenset()
    limit: int | None = None

    def admits(self, order_id: str) -> bool:
        """The order is not excluded by its id."""
        return not self.orders or order_id in self.orders

    def chosen(self, decisions: Iterable[Decision]) -> list[tuple[str, list[Decision]]]:
        """The decisions of each order together, by urgency, as far as this run may execute them."""
        wanted: Iterable[Decision] = (
            one for one in decisions if not isinstance(one, NoAction) and self.admits(order_of(one))
        )
        return list(grouped(wanted, key=order_of).items())[: self.limit]


def before_go_live(decisions: Iterable[Decision], chosen: Collection[str]) -> list[tuple[str, list[Decision]]]:
    """The orders beyond `chosen` that were listed before the go-live, each of which is only to be held."""
    return [
        (decision.job.order_id, [decision])
        for decision in decisions
        if isinstance(decision, StartHeld)
        and decision.job.reason is Reason.BEFORE_GO_LIVE
        and decision.job.order_id not in chosen
    ]


def unknown_to(
    tenant: str, asked: frozenset[str], listings: Collection[Listing], ledger: LedgerReader
) -> frozenset[str]:
    """The ids in `asked` that none of the listings contains, not even as unreadable, and that have no job in the
    ledger.
    """
    listed = {order_id for listing in listings for order_id in listing.orders}
    listed |= {unreadable.order_id for listing in listings for unreadable in listing.unreadable if unreadable.order_id}
    return frozenset(one for one in asked - listed if not ledger.find_jobs(tenant=tenant, order_id=one, limit=1))


def unknown_orders(tenants: Mapping[str, TenantSettings], unknown: Mapping[str, frozenset[str]]) -> list[str]:
    """A sentence for each order that is unknown to every one of these tenants: it may be of any of them."""
    everywhere = frozenset.intersection(*unknown.values()) if unknown else frozenset()
    if not everywhere:
        return []
    served = {stage for name in unknown for stage in tenants[name].stages}
    queues = " or ".join(f"pending_{stage}" for stage in Stage if stage in served)
    return [
        f"{', '.join(unknown)}: no order {order_id} is listed in {queues}, and the ledger knows none"
        for order_id in sorted(everywhere)
    ]
