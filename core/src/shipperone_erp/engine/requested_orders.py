"""Finds requested order ids that do not exist."""

from collections.abc import Collection, Mapping

from shipperone_erp.config import TenantSettings
from shipperone_erp.domain.listing import Listing
from shipperone_erp.domain.states import Stage
from shipperone_erp.ledger.reader import LedgerReader


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
