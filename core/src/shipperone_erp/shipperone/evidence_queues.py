"""The queues that nothing is done for: what they list is evidence about orders that have left ours."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Literal

from shipperone_erp.domain.listing import ReadFailed, Trouble
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.order_parser import OrderWire
from shipperone_erp.shipperone.queue_reader import PAGES_AT_MOST


async def read_failed(client: ShipperOne, wire: OrderWire) -> frozenset[str]:
    """The ids of the orders that failed in ShipperOne's process. ReadFailed if the token may not read them.

    Evidence only: an order that is missing here proves nothing.
    """
    found: set[str] = set()
    async for page in _pages(client, "failed"):
        ids = set(filter(None, map(wire.order_id, page)))
        if ids <= found:
            break
        found |= ids
    return frozenset(found)


async def read_to_ship(client: ShipperOne, wire: OrderWire, wanted: Collection[str]) -> Mapping[str, frozenset[str]]:
    """The items of the `wanted` orders that ShipperOne lists to be shipped, by order. ReadFailed if the token may not
    read them.

    A queue of several pages is read twice where an order is missing: while others are shipped, an order moves up past
    the page that is read next. An order of which no item can be read is listed without items.
    """
    found: dict[str, frozenset[str]] = {}
    for _ in range(2):
        seen: set[str] = set()
        pages = 0
        async for page in _pages(client, "pending_shipment"):
            ids = set()
            for raw in page:
                order_id = wire.order_id(raw)
                if order_id is not None:
                    ids.add(order_id)
                    if order_id in wanted:
                        found[order_id] = found.get(order_id, frozenset()) | wire.item_ids(raw)
            if ids <= seen or len(found) == len(wanted):
                break
            seen |= ids
            pages += 1
        if pages <= 1 or len(found) == len(wanted):
            break
    return found


async def _pages(client: ShipperOne, queue: Literal["failed", "pending_shipment"]) -> AsyncIterator[Sequence[Any]]:
    """The entries of each page. A refusal past the first page is the end, as in the queues that are worked on."""
    for number in range(1, PAGES_AT_MOST + 1):
        try:
            yield await client.evidence_page(queue, number)
        except ReadFailed as failure:
            if number > 1 and failure.trouble in (Trouble.REFUSED, Trouble.NOT_FOUND):
                return
            raise
