"""One queue of a tenant as it was last read, and the turn-taking between reading it and posting to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.states import Stage
from shipperone_erp.engine.shared_lock import SharedLock
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.queue_reader import QueueReader


class QueueView:
    """Reads are one at a time. A read that must prove absence holds back this queue's POSTs until it is over.

    POSTs are held back for at most half of the time: afterwards they have at least as long as they were held back.
    Within that time a read proves absence only if no POST happens to be on its way. `time` dates the reads.
    """

    def __init__(self, client: ShipperOne, stage: Stage, time: TimeSource) -> None:
        self.newest: Listing | None = None
        self._reader = QueueReader(client, stage, time=time)
        self._time = time
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[Listing] | None = None
        self._started = 0
        self._posts = SharedLock()
        self._open_until = 0.0

    async def read(self, *, prove: bool = False) -> Listing:
        """Read the whole queue. ReadFailed if not even its first page can be had; `newest` then stays."""
        async with self._reading:
            self._next = None
            began = self._time.monotonic()
            if not prove or began < self._open_until:
                return await self._read(prove=prove and self._posts.sharing == 0)
            try:
                async with self._posts.alone():
                    return await self._read(prove=True)
            finally:
                ended = self._time.monotonic()
                self._open_until = ended + (ended - began)

    async def _read(self, *, prove: bool) -> Listing:
        self.newest = await self._reader.read(prove=prove, posts_started=lambda: self._started)
        return self.newest

    async def fresh(self) -> Listing:
        """A read that begins after this call; many who ask at once share one."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self.read())
        return await asyncio.shield(self._next)

    def listed(self, order_id: str) -> Listed | None:
        """The order in the newest read; None if that does not list it, or not readably."""
        return self.newest.orders.get(order_id) if self.newest else None

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """A POST's turn: waits while a read needs the queue still."""
        async with self._posts.shared():
            self._started += 1
            yield
