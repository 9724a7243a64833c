"""The reads of ShipperOne beside a stage's own queue."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from shipperone_erp.domain.confirmed_elsewhere import listed_to_ship
from shipperone_erp.domain.job import Job
from shipperone_erp.domain.listing import Listed, Listing, ReadFailed, ToShip, Trouble

ReadToShip = Callable[[Collection[str]], Awaitable[Mapping[str, frozenset[str]]]]
"""The items of those of these orders that ShipperOne lists to be shipped. ReadFailed if the token may not read them."""

LOG = logging.getLogger("shipperone_erp.run")


@dataclass(frozen=True, slots=True)
class OtherQueues:
    """`shipped`: the orders of the newest read of pending_invoice. `read_invoice_queue`: a read of it that can prove
    absence. `read_failed`: the orders that ShipperOne lists as failed in its own process. `read_to_ship`: the items of
    those of these orders that it lists to be shipped.
    """

    shipped: Callable[[], Mapping[str, Listed]]
    read_invoice_queue: Callable[[], Awaitable[Listing]]
    read_failed: Callable[[], Awaitable[frozenset[str]]]
    read_to_ship: ReadToShip

    async def invoice_listing(self, tenant: str) -> Listing | None:
        """A read of pending_invoice that can prove absence; None if it fails."""
        try:
            return await self.read_invoice_queue()
        except ReadFailed as failure:
            LOG.warning("%s: pending_invoice must be read before goods are given back: %s", tenant, failure.sentence)
            return None

    async def failed_orders(self) -> frozenset[str]:
        """The orders that ShipperOne lists as failed in its own process; none where the token may not read them."""
        try:
            return await self.read_failed()
        except ReadFailed:
            return frozenset()


async def jobs_to_ship(jobs: Collection[Job], read: ReadToShip) -> ToShip:
    """The allocation jobs of which ShipperOne lists an item to be shipped."""
    if not jobs:
        return ToShip()
    try:
        listed = await read({job.order_id for job in jobs})
    except ReadFailed as failure:
        passes = failure.trouble in (Trouble.UNAVAILABLE, Trouble.THROTTLED)
        return ToShip(failed=passes, denied=not passes)
    return ToShip(listed_to_ship(jobs, listed))
