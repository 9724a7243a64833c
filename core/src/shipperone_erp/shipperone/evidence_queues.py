"""The queues that nothing is done for: what they list is evidence about orders that have left ours."""

from collections.abc import Collection, Mapping

from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import PAGES_AT_MOST


async def read_failed(client: ShipperOne, wire: OrderWire) -> frozenset[str]:
    """The ids of the orders that failed in ShipperOne's process. ReadFailed if the token may not read them.

    Evidence only: an order that is missing here proves nothing.
    """
    found: set[str] = set()
    for number in range(1, PAGES_AT_MOST + 1):
        ids = set(map(wire.order_id, await client.evidence_page("failed", number))) - {None}
        if ids <= found:
            break
        found.update(filter(None, ids))
    return frozenset(found)


async def read_to_ship(client: ShipperOne, wire: OrderWire, wanted: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The items of the `wanted` orders that ShipperOne lists to be shipped, by order. ReadFailed if the token may not
    read them.

    Evidence only, as `read_failed`. An order of which no item can be read is listed without items.
    """
    seen: set[str] = set()
    found: dict[str, frozenset[str]] = {}
    for number in range(1, PAGES_AT_MOST + 1):
        ids = set()
        for raw in await client.evidence_page("pending_shipment", number):
            order_id = wire.order_id(raw)
            if order_id is not None:
                ids.add(order_id)
                if order_id in wanted:
                    found[order_id] = found.get(order_id, frozenset()) | wire.item_ids(raw)
        if ids <= seen or len(found) == len(wanted):
            break
        seen |= ids
    return found
