"""The reads of ShipperOne beside a stage's own queue."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shipperone_erp.domain.listing import Listed, Listing, ReadFailed

LOG = logging.getLogger("shipperone_erp.run")


@dataclass(frozen=True, slots=True)
class OtherQueues:
    """`shipped`: the orders of the newest read of pending_invoice. `read_invoice_queue`: a read of it that can prove
    absence. `read_failed`: the orders that ShipperOne lists as failed in its own process.
    """

    shipped: Callable[[], Mapping[str, Listed]]
    read_invoice_queue: Callable[[], Awaitable[Listing]]
    read_failed: Callable[[], Awaitable[frozenset[str]]]

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
