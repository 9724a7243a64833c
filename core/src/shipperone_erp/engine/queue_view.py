"""The newest read of one queue of a tenant, and the mutual exclusion of reads and POSTs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.engine.shared_lock import SharedLock
from shipperone_erp.kernel.time_source import TimeSource
from shipperone_erp.shipperone.queue_reader import QueueReader


class QueueView:
    """Reads are one at a time. A read that must prove absence blocks this queue's POSTs until it has ended.

    POSTs are blocked for at most half of the time: after a blocking read they are free for at least as long as it took.
    Within that time a read proves absence only if no POST is under way. `time` dates the reads.
    """

    def __init__(self, reader: QueueReader, time: TimeSource) -> None:
        self.newest: Listing | None = None
        self._reader = reader
        self._time = time
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[Listing] | None = None
        self._started = 0
        self._posts = SharedLock()
        self._open_until = 0.0

    async def read(self, *, prove: bool = False) -> Listing:
        """Read the whole queue. ReadFailed if even its first page cannot be read; `newest` is then unchanged."""
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
        """A read that begins after this call; concurrent callers share one."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self.read())
        return await asyncio.shield(self._next)

    def listed(self, order_id: str) -> Listed | None:
        """The order in the newest read; None if it is not listed, or not readable."""
        return self.newest.orders.get(order_id) if self.newest else None

    @asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Hold the right to POST: waits while a read needs an unchanged queue."""
        async with self._posts.shared():
            self._started += 1
            yield
