"""One queue of a tenant as it was last read, and the turn-taking between reading it and posting to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from shipperone_erp.domain.listing import Listed, Listing
from shipperone_erp.domain.states import Stage
from shipperone_erp.shipperone.client import ShipperOne
from shipperone_erp.shipperone.queue_reader import QueueReader


class QueueView:
    """Reads are one at a time. A read that must prove absence holds back this queue's POSTs until it is over.

    POSTs are held back for at most half of the time: afterwards they have at least as long as they were held back.
    Within that time a read proves absence only if no POST happens to be on its way.
    """

    def __init__(
        self,
        client: ShipperOne,
        stage: Stage,
        *,
        now: Callable[[], datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` dates the reads, where it is not the client's own time."""
        self.newest: Listing | None = None
        self._reader = QueueReader(client, stage, now=now)
        self._reading = asyncio.Lock()
        self._next: asyncio.Task[Listing] | None = None
        self._started = 0
        self._under_way = 0
        self._still = asyncio.Event()
        self._still.set()
        self._gate = asyncio.Event()
        self._gate.set()
        self._monotonic = monotonic
        self._open_until = 0.0

    async def read(self, *, prove: bool = False) -> Listing:
        """Read the whole queue. ReadFailed if not even its first page can be had; `newest` then stays."""
        async with self._reading:
            self._next = None
            began = self._monotonic()
            if not prove or began < self._open_until:
                return await self._read(prove=prove and self._under_way == 0)
            self._gate.clear()
            try:
                await self._still.wait()
                return await self._read(prove=True)
            finally:
                self._gate.set()
                ended = self._monotonic()
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
        while not self._gate.is_set():
            await self._gate.wait()
        self._started += 1
        self._under_way += 1
        self._still.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._still.set()
